import { beforeEach, describe, expect, test } from 'vitest';
import type { PeerMessage } from '../../../src/core/messages.js';
import { limits } from '../../../src/limits.js';
import { clock, config, mapOf, primary } from '../harness.js';
import { ask, type Node, put, serving, stored } from '../serving.js';

beforeEach(() => {
  clock.now = 1000;
});

type Append = Extract<PeerMessage, { type: 'append' }>['appends'][number];

/** What was sent to a node since last looked, of the first partition. */
const appendsTo = (node: Node, id: string): Append[] =>
  take(node, id).flatMap((m) => (m.type === 'append' ? m.appends : []));

function take(node: Node, id: string): PeerMessage[] {
  const mine = node.sent.filter(({ to }) => to === id).map(({ message }) => message);
  const others = node.sent.filter(({ to }) => to !== id);
  node.sent.length = 0;
  node.sent.push(...others);
  return mine;
}

const streamOf = (node: Node, id: string) => {
  const stream = [...node.lead.streams.values()].find((s) => s.node === id);
  if (stream === undefined) throw new Error(`no stream to ${id}`);
  return stream;
};

const ack = (
  node: Node,
  id: string,
  match: number,
  change: { epoch?: number; stream?: number } = {},
): void => {
  const { epoch = node.lead.epoch, stream = streamOf(node, id).id } = change;
  node.from(id, { type: 'ack', from: `${id}/s${id}`, acks: [0, epoch, stream, match] });
};

const reject = (
  node: Node,
  id: string,
  change: Partial<Extract<PeerMessage, { type: 'reject' }>> = {},
): void =>
  node.from(id, {
    type: 'reject',
    p: 0,
    epoch: node.lead.epoch,
    stream: streamOf(node, id).id,
    from: `${id}/s${id}`,
    hintSeq: 0,
    hintEpoch: 0,
    tailSeq: 0,
    tailEpoch: 0,
    ...change,
  });

const tick = (node: Node, ms: number = limits.tickMs): void => {
  clock.now += ms;
  node.step({ type: 'tick' });
};

/** A serving primary with so many entries that all others have; what was sent so far is forgotten. */
function withEntries(count: number): Node {
  const node = serving();
  for (let n = 1; n <= count; n++) ask(node, put(n));
  stored(node);
  stored(node);
  node.sent.length = 0;
  return node;
}

