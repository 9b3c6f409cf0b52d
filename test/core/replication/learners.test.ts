import { beforeEach, describe, expect, test } from 'vitest';
import type { PeerMessage } from '../../../src/core/messages.js';
import { limits } from '../../../src/limits.js';
import { clock, config, mapOf, primary, start, withMember, withPartition } from '../harness.js';
import { ask, type Node, pass, put, serving, stored, write } from '../serving.js';

beforeEach(() => {
  clock.now = 1000;
});

type Append = Extract<PeerMessage, { type: 'append' }>['appends'][number];

/** What was appended to a node since last looked. */
function appendsTo(node: Pick<Node, 'sent'>, id: string): Append[] {
  const mine = node.sent.filter(({ to }) => to === id);
  const others = node.sent.filter(({ to }) => to !== id);
  node.sent.length = 0;
  node.sent.push(...others);
  return mine.flatMap(({ message }) => (message.type === 'append' ? message.appends : []));
}

const streamOf = (node: Node, id: string) => {
  const stream = [...node.lead.streams.values()].find((s) => s.node === id);
  if (stream === undefined) throw new Error(`no stream to ${id}`);
  return stream;
};
const ack = (node: Node, id: string, match: number): void => {
  const { id: stream, replica } = streamOf(node, id);
  node.from(id, { type: 'ack', from: replica, acks: [0, node.lead.epoch, stream, match] });
};
const tailOf = (node: Node): number => node.core.replicas.get(0)?.log.tailSeq ?? 0;

/** n3 is wanted and answers heartbeats; n1 and n2 are in sync and hold so many entries. */
function learning(count: number): Node {
  const pair = { ...config, inSync: ['n1/sn1', 'n2/sn2'] };
  const node = primary(mapOf({ n1: 0, n2: 1, n3: 1 }, 1, pair));
  ask(node, { type: 'open', p: 0 });
  for (let i = 0; i < 4; i++) node.obey('n2');
  for (let n = 1; n <= count; n++) ask(node, put(n, '', `k${n}`));
  for (let i = 0; i < 4; i++) node.obey('n2');
  expect(node.core.replicas.get(0)?.commit).toBe(tailOf(node));
  node.sent.length = 0;
  return node;
}

