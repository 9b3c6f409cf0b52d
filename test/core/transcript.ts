/** Runs the commands of a transcript (lines that begin with `> `) on a `Stage` and gives the text with what they print. */
import { describeConfig, describeRequest, describeResponse } from '../../src/core/describe.js';
import type { Operation, SessionId, TxItem } from '../../src/core/machine/types.js';
import type { Member, PartitionConfig } from '../../src/core/map/types.js';
import type { ClientRequest, PeerMessage, TxStep } from '../../src/core/messages.js';
import { hashKey, partitionOf } from '../../src/core/ring/hash.js';
import { type NextPublish, Stage } from './stage.js';

interface Client {
  readonly name: string;
  session: SessionId;
  n: number;
  /** What it has acknowledged is before this. */
  first: number;
}

/** The text again, each command followed by what it prints now. Throws, naming the line, when a command makes no sense. */
export async function play(text: string): Promise<string> {
  const script = new Script();
  const output: string[] = [];
  let inOutput = false;
  for (const [i, line] of text.split('\n').entries()) {
    if (line.startsWith('> ')) {
      output.push(line);
      try {
        output.push(...(await script.command(line.slice(2))));
      } catch (error) {
        throw new Error(`line ${i + 1}: ${line}: ${(error as Error).message}`, { cause: error });
      }
      inOutput = true;
    } else if (line === '' || line.startsWith('#')) {
      inOutput = false;
      output.push(line);
    } else if (!inOutput) throw new Error(`line ${i + 1} is neither a command nor a comment: ${line}`);
  }
  return output.join('\n');
}

class Script {
  #stage: Stage | null = null;
  readonly #clients = new Map<string, Client>();
  readonly #asked: { readonly client: Client; readonly opens: boolean }[] = [];

  async command(line: string): Promise<string[]> {
    const [verb = '', ...words] = line.split(' ');
    if (verb === 'cluster') {
      this.#cluster(words);
      return [];
    }
    const stage = this.#stage;
    if (stage === null) throw new Error('the first command is `cluster`');
    if (verb === 'state') return this.#state(stage);
    if (verb === 'map') return stage.map.partitions.map((config, p) => `       p${p} ${full(config)}`);
    if (verb === 'locate')
      return words.map(
        (key) => `       ${key} is in p${partitionOf(hashKey(key), stage.map.partitions.length)}`,
      );
    const quiet = verb === 'quietly';
    if (quiet) await this.#act(stage, words[0] as string, words.slice(1));
    else await this.#act(stage, verb, words);
    const said = stage.lines.splice(0);
    return quiet && said.length > 0 ? [`       (${said.length} lines)`] : said;
  }