describe('what is appended to a replica', () => {
  test('goes on from what was sent before, with the place and the checksum of the entry before', () => {
    const node = withEntries(2);
    const { log } = node.core.replicas.get(0) ?? {};
    const { tailSeq } = log ?? { tailSeq: 0 };
    ask(node, put(3));
    ask(node, put(4));
    const sent = appendsTo(node, 'n2');
    expect(sent.map(({ prevSeq, entries }) => [prevSeq, entries.length])).toEqual([
      [tailSeq, 1],
      [tailSeq + 1, 1],
    ]);
    expect(sent[1]).toMatchObject({
      p: 0,
      gen: 1,
      epoch: 2,
      prevEpoch: 2,
      prevChain: log?.chainAt(tailSeq + 1),
      counted: true,
    });
  });

  test('says how far is committed, with the digest of the state there once', () => {
    const node = withEntries(1);
    const replica = node.core.replicas.get(0);
    ask(node, put(2));
    const [first] = appendsTo(node, 'n2');
    expect(first?.commit).toBe(replica?.commit);
    ask(node, put(3));
    const [second] = appendsTo(node, 'n2');
    expect([second?.commit, second?.digest]).toEqual([first?.commit, '']);
    stored(node);
    for (const id of ['n2', 'n3']) ack(node, id, replica?.log.tailSeq ?? 0);
    expect(replica?.commit).toBe(replica?.log.tailSeq);
    take(node, 'n2');
    // Nothing new is to be sent: the commit point goes by itself, once.
    tick(node);
    const told = appendsTo(node, 'n2');
    expect(told).toMatchObject([
      { entries: [], commit: replica?.commit, digest: replica?.machine.digest.hash },
    ]);
    tick(node);
    expect(appendsTo(node, 'n2')).toEqual([]);
  });

  test('waits when as much is under way as the window takes', () => {
    const node = withEntries(1);
    const value = 'x'.repeat(limits.valueBytes - 1000);
    for (let n = 2; n <= 8; n++) ask(node, put(n, value));
    const sent = appendsTo(node, 'n2');
    const within = Math.ceil(limits.streamWindowBytes / (limits.valueBytes - 1000));
    expect(sent.map(({ entries }) => entries.length)).toEqual(Array.from({ length: within }, () => 1));
    const [first] = sent;
    ack(node, 'n2', (first?.prevSeq ?? 0) + 1);
    expect(appendsTo(node, 'n2')).toHaveLength(1);
  });

  test('is sent again when it is overdue, from the first that is not acknowledged', () => {
    const node = withEntries(2);
    const { tailSeq } = node.core.replicas.get(0)?.log ?? { tailSeq: 0 };
    ask(node, put(3));
    ask(node, put(4));
    ack(node, 'n2', tailSeq + 1);
    take(node, 'n2');
    const id = streamOf(node, 'n2').id;
    tick(node, 49);
    expect(appendsTo(node, 'n2')).toEqual([]);
    tick(node, 1);
    const again = appendsTo(node, 'n2');
    expect(again.at(-1)).toMatchObject({ prevSeq: tailSeq + 1, entries: [{}] });
    expect(streamOf(node, 'n2').id).not.toBe(id);
  });

  test('is asked for anew when nothing was acknowledged for long', () => {
    const node = withEntries(2);
    ask(node, put(3));
    const { resendMs } = node.core.timings;
    const stream = streamOf(node, 'n2');
    const attached = stream.attachedId;
    for (let t = 0; t < resendMs - limits.tickMs; t += limits.tickMs) tick(node);
    expect([stream.attachedId === attached, stream.stalledSince]).toEqual([true, null]);
    const began = stream.progressAt;
    tick(node);
    expect([stream.attachedId === attached, stream.stalledSince]).toEqual([false, began]);
    expect([stream.state, stream.match]).toEqual(['probe', 0]);
  });
});

describe('an ack', () => {
  test('of another epoch, or of an earlier attachment, or of none, counts for nothing', () => {
    const node = withEntries(1);
    ask(node, put(2));
    const stream = streamOf(node, 'n2');
    const before = stream.match;
    ack(node, 'n2', before + 1, { epoch: 1 });
    ack(node, 'n2', before + 1, { epoch: 3 });
    ack(node, 'n2', before + 1, { stream: stream.id + 1 });
    ack(node, 'n2', before + 1, { stream: stream.attachedId - 1 });
    expect(stream.match).toBe(before);
    ack(node, 'n2', before + 1, { stream: stream.attachedId });
    expect(stream.match).toBe(before + 1);
  });

  test('of what was sent before it was sent again still counts', () => {
    const node = withEntries(1);
    ask(node, put(2));
    const stream = streamOf(node, 'n2');
    const [before, id] = [stream.match, stream.id];
    tick(node, 500);
    expect(stream.id).toBeGreaterThan(id);
    ack(node, 'n2', before + 1, { stream: id });
    expect(stream.match).toBe(before + 1);
  });

  test('of a replica that looked for its place has the rest sent', () => {
    const node = withEntries(3);
    const { tailSeq } = node.core.replicas.get(0)?.log ?? { tailSeq: 0 };
    const stream = streamOf(node, 'n2');
    node.lead.attach(stream);
    node.step({ type: 'tick' });
    expect(appendsTo(node, 'n2')).toMatchObject([{ prevSeq: tailSeq, entries: [] }]);
    ack(node, 'n2', tailSeq - 2);
    expect([stream.state, stream.match]).toEqual(['replicate', tailSeq - 2]);
    expect(appendsTo(node, 'n2')).toMatchObject([{ prevSeq: tailSeq - 2, entries: [{}, {}] }]);
  });
});