describe('a learner', () => {
  test('is required for commits once it is near the end, and not before', () => {
    const node = learning(400);
    const near = tailOf(node) - 256;
    ack(node, 'n3', near - 1);
    node.step({ type: 'tick' });
    expect(streamOf(node, 'n3').candidate).toBe(false);
    ack(node, 'n3', near);
    node.step({ type: 'tick' });
    expect(streamOf(node, 'n3').candidate).toBe(true);
    expect(node.map().partitions[0]?.inSync).toHaveLength(2);
    // It may be published once it has all that is committed.
    ack(node, 'n3', tailOf(node) - 1);
    node.step({ type: 'tick' });
    expect(node.map().partitions[0]?.inSync).toHaveLength(2);
    ack(node, 'n3', tailOf(node));
    clock.now += limits.gatherMs * 2;
    node.step({ type: 'tick' });
    expect(node.map().partitions[0]?.inSync).toHaveLength(3);
  });

  test('that dies while nothing can be published holds up nobody', () => {
    const node = learning(2);
    ack(node, 'n3', tailOf(node) - 1);
    node.step({ type: 'tick' });
    expect(streamOf(node, 'n3').candidate).toBe(true);
    const answer = ask(node, put(3));
    node.step({ type: 'quiesce', ms: 60_000 });
    for (let t = 0; t < node.core.timings.leaseMs; t += limits.tickMs) {
      expect(answer()).toEqual([]);
      clock.now += limits.tickMs;
      node.step({ type: 'tick' });
      node.obey('n2');
    }
    clock.now += limits.tickMs;
    node.step({ type: 'tick' });
    expect(streamOf(node, 'n3').candidate).toBe(false);
    expect(answer()).toMatchObject([{ ok: true }]);
  });

  test.each([
    ['the state, when that is less to send than the entries', (n: number) => `k${n % 3}`, 'snapshot'],
    ['the entries, when they are less', (n: number) => `k${n}`, 'replicate'],
  ] as const)('is sent %s', (_, keyOf, state) => {
    const pair = { ...config, inSync: ['n1/sn1', 'n2/sn2'] };
    const node = primary(mapOf({ n1: 0, n2: 1, n3: 1 }, 1, pair));
    ask(node, { type: 'open', p: 0 });
    for (let i = 0; i < 4; i++) node.obey('n2');
    for (let n = 1; n <= 400; n++) ask(node, put(n, 'value', keyOf(n)));
    for (let i = 0; i < 4; i++) node.obey('n2');
    node.sent.length = 0;
    ack(node, 'n3', 1);
    expect(streamOf(node, 'n3').state).toBe(state);
    expect(node.sent.filter(({ to, message }) => to === 'n3' && message.type === 'snapshot')).toHaveLength(
      state === 'snapshot' ? 1 : 0,
    );
  });

  test('stays required while a publish of it is under way, even if it dies meanwhile (R8b)', () => {
    const node = learning(2);
    ack(node, 'n3', tailOf(node) - 1);
    node.step({ type: 'tick' });
    const stream = streamOf(node, 'n3');
    expect(stream.candidate).toBe(true);
    const replica = node.core.replicas.get(0);
    replica?.asked({ ...replica.config, inSync: ['n1/sn1', 'n2/sn2', 'n3/sn3'] });
    const answer = ask(node, put(3));
    clock.now += node.core.timings.leaseMs;
    node.core.step({ type: 'tick' }, clock.now);
    ack(node, 'n2', tailOf(node));
    expect([stream.candidate, answer()]).toEqual([true, []]);
  });

  test('that falls far behind again holds up nobody any more', () => {
    const node = learning(2);
    ack(node, 'n3', tailOf(node));
    const stream = streamOf(node, 'n3');
    stream.candidate = true;
    node.step({ type: 'quiesce', ms: 1 });
    node.lead.settled();
    clock.now += 1;
    for (let n = 3; n <= 300; n++) ask(node, put(n, '', `k${n}`));
    for (let i = 0; i < 4; i++) node.obey('n2');
    expect(node.core.replicas.get(0)?.commit).toBeLessThan(tailOf(node));
    node.step({ type: 'tick' });
    expect([stream.candidate, node.map().partitions[0]?.inSync.length]).toEqual([false, 2]);
    expect(node.core.replicas.get(0)?.commit).toBe(tailOf(node));
  });

  test('is sent nothing while it does not answer, and goes on when it does', () => {
    const node = learning(3);
    clock.now += node.core.timings.leaseMs;
    node.step({ type: 'tick' });
    node.obey('n2');
    node.sent.length = 0;
    ask(node, put(4));
    for (let i = 0; i < 80; i++) {
      clock.now += limits.tickMs;
      node.step({ type: 'tick' });
      node.obey('n2');
    }
    expect(appendsTo(node, 'n3')).toEqual([]);
    expect(streamOf(node, 'n3').stalledSince).toBeNull();
    pass(node, 1000);
    expect(node.map().partitions[0]?.inSync).toHaveLength(3);
  });

  test('of whose log nothing is known yet is asked for its place, however many are caught up', () => {
    const others = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`n${i + 3}`, 1]));
    const pair = { ...config, inSync: ['n1/sn1', 'n2/sn2'], target: ['n1', 'n2', ...Object.keys(others)] };
    const node = primary(mapOf({ n1: 0, n2: 1, ...others }, 1, pair));
    ask(node, { type: 'open', p: 0 });
    for (let i = 0; i < 4; i++) node.obey('n2');
    for (let n = 1; n <= 600; n++) ask(node, put(n, '', `k${n}`));
    for (let i = 0; i < 4; i++) node.obey('n2');
    const beat = (): void => {
      clock.now += node.core.timings.beaconMs;
      node.step({ type: 'tick' });
      for (const id of ['n2', ...Object.keys(others)]) node.obey(id, ['beacon']);
    };
    node.sent.length = 0;
    beat();
    node.step({ type: 'tick' });
    for (const id of Object.keys(others)) expect([id, appendsTo(node, id).length]).toEqual([id, 1]);
    // All agree at the beginning. As many as may be are sent the rest; the others wait for their turn.
    for (const id of Object.keys(others)) ack(node, id, 1);
    node.step({ type: 'tick' });
    const admitted = (): string[] =>
      Object.keys(others).filter((id) => node.core.copies.admitted(streamOf(node, id)));
    expect(admitted()).toHaveLength(limits.repairsAtOnce);
    const [waiting, last] = Object.keys(others).filter((id) => !admitted().includes(id));
    if (waiting === undefined || last === undefined) throw new Error('nobody waits');
    expect([appendsTo(node, waiting), streamOf(node, waiting).stalledSince]).toEqual([[], null]);
    // What one lacks that is near the end needs no turn.
    ack(node, waiting, tailOf(node) - 64);
    expect(appendsTo(node, waiting)).toMatchObject([{ prevSeq: tailOf(node) - 64 }]);
    // One that has all makes room for the next.
    ack(node, admitted()[0] as string, tailOf(node));
    for (let i = 0; i < 2; i++) node.step({ type: 'tick' });
    expect(admitted()).toContain(last);
  });

  test('is sent what it lacks as the allowance of the node permits, and what it was sent to catch up is counted', () => {
    const pair = { ...config, inSync: ['n1/sn1', 'n2/sn2'], target: ['n1', 'n2'] };
    const node = primary(mapOf({ n1: 0, n2: 1, n3: 1 }, 1, pair));
    ask(node, { type: 'open', p: 0 });
    for (let i = 0; i < 4; i++) node.obey('n2');
    for (let n = 1; n <= 200; n++) ask(node, put(n, 'v', `k${1000 + n}`));
    for (let i = 0; i < 4; i++) node.obey('n2');
    node.publish(withPartition(node.map(), { target: ['n1', 'n2', 'n3'], placed: 2 }));
    clock.now += node.core.timings.beaconMs;
    node.step({ type: 'tick' });
    node.obey('n3', ['beacon']);
    node.core.copies.spend(100 * limits.copyBytesPerSecond);
    const found = tailOf(node);
    node.step({ type: 'quiesce', ms: 1 });
    ack(node, 'n3', 2);
    const { streams } = node.lead;
    const sent = (): number => appendsTo(node, 'n3').reduce((sum, { entries }) => sum + entries.length, 0);
    sent();
    node.core.step({ type: 'tick' }, clock.now);
    expect([sent(), streams.get('n3/sn3')?.state]).toEqual([0, 'replicate']);
    node.core.copies.spend(-200 * limits.copyBytesPerSecond);
    clock.now += 1;
    node.step({ type: 'tick' });
    expect(sent()).toBe(found - 2);
    // Each of those entries has a key of five characters and a value of one.
    expect(node.lead.copiedTo('n3/sn3')).toBe(200 * 6);
    ask(node, put(201));
    expect(node.lead.copiedTo('n3/sn3')).toBe(200 * 6);
    expect(node.lead.copiedTo('n9/sn9')).toBe(0);
  });

  test('of another placement is asked for its place anew', () => {
    const node = learning(3);
    ack(node, 'n3', 2);
    const before = streamOf(node, 'n3');
    node.publish(withPartition(node.map(), { placed: 2 }));
    const after = streamOf(node, 'n3');
    expect(after).not.toBe(before);
    expect([after.match, after.state, streamOf(node, 'n2').match]).toEqual([0, 'probe', tailOf(node)]);
  });
});

