import type { MusterClient } from '../../client/api.js';
import { findCluster, listClusters } from '../../cluster/folder/registry.js';
import { failpoints } from '../../faults/plan.js';
import { strategyNames } from '../../router/balancers/index.js';
import { parseDuration } from '../../text/duration.js';
import { plural } from '../../text/format.js';
import { executables } from '../executables.js';
import type { CommandIo } from '../io.js';
import type { Suggestion } from '../prompts/ask.js';
import { clusterByDefault, resolveSetting, settingKeys } from '../settings.js';
import { shells } from './scripts.js';
import type { PlainKind, ValueKind } from './value-kind.js';
import { shapedValues } from './value-shapes.js';

/** Knows the values that a command could mean. */
export interface ValueSource {
  /** Values of a kind for the typed text; they may not start with it. Returns nothing instead of failing. */
  values(
    kind: ValueKind,
    prefix: string,
    context: { readonly cluster?: string },
  ): Promise<readonly Suggestion[]>;
}

/** How long all questions to a cluster may take together, in ms: MUSTER_TAB_TIMEOUT, else 300, which is not felt as a wait. */
function patienceMs(): number {
  try {
    return parseDuration(process.env.MUSTER_TAB_TIMEOUT ?? '');
  } catch {
    return 300;
  }
}
/** The maximum number of values to request. */
const most = 50;

const states = { running: 'up', stopped: 'paused', gone: 'down' } as const;
const plain = (values: Iterable<string>): Suggestion[] =>
  [...values].map((value) => ({ value, description: '' }));

/** Values on this machine and, if they answer soon enough, in its clusters. */
export const valuesOf = (io: Pick<CommandIo, 'lend' | 'defaults'>): ValueSource => ({
  async values(kind, prefix, context) {
    const named = context.cluster ?? io.defaults.cluster;
    const cluster = () => (resolveSetting('cluster', named, null) ?? clusterByDefault()).value;
    const lookUp = async (of: PlainKind, typed: string): Promise<Suggestion[]> => {
      try {
        return await (here(of, typed, cluster) ?? asked(of, typed, cluster(), io));
      } catch {
        return [];
      }
    };
    switch (kind) {
      case 'file':
        return [];
      case 'condition':
      case 'strategies':
      case 'node-value':
      case 'node-values':
      case 'link':
      case 'groups':
      case 'fence':
        return shapedValues(kind, prefix, lookUp);
      default:
        return lookUp(kind, prefix);
    }
  },
});

/** Values that are known without asking a node; null: a node must be asked. */
function here(
  kind: PlainKind,
  prefix: string,
  cluster: () => string,
): Suggestion[] | Promise<Suggestion[]> | null {
  switch (kind) {
    case 'cluster':
      return listClusters().map(({ name, state, nodes }) => ({
        value: name,
        description: state === 'damaged' ? state : `${plural(nodes, 'node')}, ${state}`,
      }));
    case 'node':
      return findCluster(cluster()).roster.map(({ id, state }) => ({
        value: id,
        description: states[state],
      }));
    case 'fault':
      return faultsOf(cluster());
    case 'variant':
      return import('../../simulator/variants.js').then(({ variants }) =>
        variants.map(({ name, story }) => ({ value: name, description: story })),
      );
    case 'strategy':
      return plain(strategyNames);
    case 'failpoint':
      return plain(Object.keys(failpoints));
    case 'setting':
      return Object.entries(settingKeys).map(([value, { about }]) => ({ value, description: about }));
    case 'shell':
      return plain(shells);
    case 'command':
      return plain(executables(prefix));
    default:
      return null;
  }
}

async function faultsOf(cluster: string): Promise<Suggestion[]> {
  const [{ readFaults }, { faultRows }] = await Promise.all([
    import('../../faults/store.js'),
    import('../../faults/plan.js'),
  ]);
  return faultRows(readFaults(findCluster(cluster).dir)).map(({ id, text }) => ({
    value: id,
    description: text,
  }));
}

/** The answers of nodes that arrive in time, at most `most` of them. */
async function asked(
  kind: PlainKind,
  prefix: string,
  cluster: string,
  io: Pick<CommandIo, 'lend'>,
): Promise<Suggestion[]> {
  const found = new Map<string, Suggestion>();
  const askMs = patienceMs();
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, askMs);
  });
  const ask = async (): Promise<void> => {
    const { client, done } = await io.lend(cluster, { timeoutMs: askMs, evenIfStopped: false });
    try {
      for await (const one of answers(kind, prefix, client, askMs)) {
        found.set(one.value, one);
        if (found.size >= most) break;
      }
    } finally {
      await done();
    }
  };
  // Answers that come too late are ignored; those before them are still useful.
  await Promise.race([ask().catch(() => {}), over]);
  clearTimeout(timer);
  return [...found.values()];
}

async function* answers(
  kind: PlainKind,
  prefix: string,
  client: MusterClient,
  timeoutMs: number,
): AsyncIterable<Suggestion> {
  const options = { timeoutMs };
  if (kind === 'key' || kind === 'name')
    for await (const { key } of client.kv.list({ prefix, ...options }))
      yield { value: key, description: kind === 'name' ? 'key' : '' };
  if (kind === 'counter' || kind === 'name')
    for await (const { name, value } of client.counter.list({ prefix, ...options }))
      yield { value: name, description: kind === 'name' ? 'counter' : String(value) };
  if (kind === 'lock')
    for (const { name, holders } of await client.locks.list(options))
      yield { value: name, description: holders.length > 0 ? 'held' : 'free' };
  if (kind === 'tx')
    for (const { id, state } of await client.tx.list(options)) yield { value: id, description: state };
  if (kind === 'method')
    for (const { name, methods } of await client.services(options))
      yield* methods.map((method) => ({ value: `${name}.${method.name}`, description: '' }));
}