  #cluster(words: readonly string[]): void {
    const [nodes, ...rest] = words;
    const given = new Map(rest.map((word) => word.split('=') as [string, string]));
    const take = (name: string, otherwise: number): number => Number(given.get(name) ?? otherwise);
    const tuning: Record<string, number> = {};
    for (const name of ['snapshotChunk', 'retainEntries', 'pipelineEntries', 'sessionIdleMs'] as const)
      if (given.has(name)) tuning[name] = take(name, 0);
    const stage = new Stage({
      nodes: Number(nodes),
      partitions: take('partitions', 1),
      replicas: take('replicas', 3),
      minInSync: take('min', 2),
      repairAfterMs: take('repair', 30_000),
      tuning,
    });
    this.#stage = stage;
    stage.onReply = (origin, response) => {
      const { client, opens } = this.#asked[origin] as { client: Client; opens: boolean };
      if (opens && response.ok && response.type === 'open') client.session = response.session;
      stage.say(`${client.name} ← ${describeResponse(response)}`);
    };
  }

  async #act(stage: Stage, verb: string, words: readonly string[]): Promise<void> {
    const [one = '', two = ''] = words;
    if (/^c\d+$/.test(verb)) {
      this.#ask(stage, verb, words);
      return;
    }
    switch (verb) {
      case 'start':
      case 'wipe':
      case 'freeze':
      case 'thaw':
      case 'stop':
      case 'stall':
      case 'unstall':
      case 'suspended':
        for (const node of words) stage[verb](node);
        return;
      case 'kill':
        for (const node of words) if (node !== 'torn') stage.kill(node, words.includes('torn'));
        return;
      case 'checkpoint':
        for (const node of words) await stage.checkpoint(node);
        return;
      case 'run':
        stage.run(Number(one));
        return;
      case 'until':
        stage.until(condition(stage, words));
        return;
      case 'cut':
        for (const link of words) for (const [from, to] of linksOf(link)) stage.cut(from, to);
        return;
      case 'heal':
        stage.heal();
        return;
      case 'lose':
        for (const [from, to] of linksOf(two))
          stage.lose(one as PeerMessage['type'], from, to, Number(words[2] ?? 1));
        return;
      case 'arm':
        stage.arm(two as TxStep, one);
        return;
      case 'quiesce':
        stage.quiesce(one, Number(two));
        return;
      case 'next-publish':
        stage.nextPublish = one as NextPublish;
        return;
      case 'metastore':
        stage.metastoreDown = one === 'down';
        return;
      case 'unproven':
        stage.provesGone = false;
        return;
      case 'show':
        for (const kind of words) stage.hidden.delete(kind as PeerMessage['type']);
        return;
      case 'hide':
        for (const kind of words) stage.hidden.add(kind as PeerMessage['type']);
        return;
      case 'target':
        stage.change({ targets: new Map([[Number(one.slice(1)), words.slice(1)]]) });
        return;
      case 'member': {
        const member = stage.map.members[one] as Member;
        stage.change({ members: new Map([[one, { ...member, state: two as Member['state'] }]]) });
        return;
      }
      case 'remove':
        stage.change({ members: new Map([[one, null]]) });
        return;
      case 'remember':
        this.#remembered = stage.map;
        return;
      case 'roll-back':
        stage.rollBack(this.#remembered ?? stage.map);
        return;
      default:
        throw new Error('no such command');
    }
  }

  #remembered: Stage['map'] | null = null;

  #ask(stage: Stage, name: string, words: readonly string[]): void {
    let client = this.#clients.get(name);
    if (client === undefined) {
      client = { name, session: '0.0', n: 0, first: 1 };
      this.#clients.set(name, client);
    }
    const [node = '', ...what] = words;
    const request = requestOf(client, what);
    const origin = this.#asked.push({ client, opens: request.type === 'open' }) - 1;
    stage.say(`${name} → ${node} ${describeRequest(request)}`);
    stage.request(node, origin, request);
  }

  #state(stage: Stage): string[] {
    return stage.nodes.flatMap((node) => {
      const core = stage.coreOf(node);
      if (core === null) return [`       ${node} is down`];
      const replicas = [...core.replicas.values()].sort((a, b) => a.p - b.p);
      return replicas.map((replica) => {
        const { p, role, promised, commit, durable, log, lead, check } = replica;
        const serves =
          lead === null ? '' : `${lead.serving ? ' serving' : ''}${lead.isWritable ? ' writable' : ''}`;
        const trust = check.trust === 'checked' ? '' : ` log ${check.trust}`;
        return (
          `       ${node} p${p} ${role}${serves} e${replica.config.epoch} promised ${promised} ` +
          `log ${log.baseSeq}..${log.tailSeq} durable ${durable} commit ${commit}${trust}`
        );
      });
    });
  }
}

const full = (config: PartitionConfig): string =>
  `${describeConfig(config)} target ${config.target.join(' ')}`;

function linksOf(link: string): [string, string][] {
  const [a = '', b = ''] = link.split(/[->]/);
  return link.includes('>')
    ? [[a, b]]
    : [
        [a, b],
        [b, a],
      ];
}