describe('the first message of a new primary to each of the others', () => {
  test('carries its barrier, and asks for the place before it', () => {
    const node = start('n1', mapOf({ n1: 0, n2: 1, n3: 1 }));
    for (let i = 0; i < 6; i++) for (const id of ['n2', 'n3']) node.obey(id, ['beacon', 'tail-ask']);
    const [first, ...more] = appendsTo(node, 'n2');
    expect(more).toEqual([]);
    expect(first).toMatchObject({ prevSeq: 0, prevEpoch: 0, entries: [{ command: { type: 'barrier' } }] });
  });

  test('of one that serves is a question alone', () => {
    const node = serving();
    pass(node, 100);
    node.sent.length = 0;
    node.lead.relinked('n2');
    node.step({ type: 'tick' });
    expect(appendsTo(node, 'n2')).toMatchObject([{ prevSeq: tailOf(node), entries: [] }]);
    expect(appendsTo(node, 'n3')).toEqual([]);
  });
});

describe('a replica whose process is another one', () => {
  test('is asked for its place anew, and counts for nothing until it says so', () => {
    const node = serving();
    stored(node);
    const before = streamOf(node, 'n2').attachedId;
    node.publish(withMember(node.map(), 'n2', { incarnation: 2 }));
    expect(streamOf(node, 'n2')).toMatchObject({ state: 'probe', match: 0 });
    expect(streamOf(node, 'n2').attachedId).toBeGreaterThan(before);
    expect(streamOf(node, 'n3')).toMatchObject({ state: 'replicate', match: tailOf(node) });
    const answer = ask(node, put(1));
    node.obey('n3');
    expect(answer()).toEqual([]);
    for (let i = 0; i < 3; i++) node.obey('n2');
    expect(answer()).toMatchObject([{ ok: true }]);
  });

  test('that asks how far logs go is told the commit point once more', () => {
    const node = serving();
    pass(node, 100);
    node.sent.length = 0;
    node.step({ type: 'tick' });
    expect(appendsTo(node, 'n2')).toEqual([]);
    node.from('n2', { type: 'tail-ask', p: 0, to: 'n1/sn1', question: 3 });
    node.step({ type: 'tick' });
    expect(appendsTo(node, 'n2')).toMatchObject([
      { entries: [], commit: tailOf(node), digest: node.core.replicas.get(0)?.machine.digest.hash },
    ]);
    expect(appendsTo(node, 'n3')).toEqual([]);
  });
});

