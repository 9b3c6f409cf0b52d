import { beforeEach, describe, expect, test } from 'vitest';
import { emptySnapshot, sealed } from '../../src/core/machine/digest.js';
import { SnapshotWriter } from '../../src/core/machine/pieces.js';
import type { Command } from '../../src/core/machine/types.js';
import { applyChange, noChange } from '../../src/core/map/changes.js';
import type { Member, PartitionConfig } from '../../src/core/map/types.js';
import type { Append, PeerMessage } from '../../src/core/messages.js';
import type { NodeEvent } from '../../src/core/node.js';
import type { Replica } from '../../src/core/replication/replica.js';
import { defaultTimings, limits } from '../../src/limits.js';
import { clock, config, inSync, mapOf, primary, start } from './harness.js';

beforeEach(() => {
  clock.now = 1000;
});

const read = (origin: number): NodeEvent => ({
  type: 'request',
  origin,
  request: { type: 'read', p: 0, query: { type: 'get', key: 'k' } },
});

describe('a primary', () => {
  test('promotes itself to a new epoch before it serves', () => {
    const { map, lead } = primary();
    expect(map().partitions[0]).toMatchObject({ epoch: 2, primary: 'n1/sn1', inSync });
    expect(lead.epoch).toBe(2);
  });
  test('answers no read once a lease is over, to the millisecond (R11)', () => {
    const { step, replies } = primary();
    clock.now += defaultTimings.leaseMs - 1;
    step(read(1));
    clock.now += 1;
    step(read(2));
    expect(replies.map(({ origin, response }) => [origin, response.ok])).toEqual([
      [1, true],
      [2, false],
    ]);
  });
  test('takes no ack of a beacon sent before the machine slept for a lease (R12)', () => {
    const { step, obey, replies, lead } = primary();
    clock.now += defaultTimings.beaconMs;
    step({ type: 'tick' });
    step({ type: 'suspended' });
    obey('n2');
    obey('n3');
    expect(lead.holdsLeases()).toBe(false);
    step(read(1));
    expect(replies[0]?.response).toMatchObject({ ok: false, code: 'unavailable' });
    clock.now += defaultTimings.beaconMs;
    step({ type: 'tick' });
    obey('n2');
    obey('n3');
    expect(lead.holdsLeases()).toBe(true);
  });
  test('never sends a snapshot to a replica in sync, wherever that claims to differ (R15)', () => {
    const { core, from, sent } = primary();
    const lead = core.replicas.get(0)?.lead;
    const stream = [...(lead?.streams.values() ?? [])].find((s) => s.node === 'n2');
    stream?.attach(99, 2, clock.now);
    sent.length = 0;
    from('n2', {
      type: 'reject',
      p: 0,
      epoch: 2,
      stream: 99,
      from: 'n2/sn2',
      hintSeq: -1,
      hintEpoch: 0,
      tailSeq: 9,
      tailEpoch: 2,
    });
    expect(sent.map(({ message }) => message.type)).not.toContain('snapshot');
  });
  test('blames nobody for the time in which there was nothing to store', () => {
    const node = primary();
    for (let i = 0; i < 60; i++) {
      clock.now += defaultTimings.beaconMs;
      node.step({ type: 'tick' });
      for (const id of ['n2', 'n3']) node.obey(id);
    }
    node.step({ type: 'request', origin: 1, request: { type: 'open', p: 0 } });
    node.obey('n2');
    // The disk of n3 takes a little longer.
    for (let i = 0; i < 2; i++) {
      clock.now += 25;
      node.step({ type: 'tick' });
    }
    expect(node.map().partitions[0]?.inSync).toEqual(inSync);
    node.obey('n3');
    expect(node.replies.map(({ response }) => response.ok)).toEqual([true]);
  });
  test('whose own disk hangs removes nobody: the others have everything', () => {
    const two = { ...config, inSync: inSync.slice(0, 2), target: ['n1', 'n2'] };
    const map = mapOf({ n1: 0, n2: 1 }, 1, two);
    const node = primary({ ...map, settings: { ...map.settings, replicas: 2, minInSync: 1 } });
    // From now on what is written is never confirmed.
    const published: unknown[] = [];
    const turn = (event: NodeEvent): void => {
      node.core.step(event, clock.now);
      const ready = node.core.ready();
      if (ready.publish !== null) published.push(ready.publish.map.partitions[0]);
      for (const { to, message } of ready.send) {
        if (message.type !== 'beacon') continue;
        const { incarnation, sentAt, revision } = message;
        const ack = { type: 'beacon-ack', incarnation, sentAt, revision, denied: [] } as const;
        const from = { node: to, store: `s${to}`, incarnation: 1 };
        node.core.step({ type: 'message', from, message: ack }, clock.now);
      }
    };
    turn({ type: 'request', origin: 1, request: { type: 'open', p: 0 } });
    for (let i = 0; i < 400; i++) {
      clock.now += 25;
      turn({ type: 'tick' });
    }
    expect(published).toEqual([]);
  });
  test('counts nothing that an earlier start of a replica acknowledged (R2)', () => {
    const { step, lead, map, sent } = primary();
    const stream = [...lead.streams.values()].find((s) => s.node === 'n2');
    expect(stream?.match).toBeGreaterThan(0);
    const member = { ...(map().members.n2 as Member), incarnation: 2 };
    step({
      type: 'map',
      map: applyChange(map(), { ...noChange, members: new Map([['n2', member]]) }),
      read: null,
    });
    expect(stream?.match).toBe(0);
    const appends = sent.filter(({ to, message }) => to === 'n2' && message.type === 'append');
    expect(appends.at(-1)?.message).toMatchObject({ incarnation: 2 });
  });
  test('steps down when it hears that a newer epoch was promised, and says that what waited may have run', () => {
    const { from, step, replies, core, lead } = primary();
    step({ type: 'request', origin: 7, request: { type: 'open', p: 0 } });
    from('n2', { type: 'stale', p: 0, promised: 3 });
    expect(core.replicas.get(0)?.lead).not.toBe(lead);
    expect(replies).toContainEqual({
      origin: 7,
      response: expect.objectContaining({ ok: false, code: 'moved', mayHaveRun: true }),
    });
  });
});