function condition(stage: Stage, [what, one = '', two = '']: readonly string[]): () => boolean {
  const p = Number(one.slice(1));
  const config = (): PartitionConfig => stage.map.partitions[p] as PartitionConfig;
  const leadOf = (node: string) => stage.coreOf(node)?.replicas.get(p)?.lead;
  switch (what) {
    case 'writable':
      return () => stage.nodes.some((node) => leadOf(node)?.isWritable === true);
    case 'serving':
      return () => stage.nodes.some((node) => leadOf(node)?.serving === true);
    case 'primary':
      return () => leadOf(two)?.serving === true;
    case 'in-sync':
      return () => config().inSync.length === Number(two);
    case 'revision':
      return () => stage.map.revision >= Number(one);
    default:
      throw new Error('no such condition');
  }
}

function requestOf(client: Client, words: readonly string[]): ClientRequest {
  const { session } = client;
  const [verb = '', one = '', two = '', three = ''] = words;
  const partition = Number(one.slice(1));
  switch (verb) {
    case 'open':
      return { type: 'open', p: partition };
    case 'close':
      return { type: 'close', p: partition, session };
    case 'get':
      return { type: 'read', p: Number(two.slice(1) || '0'), query: { type: 'get', key: one } };
    case 'list':
      return {
        type: 'read',
        p: partition,
        query: { type: 'scan', kind: two as 'text' | 'counter', after: null, prefix: three, limit: 10 },
      };
    case 'rows':
      return { type: 'read', p: partition, query: { type: 'rows', kind: two as 'lock' | 'tx', after: null } };
    case 'await':
      return { type: 'read', p: 0, query: { type: 'await', key: one, ticket: two } };
    case 'trace':
      return { type: 'read', p: partition, query: { type: 'trace', tx: two } };
    case 'abort':
      return { type: 'abort', p: partition, tx: two };
    case 'again': {
      // What it sent last, once more, as a client does that had no answer.
      const { n, first } = client;
      return { type: 'write', session, n, first, op: operationOf(words.slice(1)) };
    }
    case 'txs': {
      return { type: 'tx', ...next(client), op: transactionOf(words.slice(1)), at: client.n };
    }
    default:
      return { type: 'write', ...next(client), op: operationOf(words) };
  }
}

/** The next number of the session. It acknowledges all before. */
function next(client: Client): { session: SessionId; n: number; first: number } {
  client.n++;
  client.first = client.n;
  return { session: client.session, n: client.n, first: client.first };
}

function operationOf(words: readonly string[]): Operation {
  const [type = '', key = '', one = '', two = ''] = words;
  switch (type) {
    case 'put':
      return { type, key, value: one.startsWith('*') ? 'x'.repeat(Number(one.slice(1))) : one };
    case 'delete':
    case 'resolve':
      return { type, key };
    case 'incr':
      return { type, key, by: Number(one) };
    case 'reset':
      return { type, key, value: Number(one) };
    case 'acquire':
      return { type, key, ttl: Number(one), wait: two === 'wait', permits: 1 };
    case 'renew':
    case 'release':
      return { type, key, token: Number(one) };
    case 'leave':
      return { type, key, ticket: one };
    case 'tx':
      return transactionOf(words.slice(1));
    default:
      throw new Error(`no operation is called ${type}`);
  }
}

/** Its anchor is the partition of its first key. */
function transactionOf(words: readonly string[]): Extract<Operation, { type: 'tx' }> {
  const items = itemsOf(words);
  return { type: 'tx', key: items[0]?.key ?? '', items };
}

/** `incr a 1; get b`. */
function itemsOf(words: readonly string[]): TxItem[] {
  return words
    .join(' ')
    .split(';')
    .map((text): TxItem => {
      const [type = '', key = '', value = ''] = text.trim().split(' ');
      switch (type) {
        case 'get':
        case 'delete':
          return { type, key };
        case 'put':
          return { type, key, value };
        case 'incr':
          return { type, key, by: Number(value) };
        case 'check':
          return {
            type,
            key,
            equals: value === 'nothing' ? null : /^-?\d+$/.test(value) ? Number(value) : value,
          };
        case 'version':
          return { type, key, version: Number(value) };
        default:
          throw new Error(`no item is called ${type}`);
      }
    });
}