describe('a full partition', () => {
  test('still takes what makes it smaller, and nothing that keeps a result', () => {
    const node = serving();
    ask(node, put(1));
    stored(node);
    const machine = node.core.replicas.get(0)?.machine;
    if (machine === undefined) throw new Error('no replica');
    machine.units += limits.partitionUnits;
    expect(ask(node, put(2))()).toMatchObject([{ code: 'busy' }]);
    const gone = ask(node, write({ type: 'delete', key: 'k' }, 2));
    stored(node);
    expect(gone()).toMatchObject([{ ok: true, result: { ok: true } }]);
    const closed = ask(node, { type: 'close', p: 0, session: '1.2' });
    stored(node);
    expect(closed()).toEqual([{ ok: true, type: 'close' }]);
  });

  test('keeps so many sessions, and no more', () => {
    const node = serving();
    const machine = node.core.replicas.get(0)?.machine;
    if (machine === undefined) throw new Error('no replica');
    let count = limits.sessionsPerPartition - 1;
    Object.defineProperty(machine, 'sessionCount', { get: () => count });
    expect(ask(node, { type: 'open', p: 0 })()).toEqual([]);
    count++;
    expect(ask(node, { type: 'open', p: 0 })()).toMatchObject([
      { code: 'busy', message: 'partition 0 keeps 10000 sessions already' },
    ]);
  });
});