describe('a rejection', () => {
  test('while entries are under way has all sent again that were not acknowledged', () => {
    const node = withEntries(2);
    const { tailSeq } = node.core.replicas.get(0)?.log ?? { tailSeq: 0 };
    ask(node, put(3));
    ask(node, put(4));
    take(node, 'n2');
    const attached = streamOf(node, 'n2').attachedId;
    reject(node, 'n2', { hintSeq: tailSeq });
    expect(appendsTo(node, 'n2')).toMatchObject([{ prevSeq: tailSeq, entries: [{}, {}] }]);
    expect(streamOf(node, 'n2').attachedId).toBe(attached);
    // It has less than it acknowledged: its copy was made anew.
    reject(node, 'n2', { hintSeq: tailSeq - 1 });
    expect(streamOf(node, 'n2')).toMatchObject({ state: 'probe', match: 0 });
    expect(streamOf(node, 'n2').attachedId).not.toBe(attached);
    // Up to what it had acknowledged, at most.
    expect(appendsTo(node, 'n2')).toMatchObject([{ prevSeq: tailSeq, entries: [] }]);
  });

  test('of another stream or epoch is none', () => {
    const node = withEntries(2);
    const stream = streamOf(node, 'n2');
    const { id } = stream;
    reject(node, 'n2', { stream: id + 1 });
    reject(node, 'n2', { epoch: 1 });
    expect([stream.id, stream.state]).toEqual([id, 'replicate']);
    expect(appendsTo(node, 'n2')).toEqual([]);
  });

  test('moves the place back to where the other says it may agree', () => {
    const node = withEntries(6);
    const { tailSeq } = node.core.replicas.get(0)?.log ?? { tailSeq: 0 };
    const stream = streamOf(node, 'n2');
    node.lead.attach(stream);
    node.step({ type: 'tick' });
    take(node, 'n2');
    reject(node, 'n2', { hintSeq: tailSeq - 3, hintEpoch: 2 });
    expect(appendsTo(node, 'n2')).toMatchObject([{ prevSeq: tailSeq - 3, entries: [] }]);
    // Its entry there is of an earlier epoch than all that this log has: it can agree at the beginning only.
    reject(node, 'n2', { hintSeq: tailSeq - 4, hintEpoch: 1 });
    expect(appendsTo(node, 'n2')).toMatchObject([{ prevSeq: 0, entries: [] }]);
    // It does not agree where all logs begin, and is in sync: nothing can be taken away from it.
    reject(node, 'n2', { hintSeq: tailSeq, hintEpoch: 2 });
    expect([stream.next, take(node, 'n2')]).toEqual([1, []]);
  });
});