/** Who sends it is primary of the partition, in epoch 1. */
const claim: PeerMessage = {
  type: 'beacon',
  incarnation: 1,
  sentAt: 5,
  revision: 1,
  claims: [0, 1],
  silent: [],
  back: [],
};

/** What is due is done, and n3 answers: without it n2 could not take writes (R9b). */
const tick = (node: ReturnType<typeof start>): void => {
  node.step({ type: 'tick' });
  node.obey('n3');
  node.step({ type: 'tick' });
};

/** The running checksum of a node's log. */
const chainAt = ({ core }: ReturnType<typeof start>, seq: number): number =>
  core.replicas.get(0)?.log.chainAt(seq) ?? 0;

describe('a backup', () => {
  test('takes over only when the grace is over since the last beacon it granted (R9)', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 0, n3: 1 }));
    const beacon = (): void => node.from('n1', claim);
    // The link to n3 is not new: it has answered some heartbeats.
    for (let i = 0; i < 6; i++) {
      beacon();
      clock.now += 1000;
      tick(node);
    }
    beacon();
    clock.now += defaultTimings.graceMs - 1;
    tick(node);
    expect(node.map().partitions[0]?.epoch).toBe(1);
    beacon();
    clock.now += defaultTimings.graceMs - 1;
    tick(node);
    expect(node.map().partitions[0]?.epoch).toBe(1);
    clock.now += defaultTimings.beaconMs + 1;
    tick(node);
    expect(node.map().partitions[0]).toMatchObject({
      epoch: 2,
      primary: 'n2/sn2',
      inSync: ['n2/sn2', 'n3/sn3'],
    });
  });
  test('takes over at once when a refused connect proves the primary gone, if it granted nobody else (R12a)', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 0, n3: 1 }));
    node.from('n1', claim);
    tick(node);
    node.step({ type: 'gone', process: { node: 'n1', store: 'sn1', incarnation: 1 } });
    tick(node);
    expect(node.map().partitions[0]).toMatchObject({ epoch: 2, primary: 'n2/sn2' });
  });
  test('that reaches too few to take writes leaves it to others, unless all are proven gone (R9b)', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 0, n3: 1 }));
    node.from('n1', claim);
    clock.now += 10 * defaultTimings.graceMs;
    node.step({ type: 'tick' });
    node.step({ type: 'gone', process: { node: 'n1', store: 'sn1', incarnation: 1 } });
    expect(node.map().partitions[0]?.epoch).toBe(1);
    node.step({ type: 'gone', process: { node: 'n3', store: 'sn3', incarnation: 1 } });
    expect(node.map().partitions[0]).toMatchObject({ epoch: 2, primary: 'n2/sn2' });
  });
  test('after a restart waits out the grace whatever is proven: it may have granted anyone', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }), [], 2);
    node.step({ type: 'gone', process: { node: 'n1', store: 'sn1', incarnation: 1 } });
    expect(node.map().partitions[0]?.epoch).toBe(1);
    clock.now += defaultTimings.graceMs;
    tick(node);
    expect(node.map().partitions[0]?.epoch).toBe(2);
  });
  test('that becomes primary remembers when each session was last used', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }));
    const session = '1.1' as const;
    const commands: Command[] = [
      { type: 'open', gen: 1 },
      { type: 'op', session, n: 1, first: 1, op: { type: 'incr', key: 'k', by: 1 } },
    ];
    node.from('n1', {
      type: 'append',
      to: 'n2/sn2',
      incarnation: 1,
      appends: [
        {
          p: 0,
          gen: 1,
          epoch: 1,
          stream: 1,
          prevSeq: 0,
          prevEpoch: 0,
          commit: 2,
          counted: true,
          prevChain: 0,
          digest: '',
          entries: commands.map((command) => ({ epoch: 1, command })),
        },
      ],
    });
    // One that has been idle since, under whichever primary, is ended after its time and not later.
    clock.now += limits.sessionIdleMs - 1000;
    tick(node);
    node.step({ type: 'gone', process: { node: 'n1', store: 'sn1', incarnation: 1 } });
    for (let i = 0; i < 6; i++) tick(node);
    const { lead } = node.core.replicas.get(0) as Replica;
    expect(lead?.serving).toBe(true);
    const ended = (): boolean => {
      const { log } = node.core.replicas.get(0) as Replica;
      return log.slice(1, 1e6).entries.some(({ command }) => command.type === 'expire');
    };
    expect(ended()).toBe(false);
    clock.now += 2000;
    tick(node);
    expect(ended()).toBe(true);
  });
  test('that does not fit says where it may still agree, and keeps what the sender may have compacted (R15)', () => {
    const entries = Array.from({ length: 10 }, (_, i) => ({
      epoch: 1,
      seq: i + 1,
      command: { type: 'barrier' as const },
    }));
    const snapshot = emptySnapshot();
    const stored = [{ partition: 0, promised: 1, snapshot, checkpointed: true, entries }];
    const node = start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }), stored, 2);
    node.sent.length = 0;
    const append = {
      p: 0,
      gen: 1,
      epoch: 2,
      stream: 1,
      prevSeq: 9,
      prevEpoch: 2,
      entries: [],
      commit: 0,
      counted: false,
      prevChain: chainAt(node, 9),
      digest: '',
    };
    node.from('n3', { type: 'append', to: 'n2/sn2', incarnation: 2, appends: [append] });
    expect(node.sent[0]?.message).toMatchObject({ type: 'reject', hintSeq: 8, hintEpoch: 1 });
  });
});

