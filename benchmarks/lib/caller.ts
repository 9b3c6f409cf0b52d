/**
 * The client side of `counters.ts` and `transactions.ts`, a process of its own for each system: `caller.ts JSON`, then
 * told over IPC what to measure, again and again.
 */
import { pathToFileURL } from 'node:url';
import { type LoadFigures, measureLoad } from '../../src/bench/load.js';
import type * as Library from '../../src/index.js';
import { moleculerEcho, wsEcho } from './echo.js';
import { etcdClient, etcdIncrement, etcdLockUnlock } from './etcd.js';
import type { PostgresAddress } from './postgres.js';
import { encodeCommands, RedisConnection, redisLockUnlock } from './redis.js';
import { musterTransfers, postgresTransfers } from './transfers.js';

export type CallerSetup =
  | { readonly system: 'muster'; readonly library: string; readonly cluster: string }
  | { readonly system: 'etcd'; readonly endpoints: readonly string[] }
  | { readonly system: 'redis'; readonly port: number }
  | { readonly system: 'moleculer'; readonly namespace: string; readonly nodes: number }
  | { readonly system: 'ws'; readonly url: string }
  | { readonly system: 'postgres'; readonly servers: readonly PostgresAddress[]; readonly journal: string };

export type Work = 'incr' | 'transfer' | 'lock' | 'echo';

export interface CallerTask {
  /** An increment, a transfer between two accounts, a lock taken and given back, or a call that echoes; the first unless it says so. */
  readonly work?: Work;
  readonly callers: number;
  readonly keys: 'distinct' | 'one';
  readonly forMs: number;
  readonly warmUpMs: number;
}

export type CallerFigures = Omit<LoadFigures, 'firstError'> & {
  /** How often a transfer was tried again, warm-up included. */
  readonly again: number;
};

export type CallerSaid =
  | { readonly ready: true }
  | { readonly figures: CallerFigures; readonly firstError: string | null };

type Step = (caller: number, key: string) => Promise<unknown>;
type Steps = Partial<Record<Work, (callers: number) => Promise<Step>>>;

/** What is echoed. */
const echoed = { text: 'x'.repeat(40), by: 1 };

const LOCK_TTL_MS = 10_000;
let again = 0;

async function stepsOf(setup: CallerSetup): Promise<Steps> {
  switch (setup.system) {
    case 'muster': {
      const { connect } = (await import(pathToFileURL(setup.library).href)) as typeof Library;
      const client = await connect({ cluster: setup.cluster });
      return {
        incr: async () => (_, key) => client.counter.incr(key),
        echo: async () => () => client.call('demo.echo', echoed, { idempotent: true }),
        transfer: () =>
          musterTransfers(client, (times) => {
            again += times;
          }),
        lock: async () => async (_, key) => {
          const held = await client.locks.acquire(`lock:${key}`, { ttlMs: LOCK_TTL_MS });
          await held.release();
        },
      };
    }
    case 'moleculer':
      return { echo: await moleculerEcho(setup.namespace, setup.nodes, echoed) };
    case 'ws':
      return { echo: await wsEcho(setup.url, echoed) };
    case 'etcd': {
      const client = etcdClient(setup.endpoints);
      return {
        incr: async () => (_, key) => etcdIncrement(client, key),
        lock: async () => (_, key) => etcdLockUnlock(client, `lock:${key}`),
      };
    }
    case 'redis': {
      const connections: RedisConnection[] = [];
      // As many as there are callers: WAIT is about the connection's own writes.
      const connect = async (callers: number): Promise<void> => {
        while (connections.length < callers) connections.push(await RedisConnection.open(setup.port));
      };
      return {
        incr: async (callers) => {
          await connect(callers);
          return async (caller, key) => {
            const both = encodeCommands(['INCR', key], ['WAIT', '1', '5000']);
            const [value, replicas] = await connections[caller]!.send(both, 2);
            if (typeof value !== 'number') throw value;
            if (replicas !== 1) throw new Error(`acknowledged by ${replicas} replicas`);
          };
        },
        lock: async (callers) => {
          await connect(callers);
          return (caller, key) => redisLockUnlock(connections[caller]!, `lock:${key}`, `${caller}`);
        },
      };
    }
    case 'postgres':
      return { transfer: await postgresTransfers(setup.servers, setup.journal) };
  }
}

async function main(): Promise<void> {
  const setup = JSON.parse(process.argv[2] as string) as CallerSetup;
  const steps = await stepsOf(setup);
  const say = (said: CallerSaid): void => void process.send?.(said);
  process.on('message', async (task: CallerTask) => {
    const { work = 'incr' } = task;
    const step = await steps[work]?.(task.callers);
    if (step === undefined) throw new Error(`${setup.system} does no ${work} here`);
    const keys = Array.from(
      { length: task.callers },
      (_, i) => `bench:${task.keys}:${task.keys === 'one' ? 0 : i}`,
    );
    again = 0;
    const { firstError, ...figures } = await measureLoad({
      operations: [{ name: work, weight: 1, run: (caller) => step(caller, keys[caller]!) }],
      callers: task.callers,
      forMs: task.forMs,
      warmUpMs: task.warmUpMs,
      clock: () => performance.now(),
    });
    say({ figures: { ...figures, again }, firstError: firstError === null ? null : String(firstError) });
  });
  process.on('disconnect', () => process.exit(0));
  say({ ready: true });
}

await main();
