import { describe, expect, test, vi } from 'vitest';
import type { Operation, SessionId, TxItem } from '../../src/core/machine/types.js';
import type { ClusterMap } from '../../src/core/map/types.js';
import type { ClientResponse } from '../../src/core/messages.js';
import { NodeCore, type NodeEvent } from '../../src/core/node.js';
import { Random } from '../../src/core/random.js';
import { defaultTimings, limits } from '../../src/limits.js';
import { SimFileSystem } from '../../src/simulator/file-system.js';
import { openSimStorage } from '../../src/simulator/sim-storage.js';
import type { FileStorage } from '../../src/storage/file-storage.js';

vi.setConfig({ testTimeout: 60_000 });

const first: ClusterMap = {
  format: 1,
  cluster: 'c',
  name: 'c',
  revision: 1,
  settings: {
    partitions: 1,
    replicas: 1,
    minInSync: 1,
    durability: 'fsync',
    timings: defaultTimings,
    repairAfterMs: 30_000,
  },
  members: {
    n1: {
      id: 'n1',
      store: 'disk',
      incarnation: 0,
      url: 'ws://127.0.0.1/n1',
      weight: 1,
      zone: '',
      state: 'active',
    },
  },
  partitions: [
    { gen: 1, epoch: 1, primary: 'n1/disk', inSync: ['n1/disk'], target: ['n1'], placed: 1, handover: null },
  ],
  placement: null,
};

/** A cluster of one node, on a disk that outlives it. */
class Single {
  private readonly random = new Random(1);
  private readonly disk = new SimFileSystem({ random: this.random.fork(), step: async () => {} });
  private process = this.disk.process('first', { immediate: true });
  storage!: FileStorage;
  core!: NodeCore;
  map = first;
  private now = 1000;
  private origin = 0;
  private readonly answers = new Map<number, ClientResponse>();
  private held: NodeEvent[] | null = null;

  static async begin(): Promise<Single> {
    const single = new Single();
    await single.start();
    return single;
  }

  private async start(): Promise<void> {
    const segmentBytes = limits.segmentBytes;
    this.storage = await openSimStorage({
      process: this.process,
      dir: '/n1',
      random: this.random,
      segmentBytes,
    });
    this.core = new NodeCore({
      node: 'n1',
      store: 'disk',
      incarnation: this.storage.recovered.boot,
      url: 'ws://127.0.0.1/n1',
      stored: this.storage.recovered.partitions,
      seed: 1,
      now: this.now,
    });
    for (let i = 0; i < 200 && this.core.replicas.get(0)?.lead?.serving !== true; i++) {
      this.now += 25;
      await this.step({ type: 'tick' });
    }
    expect(this.core.replicas.get(0)?.lead?.serving).toBe(true);
  }

  private async step(event: NodeEvent): Promise<void> {
    let events = [event];
    while (events.length > 0) {
      for (const next of events) this.core.step(next, this.now);
      events = [];
      const ready = this.core.ready();
      for (const { origin, response } of ready.reply) this.answers.set(origin, response);
      if (ready.write !== null) {
        await this.storage.append(ready.write);
        if (this.held === null) events.push({ type: 'written' });
        else this.held.push({ type: 'written' });
      }
      if (ready.readMap !== null) events.push({ type: 'map', map: this.map, read: ready.readMap });
      if (ready.publish === null) continue;
      const ok = ready.publish.expected === this.map.revision;
      if (ok) this.map = ready.publish.map;
      events.push({ type: 'published', outcome: ok ? 'ok' : 'conflict' });
    }
  }

  async checkpoint(): Promise<void> {
    await this.storage.checkpoint(this.core.takeCheckpoint().deltas);
  }

  /** Ends the process and starts the next. */
  async restart(): Promise<void> {
    this.process.kill();
    this.process = this.disk.process('next', { immediate: true });
    await this.start();
  }

  /** Nothing becomes durable while `body` runs. */
  async stalled(body: () => Promise<void>): Promise<void> {
    this.held = [];
    await body();
    const events = this.held;
    this.held = null;
    for (const event of events) await this.step(event);
  }

  async ask(request: Extract<NodeEvent, { type: 'request' }>['request']): Promise<number> {
    const origin = ++this.origin;
    await this.step({ type: 'request', origin, request });
    return origin;
  }

  answer(origin: number): string {
    const response = this.answers.get(origin);
    if (response === undefined) return 'none';
    if (!response.ok) return response.code;
    if (response.type === 'open') return response.session;
    if (response.type !== 'write') return response.type;
    return response.result.ok ? 'ok' : response.result.code;
  }

  async open(): Promise<SessionId> {
    return this.answer(await this.ask({ type: 'open', p: 0 })) as SessionId;
  }

  async write(session: SessionId, n: number, firstWanted: number, op: Operation): Promise<string> {
    return this.answer(await this.ask({ type: 'write', session, n, first: firstWanted, op }));
  }

  get machine() {
    return this.core.replicas.get(0)!.machine;
  }
}

const value = '\u0001'.repeat(limits.txReadUnits - 100);
const readAll: Operation = { type: 'tx', key: 'large', items: [{ type: 'get', key: 'large' }] };