describe('a replica that has started', () => {
  const entries = Array.from({ length: 10 }, (_, i) => ({
    epoch: 1,
    seq: i + 1,
    command: { type: 'barrier' as const },
  }));
  const snapshot = emptySnapshot(0);
  const stored = [{ partition: 0, promised: 1, snapshot, checkpointed: true, entries }];

  test('ignores an append that was meant for its store before', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 2, n3: 1 }), stored, 2);
    const append = { p: 0, gen: 1, epoch: 2, stream: 1, prevSeq: 10, prevEpoch: 1, entries: [], commit: 0 };
    const message = (incarnation: number): PeerMessage => ({
      type: 'append',
      to: 'n2/sn2',
      incarnation,
      appends: [{ ...append, counted: true, prevChain: chainAt(node, 10), digest: '' }],
    });
    node.sent.length = 0;
    node.from('n3', message(1));
    expect(node.sent).toEqual([]);
    node.from('n3', message(2));
    expect(node.sent.map(({ message: m }) => m.type)).toContain('ack');
  });

  test('stores nothing any more when its log has another history, or its state is another (scrub)', () => {
    for (const differs of ['history', 'state'] as const) {
      const node = start('n2', mapOf({ n1: 1, n2: 2, n3: 1 }), stored, 2);
      const alarms: unknown[] = [];
      const ready = node.core.ready.bind(node.core);
      node.core.ready = () => {
        const all = ready();
        alarms.push(...all.diverged);
        return all;
      };
      const link = {
        p: 0,
        gen: 1,
        epoch: 1,
        stream: 1,
        prevSeq: 10,
        prevEpoch: 1,
        commit: 10,
        counted: true,
      };
      const send = (change: Partial<Append>): void =>
        node.from('n1', {
          type: 'append',
          to: 'n2/sn2',
          incarnation: 2,
          appends: [{ ...link, prevChain: chainAt(node, 10), digest: '', entries: [], ...change }],
        });
      send({});
      node.sent.length = 0;
      send(differs === 'history' ? { prevChain: chainAt(node, 10) ^ 1 } : { digest: '0123456789abcdef' });
      expect(alarms).toEqual([{ p: 0, seq: 10 }]);
      send({});
      expect([alarms.length, node.sent]).toEqual([1, []]);
      expect(node.core.status()[0]?.divergedAt).toBe(10);
    }
  });

  test('leads when the primary that it differed from is gone: the others may agree with it', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }), stored);
    node.from('n1', {
      type: 'append',
      to: 'n2/sn2',
      incarnation: 1,
      appends: [
        {
          p: 0,
          gen: 1,
          epoch: 1,
          stream: 1,
          prevSeq: 10,
          prevEpoch: 1,
          prevChain: chainAt(node, 10) ^ 1,
          commit: 10,
          counted: true,
          digest: '',
          entries: [],
        },
      ],
    });
    expect(node.core.status()[0]?.divergedAt).toBe(10);
    tick(node);
    node.step({ type: 'gone', process: { node: 'n1', store: 'sn1', incarnation: 1 } });
    for (let i = 0; i < 3; i++) tick(node);
    expect(node.map().partitions[0]).toMatchObject({ epoch: 2, primary: 'n2/sn2' });
    expect(node.core.status()[0]).toMatchObject({ role: 'primary', divergedAt: null });
  });

  test('says that its disk has forgotten what a primary counts (R9a), and that it has it back', () => {
    const node = start('n2', mapOf({ n1: 1, n2: 2, n3: 1 }), stored, 2);
    const { core } = node;
    const told: boolean[] = [];
    const ready = core.ready.bind(core);
    core.ready = () => {
      const all = ready();
      if (all.damaged !== null) told.push(all.damaged);
      return all;
    };
    const append = (prevSeq: number, prevEpoch: number, commit: number, count: number): PeerMessage => ({
      type: 'append',
      to: 'n2/sn2',
      incarnation: 2,
      appends: [
        {
          p: 0,
          gen: 1,
          epoch: 1,
          stream: 1,
          prevSeq,
          prevEpoch,
          commit,
          counted: true,
          prevChain: chainAt(node, prevSeq),
          digest: '',
          entries: Array.from({ length: count }, () => ({ epoch: 1, command: { type: 'barrier' as const } })),
        },
      ],
    });
    node.from('n1', append(12, 1, 12, 0));
    expect(told).toEqual([true]);
    node.from('n1', append(10, 1, 12, 2));
    expect(told).toEqual([true, false]);
  });
});

