import { beforeEach, describe, expect, test } from 'vitest';
import { Copies } from '../../../src/core/replication/copies.js';
import { Grants } from '../../../src/core/replication/grants.js';
import { Stream } from '../../../src/core/replication/stream.js';
import { limits } from '../../../src/limits.js';

const longest = 10_000;

describe('a stream', () => {
  let stream: Stream;
  beforeEach(() => {
    stream = new Stream('n2/s', 'n2', 1, 0);
    stream.attach(7, 1, 0);
    stream.state = 'replicate';
  });
  /** The first time from `from` on at which it is overdue. */
  const overdueAt = (from: number): number => {
    let at = from;
    while (!stream.isOverdue(at, longest)) at++;
    return at;
  };

  test('waits four times as long as acks take, and never less than disks do', () => {
    stream.sent(1, 10, 0);
    expect(overdueAt(0)).toBe(200);
    stream.acked(1, 4);
    // Not known to be slow: the least wait.
    expect(overdueAt(4)).toBe(4 + 50);
    stream.sent(2, 10, 100);
    stream.acked(2, 260);
    // The estimate moves by an eighth: 4 + 156/8.
    expect(overdueAt(260)).toBe(260 + 94);
  });

  test('waits twice as long each time that it is sent again without an answer, up to a bound', () => {
    stream.sent(1, 10, 0);
    let [id, at] = [8, 0];
    const waits: number[] = [];
    for (let n = 0; n < 8; n++) {
      const next = overdueAt(at);
      waits.push(next - at);
      at = next;
      stream.sendAgain(id++, at);
    }
    expect(waits).toEqual([200, 400, 800, 1600, 3200, 6400, longest, longest]);
    stream.acked(1, at);
    expect(overdueAt(at)).toBe(at + 200);
  });

  test('times one message at a time, and none that was sent twice', () => {
    stream.sent(1, 10, 0);
    stream.sent(2, 10, 90);
    stream.acked(1, 100);
    expect(overdueAt(100)).toBe(100 + 400);
    stream.acked(2, 100);
    stream.sent(3, 10, 200);
    stream.sendAgain(8, 250);
    stream.sent(3, 10, 250);
    stream.acked(2, 260);
    // Acked up to 2 only: the message is still under way, and its time runs.
    stream.acked(3, 258);
    stream.sent(4, 10, 1000);
    stream.acked(4, 1000);
    // 100, then 8, then 0.
    expect(stream.isOverdue(1000 + 309, longest)).toBe(false);
    expect(stream.isOverdue(1000 + 310, longest)).toBe(true);
  });

  test('keeps account of the bytes under way', () => {
    stream.sent(3, 30, 0);
    stream.sent(5, 20, 0);
    stream.sent(9, 40, 0);
    expect(stream.flyingBytes).toBe(90);
    stream.acked(2, 1);
    expect([stream.flyingBytes, stream.match]).toEqual([90, 2]);
    stream.acked(5, 1);
    expect([stream.flyingBytes, stream.match]).toEqual([40, 5]);
    stream.acked(4, 1);
    expect([stream.flyingBytes, stream.match]).toEqual([40, 5]);
    stream.acked(9, 1);
    expect(stream.flyingBytes).toBe(0);
    stream.acked(9, 2);
    expect(stream.flyingBytes).toBe(0);
  });

  test('sends all after what was acknowledged again, under a new number, if it knows where that is', () => {
    stream.sent(3, 30, 0);
    stream.acked(2, 0);
    stream.next = 4;
    stream.sendAgain(8, 10);
    expect([stream.id, stream.attachedId, stream.next, stream.flyingBytes]).toEqual([8, 7, 3, 0]);
    stream.attach(9, 6, 20);
    expect([stream.id, stream.attachedId, stream.next, stream.match]).toEqual([9, 9, 6, 0]);
    // Looking for the place: the question is put again, as it was.
    stream.probing = true;
    stream.sendAgain(10, 30);
    expect([stream.id, stream.next, stream.probing]).toEqual([9, 6, false]);
  });

  test('that is attached anew has nothing of before', () => {
    stream.sent(3, 30, 0);
    stream.acked(1, 0);
    stream.overwrite = true;
    stream.endsBefore = true;
    stream.chunkDue = true;
    stream.commitSent = 3;
    stream.probing = true;
    stream.sendAgain(8, 5);
    stream.attach(9, 4, 20);
    expect(stream).toMatchObject({
      state: 'probe',
      next: 4,
      match: 0,
      probing: false,
      overwrite: false,
      endsBefore: false,
      progressAt: 20,
      commitSent: 0,
      flyingBytes: 0,
      snapshot: null,
      chunkDue: false,
    });
    expect(overdueAt(20)).toBe(20 + 200);
    stream.state = 'replicate';
    stream.sent(4, 10, 30);
    stream.acked(4, 130);
    expect(stream.flyingBytes).toBe(0);
    expect(overdueAt(130)).toBe(130 + 400);
  });

  test('begins with nothing under way, nothing known and nothing counted', () => {
    expect(new Stream('n2/s', 'n2', 4, 9)).toMatchObject({
      replica: 'n2/s',
      node: 'n2',
      placed: 4,
      foundSeq: 9,
      id: 0,
      attachedId: 0,
      incarnation: 0,
      state: 'probe',
      next: 1,
      match: 0,
      leaseFrom: Number.NEGATIVE_INFINITY,
      progressAt: Number.NEGATIVE_INFINITY,
      stalledSince: null,
      commitSent: 0,
      blockedMs: 0,
      flyingBytes: 0,
      copied: 0,
    });
    expect(new Stream('n2/s', 'n2', 4, 9).isOverdue(0, longest)).toBe(true);
  });

  test('does not send again what was acknowledged meanwhile', () => {
    const nextAfter = (next: number, match: number, state: Stream['state'] = 'replicate'): number => {
      stream.attach(7, next, 0);
      stream.state = state;
      stream.match = match;
      stream.endsBefore = true;
      stream.movedOn();
      expect(stream.endsBefore).toBe(false);
      return stream.next;
    };
    expect([nextAfter(5, 3), nextAfter(5, 4), nextAfter(5, 5), nextAfter(5, 9)]).toEqual([5, 5, 6, 10]);
    expect([nextAfter(5, 9, 'probe'), nextAfter(5, 9, 'snapshot')]).toEqual([5, 5]);
  });

  test('waits from what happened last: that it moved, or that all was sent again', () => {
    stream.acked(1, 1000);
    expect(overdueAt(1000)).toBe(1200);
    stream.sendAgain(8, 1200);
    expect(overdueAt(1200)).toBe(1600);
    stream.acked(1, 1300);
    expect(overdueAt(1300)).toBe(1500);
    expect([stream.isOverdue(1399, 100), stream.isOverdue(1400, 100)]).toEqual([false, true]);
  });

  test('that was sent again has nothing under way, and what it acknowledges then is not timed', () => {
    stream.sent(1, 10, 0);
    stream.sendAgain(8, 10);
    expect([stream.flyingBytes, stream.next, stream.id]).toEqual([0, 1, 8]);
    stream.sent(1, 15, 10);
    expect(stream.flyingBytes).toBe(15);
    stream.acked(1, 11);
    // One that was sent after that is timed: 60 ms, fourfold.
    expect([stream.flyingBytes, overdueAt(11)]).toEqual([0, 11 + 50]);
    stream.sent(2, 10, 100);
    stream.acked(2, 180);
    // An eighth of the way from 1 to 80.
    expect(overdueAt(180)).toBe(180 + 50);
    stream.sendAgain(9, 300);
    expect(overdueAt(300)).toBe(300 + 100);
  });

  test('has stalled no more once it has acknowledged something', () => {
    stream.stalledSince = 5;
    stream.acked(0, 10);
    expect([stream.stalledSince, stream.progressAt]).toEqual([null, 10]);
  });
});

