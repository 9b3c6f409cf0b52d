/** Renders docs/METHODS.md from the registry of methods. Run: `npx tsx scripts/gen-methods.ts` writes it. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { limits } from '../src/limits.js';
import { headerNames, protocolVersion, statusOf } from '../src/transport/handshake.js';
import { type Method, methods } from '../src/wire/methods.js';
import { rpcCodeOf } from '../src/wire/rpc-errors.js';

type AnyMethod = Method<{ readonly type: string }>;

/** The whole text of docs/METHODS.md. */
export function methodsMarkdown(): string {
  const all = Object.entries(methods) as unknown as [string, AnyMethod][];
  const of = (from: AnyMethod['from']) => all.filter(([, method]) => method.from === from);
  return `${[
    intro(),
    '## What a client asks',
    'Requests: each is answered with a result or an error under its `id`.',
    ...of('client').map(section),
    '## What nodes tell one another',
    'Notifications: unanswered; loss, repetition and reorder are expected. Only a connection that introduced itself as a node may send them.',
    ...of('node').map(section),
    errors(),
  ].join('\n\n')}\n`;
}

function intro(): string {
  return [
    '# Methods',
    '<!-- Made by scripts/gen-methods.ts from src/wire/methods.ts: change it there. -->',
    'Nodes and clients speak JSON-RPC 2.0 over WebSocket text frames. A frame holds one message, or several as a batch; ' +
      `it is at most ${limits.frameBytes} bytes. \`params\` are named. Every field is checked, and none may be added. ` +
      'A call outside the protocol is answered with an error; a frame that is not JSON is, too, and ends the connection (1007).',
    '## Handshake',
    `| header | what it holds |\n| --- | --- |\n${[
      ['`Authorization`', '`Bearer <token>`, the cluster’s token'],
      [`\`${headerNames.protocol}\``, `the version of the protocol: \`${protocolVersion}\``],
      [`\`${headerNames.cluster}\``, 'the cluster’s id, percent-encoded'],
      [
        `\`${headerNames.hello}\``,
        'who connects, as JSON: `{"role":"client","cluster"}` or `{"role":"node","cluster","id","store","incarnation"}`; the node answers with its own',
      ],
      [
        `\`${headerNames.expect}\``,
        'optional: the node that is expected, as JSON `{"id","store","incarnation"}`',
      ],
    ]
      .map((row) => `| ${row.join(' | ')} |`)
      .join('\n')}`,
    'A refusal is an HTTP response whose body is `{"error": {code, message, tookEffect, hint, details?}}`: ' +
      `${Object.entries(statusOf)
        .map(([code, status]) => `${status} \`${code}\``)
        .join(', ')}. A request with an \`Origin\` header is always refused.`,
  ].join('\n\n');
}

function section([name, method]: [string, AnyMethod]): string {
  const fields = Object.entries(method.fields).map(([field, text]) => `- \`${field}\`: ${text}`);
  return [
    `### \`${name}\``,
    method.summary,
    fields.length > 0 ? fields.join('\n') : 'No params.',
    ...(method.result === undefined ? [] : [`Result: ${method.result}.`]),
  ].join('\n\n');
}

function errors(): string {
  const rows = Object.entries(rpcCodeOf).map(([code, number]) => `| ${number} | \`${code}\` |`);
  return [
    '## Errors',
    'An error is `{code, message, data: {code, tookEffect, hint, details?}}`: `data.code` is one of muster’s codes, `tookEffect` says ' +
      'whether the operation was done (`yes`, `no`, `unknown`). A refused `open`, `close`, `write` or `read` has `details.revision`, the ' +
      'revision of the map that the node knows. Messages outside the protocol are `bad-message`, with JSON-RPC’s own −32700, −32600, −32601 or −32602.',
    `| code | data.code |\n| --- | --- |\n${rows.join('\n')}`,
  ].join('\n\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(fileURLToPath(new URL('../docs/METHODS.md', import.meta.url)), methodsMarkdown());
}
