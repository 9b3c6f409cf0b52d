/**
 * The client side of `counters.ts`, a process of its own for each system: `caller.ts SYSTEM JSON`, then told over
 * IPC what to measure, again and again.
 */
import { pathToFileURL } from 'node:url';
import { type LoadFigures, measureLoad } from '../../src/bench/load.js';
import type * as Library from '../../src/index.js';
import { etcdClient, etcdIncrement } from './etcd.js';
import { encodeCommands, RedisConnection } from './redis.js';

export type CallerSetup =
  | { readonly system: 'muster'; readonly library: string; readonly cluster: string }
  | { readonly system: 'etcd'; readonly endpoints: readonly string[] }
  | { readonly system: 'redis'; readonly port: number };

export interface CallerTask {
  readonly callers: number;
  readonly keys: 'distinct' | 'one';
  readonly forMs: number;
  readonly warmUpMs: number;
}

export type CallerSaid =
  | { readonly ready: true }
  | { readonly figures: Omit<LoadFigures, 'firstError'>; readonly firstError: string | null };

type Increment = (caller: number, key: string) => Promise<unknown>;

async function incrementsOf(setup: CallerSetup): Promise<(callers: number) => Promise<Increment>> {
  switch (setup.system) {
    case 'muster': {
      const { connect } = (await import(pathToFileURL(setup.library).href)) as typeof Library;
      const client = await connect({ cluster: setup.cluster });
      return async () => (_, key) => client.counter.incr(key);
    }
    case 'etcd': {
      const client = etcdClient(setup.endpoints);
      return async () => (_, key) => etcdIncrement(client, key);
    }
    case 'redis': {
      const connections: RedisConnection[] = [];
      return async (callers) => {
        // As many as there are callers: WAIT is about the connection's own writes.
        while (connections.length < callers) connections.push(await RedisConnection.open(setup.port));
        return async (caller, key) => {
          const both = encodeCommands(['INCR', key], ['WAIT', '1', '5000']);
          const [value, replicas] = await connections[caller]!.send(both, 2);
          if (typeof value !== 'number') throw value;
          if (replicas !== 1) throw new Error(`acknowledged by ${replicas} replicas`);
        };
      };
    }
  }
}

async function main(): Promise<void> {
  const setup = JSON.parse(process.argv[2] as string) as CallerSetup;
  const prepare = await incrementsOf(setup);
  const say = (said: CallerSaid): void => void process.send?.(said);
  process.on('message', async (task: CallerTask) => {
    const increment = await prepare(task.callers);
    const keys = Array.from(
      { length: task.callers },
      (_, i) => `bench:${task.keys}:${task.keys === 'one' ? 0 : i}`,
    );
    const { firstError, ...figures } = await measureLoad({
      operations: [{ name: 'incr', weight: 1, run: (caller) => increment(caller, keys[caller]!) }],
      callers: task.callers,
      forMs: task.forMs,
      warmUpMs: task.warmUpMs,
      clock: () => performance.now(),
    });
    say({ figures, firstError: firstError === null ? null : String(firstError) });
  });
  process.on('disconnect', () => process.exit(0));
  say({ ready: true });
}

await main();