describe('a learner', () => {
  test('installs no snapshot that is not what its digest says, and takes the next one that is', () => {
    const only: PartitionConfig = { ...config, inSync: ['n1/sn1'] };
    const { core, from, sent } = start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }, 1, only));
    const snapshot = sealed({
      ...emptySnapshot(1),
      seq: 5,
      epoch: 1,
      cells: ['a', 'b', 'c'].map((key) => [key, { kind: 'counter', value: 7, version: 3 }] as const),
    });
    const send = (stream: number, change: (chunk: string) => string): void => {
      const writer = new SnapshotWriter(snapshot);
      for (let index = 0, last = false; !last; index++) {
        const piece = writer.next(60);
        last = piece.last;
        const chunk = change(piece.chunk);
        const link = { p: 0, gen: 1, epoch: 1, stream, to: 'n2/sn2' };
        from('n1', { type: 'snapshot', ...link, index, last, chunk });
      }
    };
    const acked = () => sent.filter(({ message }) => message.type === 'ack').length;
    send(1, (chunk) => chunk.replace('["c","b"', '["c","d"'));
    send(2, (chunk) => chunk.replace('"counter",7', '"counter",8'));
    send(3, (chunk) => chunk.replace('"counter"', 'counter'));
    const replica = core.replicas.get(0)!;
    expect([replica.commit, replica.machine.cells.size, acked()]).toEqual([0, 0, 0]);
    send(4, (chunk) => chunk);
    expect([replica.commit, replica.machine.digest, acked()]).toEqual([5, snapshot.digest, 1]);
  });
});