describe('copies to learners', () => {
  const streams = Array.from({ length: 20 }, (_, i) => new Stream(`n${i}/s`, `n${i}`, 1, 0));
  test('are made a few at a time, more where replicas are missing', () => {
    const copies = new Copies();
    const admitted = (repair: boolean): number => streams.filter((s) => copies.admit(s, repair)).length;
    expect(admitted(false)).toBe(limits.movesAtOnce);
    expect(admitted(true)).toBe(limits.repairsAtOnce);
    // Those that were admitted keep their place.
    expect(admitted(false)).toBe(limits.repairsAtOnce);
    const [first, last] = [streams[0] as Stream, streams[19] as Stream];
    expect([copies.admitted(first), copies.admitted(last)]).toEqual([true, false]);
    copies.release(first);
    expect([copies.admitted(first), copies.admit(last, false), copies.admit(last, true)]).toEqual([
      false,
      false,
      true,
    ]);
  });

  /** What is sent in ten seconds in which each tick is late by so much, in bytes a second, as fast as it may. */
  const sentPerSecond = (lateMs: number): number => {
    const copies = new Copies();
    const every = limits.tickMs + lateMs;
    let seconds = 0;
    let before = 0;
    for (let now = 0; now < 20_000; now += every) {
      copies.tick(now, limits.tickMs);
      while (copies.open(now)) copies.spend(16 * 1024);
      if (now < 10_000) before = copies.sentBytes;
      else seconds += every / 1000;
    }
    return (copies.sentBytes - before) / seconds;
  };

  test('take all that they may on an idle machine, and little on a busy one', () => {
    const idle = sentPerSecond(0);
    expect(idle / limits.copyBytesPerSecond).toBeGreaterThan(0.9);
    expect(idle / limits.copyBytesPerSecond).toBeLessThan(1.1);
    expect(sentPerSecond(limits.tickMs / 2) / limits.copyBytesPerSecond).toBeGreaterThan(0.9);
    const busy = sentPerSecond(limits.tickMs);
    expect(busy / limits.copyBytesLeast).toBeGreaterThan(0.9);
    expect(busy / limits.copyBytesLeast).toBeLessThan(1.1);
  });

  test('have an allowance of a tenth of a second at most, however long nothing was sent', () => {
    const copies = new Copies();
    for (let n = 0; n < 200; n++) copies.tick(n * limits.tickMs, limits.tickMs);
    expect(copies.open(0)).toBe(true);
    copies.open(100_000);
    copies.spend(limits.copyBytesPerSecond / 10 - 1);
    expect(copies.open(100_000)).toBe(true);
    copies.spend(1);
    expect(copies.open(100_000)).toBe(false);
    // A clock that went back gives nothing.
    expect(copies.open(0)).toBe(false);
    expect(copies.open(10)).toBe(true);
  });

  /** Ticks in time until the rate is the highest. */
  const warm = (): Copies => {
    const copies = new Copies();
    for (let n = 0; n < 200; n++) copies.tick(n * limits.tickMs, limits.tickMs);
    return copies;
  };
  /** What may be sent after a long pause is what the rate allows in a tenth of a second. */
  const expectRate = (copies: Copies, rate: number): void => {
    copies.open(0);
    copies.open(1e6);
    copies.spend(rate / 10 - 1);
    expect(copies.open(1e6)).toBe(true);
    copies.spend(2);
    expect(copies.open(1e6)).toBe(false);
  };

  test('slow down by half at a tick that is late by more than half, and recover by hundredths', () => {
    const last = 199 * limits.tickMs;
    for (const [late, rate] of [
      [0, limits.copyBytesPerSecond],
      [0.5, limits.copyBytesPerSecond],
      [0.5001, limits.copyBytesPerSecond / 2],
    ] as const) {
      const copies = warm();
      copies.tick(last + (1 + late) * limits.tickMs, limits.tickMs);
      expectRate(copies, rate);
    }
    const recovering = warm();
    recovering.tick(last + 2 * limits.tickMs, limits.tickMs);
    recovering.tick(last + 3 * limits.tickMs, limits.tickMs);
    expectRate(recovering, 0.51 * limits.copyBytesPerSecond);
  });

  test('go no slower than the least and no faster than the most', () => {
    const copies = warm();
    for (let n = 0; n < 20; n++) copies.tick(1e6 * (n + 1), limits.tickMs);
    expectRate(copies, limits.copyBytesLeast);
    expectRate(warm(), limits.copyBytesPerSecond);
  });

  test('have the first tick count as one in time, and count what they sent', () => {
    const copies = new Copies();
    copies.tick(1e6, 1);
    expectRate(copies, 0.26 * limits.copyBytesPerSecond);
    const counted = new Copies();
    expect(counted.sentBytes).toBe(0);
    counted.spend(5);
    counted.spend(7);
    expect(counted.sentBytes).toBe(12);
  });

  test('begin slowly', () => {
    const copies = new Copies();
    copies.spend(limits.copyBytesLeast / 10);
    expect(copies.open(0)).toBe(false);
    copies.spend(limits.copyBytesPerSecond / 4);
    expect([copies.open(999), copies.open(1001)]).toEqual([false, true]);
  });
});

