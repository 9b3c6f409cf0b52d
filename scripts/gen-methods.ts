/** Renders docs/METHODS.md from the registry of methods. `npm run docs` writes it. */
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
    '## Requests of clients',
    'Each request is answered with a result or an error under its `id`.',
    ...of('client').map(section),
    '## Notifications between nodes',
    'Notifications are not answered. Loss, repetition and reordering are expected. Only a connection with role `node` may send them.',
    ...of('node').map(section),
    errors(),
  ].join('\n\n')}\n`;
}

function intro(): string {
  return [
    '# Methods',
    '<!-- Made by scripts/gen-methods.ts from src/wire/methods.ts: change it there. -->',
    'Nodes and clients speak JSON-RPC 2.0 over WebSocket text frames. A frame contains one message, or several as a batch, and has ' +
      `at most ${limits.frameBytes} bytes (8 MiB). \`params\` are named. Every field is checked, and unknown fields are refused. ` +
      'A message outside the protocol is answered with an error. A frame that is not JSON is answered with an error too, and the ' +
      'connection is closed with 1007.',
    '## Handshake',
    `| header | content |\n| --- | --- |\n${[
      ['`Authorization`', '`Bearer <token>`, the cluster’s token'],
      [`\`${headerNames.protocol}\``, `the protocol version: \`${protocolVersion}\``],
      [`\`${headerNames.cluster}\``, 'the cluster’s id, percent-encoded'],
      [
        `\`${headerNames.hello}\``,
        'the identity of the sender, as JSON: `{"role":"client","cluster"}` or `{"role":"node","cluster","id","store","incarnation"}`; the node answers with its own',
      ],
      [`\`${headerNames.expect}\``, 'optional: the expected node, as JSON `{"id","store","incarnation"}`'],
    ]
      .map((row) => `| ${row.join(' | ')} |`)
      .join('\n')}`,
    'A refused handshake gets an HTTP response with the body `{"error": {code, message, tookEffect, hint, details?}}`: ' +
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
    'An error is `{code, message, data: {code, tookEffect, hint, details?}}`. `data.code` is one of muster’s codes ([ERRORS.md](ERRORS.md)). ' +
      '`tookEffect` says whether the operation took effect (`yes`, `no`, `unknown`). A refused `open`, `close`, `write` or `read` has ' +
      '`details.revision`, the revision of the node’s map. Messages outside the protocol are `bad-message`, with the JSON-RPC codes ' +
      '−32700, −32600, −32601 or −32602.',
    `| code | data.code |\n| --- | --- |\n${rows.join('\n')}`,
  ].join('\n\n');
}