describe('what a partition keeps is bounded', () => {
  test('a session whose results are never acknowledged: refused until it does, and the node starts again', async () => {
    const node = await Single.begin();
    const session = await node.open();
    expect(await node.write(session, 1, 1, { type: 'put', key: 'large', value })).toBe('ok');
    let done = 0;
    for (let n = 2; n <= 90; n++) {
      const outcome = await node.write(session, n, 1, readAll);
      if (outcome === 'ok') done++;
      else expect(outcome).toBe('busy');
    }
    // As JSON, six characters each.
    expect(done).toBe(Math.ceil(limits.sessionUnits / (6 * value.length)));
    expect(node.machine.session(session)!.units).toBeLessThan(limits.sessionUnits + 7 * value.length);
    await node.checkpoint();
    const { digest } = node.machine;
    await node.restart();
    expect(node.machine.digest.hash).toBe(digest.hash);
    // The results are there still, and exactly once; what was refused can be done once others are acknowledged.
    expect(await node.write(session, 2, 1, readAll)).toBe('ok');
    expect(await node.write(session, 90, 1, readAll)).toBe('busy');
    expect(await node.write(session, 90, 4, readAll)).toBe('ok');
    expect(await node.write(session, 5, 5, { type: 'delete', key: 'large' })).toBe('ok');
  });

  test('the same all at once, before any of it is applied', async () => {
    const node = await Single.begin();
    const session = await node.open();
    expect(await node.write(session, 1, 1, { type: 'put', key: 'large', value })).toBe('ok');
    const origins: number[] = [];
    await node.stalled(async () => {
      for (let n = 2; n <= 60; n++)
        origins.push(await node.ask({ type: 'write', session, n, first: 1, op: readAll }));
      expect(new Set(origins.map((origin) => node.answer(origin)))).toEqual(new Set(['none']));
    });
    expect(new Set(origins.map((origin) => node.answer(origin)))).toEqual(new Set(['ok', 'busy']));
    expect(node.machine.session(session)!.units).toBeLessThan(2 * limits.sessionUnits + 7 * value.length);
    await node.checkpoint();
    await node.restart();
    expect(await node.write(session, 61, 61, readAll)).toBe('ok');
  });

  test('transactions fill it no further than puts; what takes away, ends or counts goes on', async () => {
    const node = await Single.begin();
    const session = await node.open();
    let n = 0;
    const write = (op: Operation): Promise<string> => {
      n++;
      return node.write(session, n, n, op);
    };
    const three = (i: number): TxItem[] =>
      [0, 1, 2].map((j) => ({ type: 'put', key: `k${i}.${j}`, value: 'x'.repeat(limits.valueBytes) }));
    expect(await write({ type: 'incr', key: 'counter', by: 1 })).toBe('ok');
    expect(await write({ type: 'acquire', key: 'lock', ttl: 1000, wait: false, permits: 1 })).toBe('ok');
    let stored = 0;
    while ((await write({ type: 'tx', key: 'k0.0', items: three(stored) })) === 'ok') stored++;
    expect(stored).toBe(Math.floor(limits.partitionUnits / (3 * limits.valueBytes + 1000)));
    expect(node.machine.heldUnits).toBeLessThan(limits.partitionUnits);
    const filler = 'x'.repeat(limits.partitionUnits - node.machine.heldUnits - 1000);
    expect(await write({ type: 'put', key: 'filler', value: filler })).toBe('ok');
    for (const op of [
      { type: 'put', key: 'k', value: 'x'.repeat(1000) },
      { type: 'put', key: 'k0.0', value: 'x'.repeat(1000) },
      { type: 'tx', key: 'k', items: [{ type: 'get', key: 'filler' }] },
    ] satisfies Operation[])
      expect(await write(op), JSON.stringify(op).slice(0, 60)).toBe('busy');
    expect(await write({ type: 'incr', key: 'counter', by: 1 })).toBe('ok');
    expect(
      await write({
        type: 'renew',
        key: 'lock',
        token: node.machine.rows.get('lock', 'lock')!.holders[0]!.token,
      }),
    ).toBe('ok');
    const gap = limits.partitionUnits - node.machine.heldUnits;
    expect(await write({ type: 'put', key: 'f', value: 'x'.repeat(gap - 100) })).toBe('ok');
    expect(await write({ type: 'acquire', key: 'other', ttl: 1000, wait: false, permits: 1 })).toBe('busy');
    expect(await write({ type: 'put', key: 'g', value: '', fence: { name: 'lock', token: 7 } })).toBe('busy');
    expect(
      await write({
        type: 'release',
        key: 'lock',
        token: node.machine.rows.get('lock', 'lock')!.holders[0]!.token,
      }),
    ).toBe('ok');
    await node.checkpoint();
    const { digest } = node.machine;
    await node.restart();
    expect(node.machine.digest.hash).toBe(digest.hash);
    expect(await write({ type: 'delete', key: 'k0.0' })).toBe('ok');
    expect(await write({ type: 'put', key: 'k0.0', value: 'x'.repeat(1000) })).toBe('ok');
  });
});