describe('the grants of a replica', () => {
  const process = (node: string, incarnation = 1, store = 's') => ({ node, store, incarnation });
  const nobodyGone = (): boolean => false;
  test('bind until the last one, except of those who are gone', () => {
    const grants = new Grants(null);
    expect(grants.last(nobodyGone)).toBe(Number.NEGATIVE_INFINITY);
    grants.grant(process('n1'), 1, 10);
    grants.grant(process('n2'), 2, 20);
    expect(grants.last(nobodyGone)).toBe(20);
    expect(grants.last(({ node }) => node === 'n2')).toBe(10);
    expect(grants.last(() => true)).toBe(Number.NEGATIVE_INFINITY);
    // The start counts as a grant to anyone, which no proof ends.
    expect(new Grants(5).last(() => true)).toBe(5);
  });

  test('of a node are its newest process’s: a late message of an earlier one changes nothing', () => {
    const grants = new Grants(null);
    grants.grant(process('n1', 2), 3, 10);
    grants.grant(process('n1', 1), 3, 20);
    expect(grants.last(nobodyGone)).toBe(10);
    expect(grants.hasGranted(process('n1', 2), 3)).toBe(true);
    grants.grant(process('n1', 2), 3, 30);
    expect(grants.last(nobodyGone)).toBe(30);
    grants.grant(process('n1', 1, 'other'), 3, 40);
    expect([grants.last(nobodyGone), grants.hasGranted(process('n1', 2), 3)]).toEqual([40, false]);
  });

  test('are of one process and one epoch', () => {
    const grants = new Grants(null);
    grants.grant(process('n1', 2), 3, 10);
    expect(grants.hasGranted(process('n1', 2), 3)).toBe(true);
    for (const [of, epoch] of [
      [process('n1', 2), 2],
      [process('n1', 1), 3],
      [process('n1', 2, 'other'), 3],
      [process('n2', 2), 3],
    ] as const)
      expect(grants.hasGranted(of, epoch)).toBe(false);
  });

  test('end all together where one yields for all', () => {
    const grants = new Grants(null);
    grants.grant(process('n1'), 3, 10);
    grants.grant(process('n2'), 3, 20);
    grants.releaseAll();
    expect(grants.last(nobodyGone)).toBe(Number.NEGATIVE_INFINITY);
  });

  test('count from the start of this process until a later one is given', () => {
    const grants = new Grants(15);
    grants.grant(process('n1'), 1, 20);
    expect([grants.last(nobodyGone), grants.last(() => true)]).toEqual([20, 15]);
    grants.grant(process('n2'), 1, 30);
    grants.grant(process('n3'), 1, 25);
    expect(grants.last(nobodyGone)).toBe(30);
    expect(grants.last(({ node }) => node === 'n2')).toBe(25);
  });

  test('end when that very process yields, for the epochs before', () => {
    const grants = new Grants(null);
    grants.grant(process('n1', 2), 3, 10);
    grants.release(process('n1', 2), 3);
    grants.release(process('n1', 1), 4);
    grants.release(process('n1', 2, 'other'), 4);
    grants.release(process('n2', 2), 4);
    expect(grants.last(nobodyGone)).toBe(10);
    grants.release(process('n1', 2), 4);
    expect(grants.last(nobodyGone)).toBe(Number.NEGATIVE_INFINITY);
  });
});