describe('a snapshot', () => {
  /** A learner whose log begins after this primary's log was cut. */
  function learning(): Node {
    const pair = { ...config, inSync: ['n1/sn1', 'n2/sn2'], target: ['n1', 'n2'] };
    const node = primary(mapOf({ n1: 0, n2: 1, n3: 1 }, 1, pair));
    ask(node, { type: 'open', p: 0 });
    const value = 'x'.repeat(500_000);
    for (let n = 1; n <= 20; n++) {
      ask(node, put(n, value, `k${n % 5}`));
      for (let i = 0; i < 3; i++) node.obey('n2');
    }
    expect(node.core.replicas.get(0)?.log.baseSeq).toBeGreaterThan(0);
    node.publish({
      ...node.map(),
      revision: node.map().revision + 1,
      partitions: [{ ...(node.map().partitions[0] ?? pair), target: ['n1', 'n2', 'n3'], placed: 2 }],
    });
    beat(node);
    return node;
  }
  const beat = (node: Node): void => {
    clock.now += node.core.timings.beaconMs;
    node.step({ type: 'tick' });
    node.obey('n2');
    node.obey('n3', ['beacon']);
    node.step({ type: 'tick' });
  };
  type Piece = Extract<PeerMessage, { type: 'snapshot' }>;
  const pieces = (node: Node): Piece[] => take(node, 'n3').filter((m) => m.type === 'snapshot');
  const next = (node: Node, piece: Piece, change: Partial<Piece> = {}): void => {
    const { epoch, stream, index } = { ...piece, ...change };
    node.from('n3', { type: 'snapshot-ack', p: 0, epoch, stream, from: 'n3/sn3', index });
  };

  test('goes to a learner whose place the log has no more, a piece at a time', () => {
    const node = learning();
    take(node, 'n3');
    reject(node, 'n3');
    const [first, ...more] = pieces(node);
    expect([first?.index, first?.last, more]).toEqual([0, false, []]);
    if (first === undefined) throw new Error('no snapshot');
    // Only the answer to the last piece leads on.
    next(node, first, { index: 1 });
    next(node, first, { epoch: 1 });
    next(node, first, { stream: first.stream - 1 });
    expect(pieces(node)).toEqual([]);
    next(node, first);
    // It waits for the allowance of the node, if it has to.
    tick(node, 100);
    const second = pieces(node);
    expect(second.map(({ index, stream }) => [index, stream])).toEqual([[1, first.stream]]);
    // Lost: the same again.
    tick(node, 600);
    const again = pieces(node);
    expect(again).toEqual(second);
    // And then it waits again.
    tick(node);
    expect(pieces(node)).toEqual([]);
    let text = first.chunk;
    let piece = second[0] as Piece;
    while (!piece.last) {
      text += piece.chunk;
      next(node, piece);
      for (let i = 0; i < 8; i++) tick(node);
      node.obey('n3', ['beacon']);
      piece = pieces(node)[0] as Piece;
    }
    text += piece.chunk;
    expect(text.length).toBeGreaterThan(5 * 500_000);
    // All is there; and the entries since are sent.
    next(node, piece);
    expect(pieces(node)).toEqual([]);
    const seq = node.core.replicas.get(0)?.machine.seq ?? 0;
    ack(node, 'n3', seq);
    expect(streamOf(node, 'n3')).toMatchObject({ state: 'replicate', match: seq, snapshot: null });
    expect(node.lead.copiedTo('n3/sn3')).toBeGreaterThan(5 * 500_000);
  });

  test('keeps the log from where it was made, while its learner lives', () => {
    const node = learning();
    reject(node, 'n3');
    beat(node);
    const seq = node.core.replicas.get(0)?.machine.seq ?? 0;
    expect(node.lead.oldestNeeded()).toBe(seq + 1);
    // What others have acknowledged since is no reason to let it go.
    ask(node, put(21));
    node.obey('n2');
    expect(streamOf(node, 'n2').match).toBe(seq + 1);
    expect(node.lead.oldestNeeded()).toBe(seq + 1);
    clock.now += node.core.timings.leaseMs;
    node.step({ type: 'tick' });
    expect(node.lead.oldestNeeded()).toBe(Number.POSITIVE_INFINITY);
  });

  test('whose first piece was lost is sent that again', () => {
    const node = learning();
    take(node, 'n3');
    reject(node, 'n3');
    const first = pieces(node);
    expect(first).toHaveLength(1);
    tick(node, 600);
    expect(pieces(node)).toEqual(first);
  });

  test('that waits for the allowance of the node from its first piece on is not sent before', () => {
    const node = learning();
    node.core.copies.spend(100 * limits.copyBytesPerSecond);
    reject(node, 'n3');
    tick(node, 100);
    tick(node, 600);
    expect([streamOf(node, 'n3').state, pieces(node)]).toEqual(['snapshot', []]);
  });

  test('is not sent to one that does not answer', () => {
    const node = learning();
    clock.now += node.core.timings.leaseMs;
    reject(node, 'n3');
    for (let i = 0; i < 4; i++) tick(node, 100);
    expect(pieces(node)).toEqual([]);
  });
});