describe('a node', () => {
  test('appends to a replica in one message a turn, and in more when that would be long', () => {
    const node = primary();
    const append = (p: number): Append => ({
      p,
      gen: 1,
      epoch: 2,
      stream: 1,
      prevSeq: 9,
      prevEpoch: 2,
      commit: 9,
      counted: false,
      prevChain: 0,
      digest: '',
      entries: [],
    });
    const sent = (): unknown[] =>
      node.core
        .ready()
        .send.flatMap(({ to, message }) =>
          message.type === 'append' ? [[to, message.to, message.appends.map(({ p }) => p)]] : [],
        );
    const half = limits.appendBytes / 2 - 200;
    for (const p of [1, 2, 3]) node.core.append('n2', 'n2/sn2', append(p), half);
    node.core.append('n3', 'n3/sn3', append(4), 3 * half);
    node.core.append('n2', 'n2/sn2', append(5), half);
    node.core.append('n3', 'n3/sn3', append(6), 1);
    expect(sent()).toEqual([
      ['n2', 'n2/sn2', [1, 2]],
      ['n2', 'n2/sn2', [3, 5]],
      ['n3', 'n3/sn3', [4]],
      ['n3', 'n3/sn3', [6]],
    ]);
    node.core.append('n2', 'n2/sn2', append(7), 1);
    expect(sent()).toEqual([['n2', 'n2/sn2', [7]]]);
  });
  test('acts on what it has published without reading it back', () => {
    const { core } = start('n1', mapOf({ n1: 0, n2: 1, n3: 1 }));
    expect([core.registered, core.revision]).toEqual([true, 2]);
    expect(core.reads).toBe(1);
  });
  test('that finds another process under its name stops at once', () => {
    const node = primary();
    const newer = applyChange(node.map(), {
      ...noChange,
      members: new Map([['n1', { ...(node.map().members.n1 as Member), incarnation: 2 }]]),
    });
    node.step({ type: 'map', map: newer, read: null });
    expect(node.core.superseded).toBe(true);
    node.step(read(1));
    expect(node.replies.at(-1)?.response).toMatchObject({ ok: false, code: 'unavailable' });
  });
  test('whose metastore shows an older map than before serves nothing (R13)', () => {
    const node = primary();
    clock.now += 5000;
    node.core.step({ type: 'tick' }, clock.now);
    const { readMap } = node.core.ready();
    node.core.step({ type: 'map', map: mapOf({ n1: 1, n2: 1, n3: 1 }, 1), read: readMap }, clock.now);
    expect(node.core.metastoreRolledBack).toBe(true);
    expect(node.core.replicas.get(0)?.lead).toBeNull();
    node.step(read(1));
    expect(node.replies.at(-1)?.response).toMatchObject({
      ok: false,
      code: 'unavailable',
      message: expect.stringContaining('put back'),
    });
    // Whatever it would like the map to say: it builds on none that was put back.
    clock.now += 60_000;
    node.core.step({ type: 'tick' }, clock.now);
    expect(node.core.ready().publish).toBeNull();
  });
  test('checkpoints a barrier too, so that an idle partition does not hold the log', () => {
    const { core } = primary();
    expect(core.takeCheckpoint().deltas).toMatchObject([{ partition: 0, seq: 1, cells: [], sessions: [] }]);
    expect(core.takeCheckpoint().deltas).toEqual([]);
  });
  test('checkpoints a partition whole that came from a logged snapshot', () => {
    const cell = { kind: 'counter' as const, value: 7, version: 3 };
    const snapshot = sealed({ gen: 1, seq: 5, epoch: 1, cells: [['c', cell]], sessions: [], rows: [] });
    const stored = [{ partition: 0, promised: 1, snapshot, checkpointed: false, entries: [] }];
    const { core } = start('n2', mapOf({ n1: 1, n2: 1, n3: 1 }), stored, 2);
    expect(core.takeCheckpoint().deltas).toMatchObject([{ full: true, cells: [['c', cell]] }]);
  });
});
