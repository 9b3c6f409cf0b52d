import { beforeEach, describe, expect, test } from 'vitest';
import { sizeOf } from '../../../src/core/machine/size.js';
import type { Command, Operation } from '../../../src/core/machine/types.js';
import { Random } from '../../../src/core/random.js';
import { chainOf } from '../../../src/core/replication/chain.js';
import { LogEntry, ReplicaLog } from '../../../src/core/replication/log.js';
import { isLonger, LogCheck } from '../../../src/core/replication/log-check.js';

const op = (operation: Operation): Command => ({ type: 'op', session: '1.1', n: 1, first: 1, op: operation });
const put = (value = 'v'): Command => op({ type: 'put', key: 'k', value });
/** Every entry of `made` takes so many bytes. */
const size = sizeOf(put());

/** A log after entry 10 of epoch 2, with so many entries; the last two are of epoch 3. */
function made(count: number): ReplicaLog {
  const log = new ReplicaLog(10, 2, 77);
  for (let i = 1; i <= count; i++) log.append(new LogEntry(i > count - 2 ? 3 : 2, 10 + i, put()));
  return log;
}

describe('an entry of a log', () => {
  test.each<[command: Command, units: number]>([
    [put('value'), 6],
    [op({ type: 'put', key: '', value: '' }), 0],
    [op({ type: 'incr', key: 'key', by: 1 }), 19],
    [op({ type: 'delete', key: 'key' }), 19],
    [{ type: 'barrier' }, 0],
  ])('has the units and the size of what it carries: %j', (command, units) => {
    const entry = new LogEntry(3, 7, command);
    expect([entry.units, entry.size, entry.epoch, entry.seq]).toEqual([units, sizeOf(command), 3, 7]);
    expect(JSON.parse(JSON.stringify(entry))).toEqual({ epoch: 3, seq: 7, command });
  });

  test('gives its command however often it is settled, before its JSON was made and after', () => {
    const entry = new LogEntry(1, 1, put());
    entry.settle();
    expect(entry.command).toEqual(put());
    expect(entry.json).toBe(JSON.stringify(put()));
    entry.settle();
    entry.settle();
    expect([entry.command, entry.json]).toEqual([put(), JSON.stringify(put())]);
  });
});

describe('a log', () => {
  test('without entries ends where it begins', () => {
    const log = new ReplicaLog(10, 2, 77);
    expect([log.base, log.end, log.baseSeq, log.tailSeq, log.tailEpoch]).toEqual([
      { epoch: 2, seq: 10 },
      { epoch: 2, seq: 10 },
      10,
      10,
      2,
    ]);
    expect([9, 10, 11].map((seq) => [log.epochAt(seq), log.chainAt(seq), log.at(seq)])).toEqual([
      [null, null, undefined],
      [2, 77, undefined],
      [null, null, undefined],
    ]);
    expect(log.slice(11, 1000)).toEqual({ entries: [], bytes: 0 });
  });

  test('knows what it has from its first entry to its last', () => {
    const log = made(3);
    expect([log.base, log.end, log.tailEpoch]).toEqual([{ epoch: 2, seq: 10 }, { epoch: 3, seq: 13 }, 3]);
    expect([9, 10, 11, 12, 13, 14].map((seq) => [log.epochAt(seq), log.at(seq)?.seq])).toEqual([
      [null, undefined],
      [2, undefined],
      [2, 11],
      [3, 12],
      [3, 13],
      [null, undefined],
    ]);
    const first = chainOf(77, 2, JSON.stringify(put()));
    const second = chainOf(first, 3, JSON.stringify(put()));
    expect([10, 11, 12].map((seq) => log.chainAt(seq))).toEqual([77, first, second]);
    expect(new ReplicaLog(10, 2, 77, [log.at(11)!, log.at(12)!, log.at(13)!]).chainAt(13)).toBe(
      log.chainAt(13),
    );
  });

  test('of one entry ends with that', () => {
    expect([made(1).end, made(1).epochAt(11)]).toEqual([{ epoch: 3, seq: 11 }, 3]);
  });

  test('takes no entry but the next', () => {
    for (const seq of [12, 13, 15])
      expect(() => made(3).append(new LogEntry(3, seq, put()))).toThrow(`log: appending ${seq} after 13`);
  });

  test('is cut off after any entry that it has, and after none that it has not', () => {
    for (let seq = 10; seq <= 14; seq++) {
      const log = made(3);
      log.truncateAfter(seq);
      expect(log.tailSeq).toBe(Math.min(seq, 13));
    }
    expect(() => made(3).truncateAfter(9)).toThrow('log: cutting after 9, below the base 10');
    const log = made(3);
    log.truncateAfter(11);
    log.append(new LogEntry(4, 12, put()));
    expect([log.epochAt(11), log.end]).toEqual([2, { epoch: 4, seq: 12 }]);
  });

  test.each<[from: number, maxBytes: number, seqs: number[]]>([
    [11, 0, [11]],
    [11, size, [11]],
    [11, 2 * size - 1, [11]],
    [11, 2 * size, [11, 12]],
    [12, 3 * size, [12, 13, 14]],
    [13, 9 * size, [13, 14]],
    [14, 0, [14]],
    [15, 9 * size, []],
  ])('gives entries from %d on, and no more bytes than %d but for the first', (from, maxBytes, seqs) => {
    const { entries, bytes } = made(4).slice(from, maxBytes);
    expect([entries.map(({ seq }) => seq), bytes]).toEqual([seqs, seqs.length * size]);
  });
});

describe('a log that is shortened', () => {
  const none = Number.POSITIVE_INFINITY;
  interface Shortening {
    readonly applied?: number;
    readonly entries?: number;
    readonly bytes?: number;
    readonly pinned?: number;
    readonly pinnedBytes?: number;
  }
  /** Of ten entries, 11 to 20, all applied: the last one that is forgotten. */
  const base = ({
    applied = 20,
    entries = none,
    bytes = none,
    pinned = none,
    pinnedBytes = none,
  }: Shortening) => {
    const log = made(10);
    log.compact(applied, entries, bytes, pinned, pinnedBytes);
    return log.baseSeq;
  };

  test.each<[what: string, how: Shortening, base: number]>([
    ['twice as many entries as are kept: not yet', { entries: 5 }, 10],
    ['one entry more', { entries: 4 }, 16],
    ['no entry is kept', { entries: 0 }, 20],
    ['twice as many bytes as are kept: not yet', { bytes: 5 * size }, 10],
    ['a byte more', { bytes: 5 * size - 1 }, 16],
    ['bytes for four entries', { bytes: 4 * size }, 16],
    ['bytes for less than four', { bytes: 4 * size - 1 }, 17],
    ['the entries bind', { entries: 2, bytes: 4 * size }, 18],
    ['the bytes bind', { entries: 4, bytes: 2 * size }, 18],
    ['no more than what is applied', { entries: 0, applied: 13 }, 13],
    ['the first alone is applied', { entries: 0, applied: 11 }, 11],
    ['nothing is applied', { entries: 0, applied: 10 }, 10],
    ['what is applied is before it', { entries: 0, applied: 5 }, 10],
    ['more is applied than it has', { entries: 0, applied: 99 }, 20],
    ['who catches up needs the first', { entries: 0, pinned: 11 }, 10],
    ['who catches up needs the fourth', { entries: 0, pinned: 14 }, 13],
    ['who catches up needs more than is applied', { entries: 0, pinned: 14, applied: 12 }, 12],
    ['who catches up may have so many bytes', { entries: 0, pinned: 14, pinnedBytes: 10 * size }, 13],
    ['and no more', { entries: 0, pinned: 14, pinnedBytes: 10 * size - 1 }, 20],
    ['who catches up needs none of those that go anyway', { entries: 4, pinned: 19 }, 16],
  ])('%s', (_, how, expected) => {
    expect(base(how)).toBe(expected);
  });

  test('keeps the rest as it was, and counts its bytes', () => {
    const [log, whole] = [made(10), made(10)];
    log.compact(20, 4, none, none, none);
    expect([log.base, log.end]).toEqual([
      { epoch: 2, seq: 16 },
      { epoch: 3, seq: 20 },
    ]);
    for (let seq = 16; seq <= 20; seq++)
      expect([log.epochAt(seq), log.chainAt(seq)]).toEqual([whole.epochAt(seq), whole.chainAt(seq)]);
    expect([log.epochAt(15), log.chainAt(15), log.at(16)]).toEqual([null, null, undefined]);
    // Four entries are left: twice these bytes, and then not.
    log.compact(20, none, 2 * size, none, none);
    expect(log.baseSeq).toBe(16);
    log.compact(20, none, 2 * size - 1, none, none);
    expect(log.baseSeq).toBe(19);
    log.append(new LogEntry(5, 21, put()));
    expect(log.slice(20, none).entries.map(({ seq }) => seq)).toEqual([20, 21]);
    log.compact(21, 0, 0, none, none);
    expect([log.base, log.end]).toEqual([
      { epoch: 5, seq: 21 },
      { epoch: 5, seq: 21 },
    ]);
  });

  test('counts the bytes of what was cut off no more', () => {
    const log = made(10);
    log.truncateAfter(14);
    log.compact(14, none, 2 * size, none, none);
    expect(log.baseSeq).toBe(10);
    log.compact(14, none, 2 * size - 1, none, none);
    expect(log.baseSeq).toBe(13);
  });
});

/** The running checksum once more, by big integers and from the description of MurmurHash3's mixing. */
function chainByHand(before: number, epoch: number, json: string): number {
  const mask = 0xffff_ffffn;
  const times = (a: bigint, b: bigint): bigint => (a * b) & mask;
  const units = Array.from({ length: json.length }, (_, i) => BigInt(json.charCodeAt(i)));
  let h = times(BigInt(before ^ epoch) & mask, 0x9e37_79b1n) ^ BigInt(json.length);
  while (units.length >= 2) {
    const [low, high] = units.splice(0, 2) as [bigint, bigint];
    h = times(h ^ low ^ (high << 16n), 0x9e37_79b1n);
    h = ((h << 15n) & mask) | (h >> 17n);
  }
  if (units.length === 1) h ^= units[0] as bigint;
  h = times(h ^ (h >> 16n), 0x85eb_ca6bn);
  h = times(h ^ (h >> 13n), 0xc2b2_ae35n);
  return Number(h ^ (h >> 16n));
}

test('the running checksum is the same everywhere, for any text', () => {
  const random = new Random(5);
  for (let length = 0; length < 40; length++) {
    for (const limit of [0x80, 0x1_0000]) {
      const text = String.fromCharCode(...Array.from({ length }, () => random.below(limit)));
      const [before, epoch] = [random.uint32(), random.below(1000)];
      expect(chainOf(before, epoch, text)).toBe(chainByHand(before, epoch, text));
    }
  }
});

describe('the end of a log', () => {
  test.each<[a: [number, number], b: [number, number], longer: boolean]>([
    [[1, 1], [1, 1], false],
    [[1, 2], [1, 1], true],
    [[1, 1], [1, 2], false],
    [[2, 1], [1, 9], true],
    [[1, 9], [2, 1], false],
  ])('%j is beyond %j: %s', ([epoch, seq], [otherEpoch, otherSeq], longer) => {
    expect(isLonger({ epoch, seq }, { epoch: otherEpoch, seq: otherSeq })).toBe(longer);
  });
});

describe('the check of a log', () => {
  let check: LogCheck;
  const mine = { epoch: 3, seq: 10 };
  const beyond = { epoch: 3, seq: 11 };
  const nobody = (): boolean => false;
  const may = (now: number, others: readonly string[] = ['a']): boolean =>
    check.mayLead(mine, others, nobody, now, 1000, 500);
  beforeEach(() => {
    check = new LogCheck('unchecked');
  });

  test('is done from the start when there was nothing to find, and waits for nobody', () => {
    check = new LogCheck('checked');
    expect([check.done, may(0), check.durable(5)]).toEqual([true, true, false]);
    check.agreesThrough(5);
    expect(check.durable(5)).toBe(false);
  });

  test('needs only the first point up to which it agrees, and says once that it is done', () => {
    check.agreesThrough(7);
    check.agreesThrough(5);
    check.agreesThrough(9);
    expect([check.durable(4), check.done, check.durable(5), check.done, check.durable(6)]).toEqual([
      false,
      false,
      true,
      true,
      false,
    ]);
  });

  test('forgets up to where it agreed when entries are missing', () => {
    check.agreesThrough(5);
    check.foundDamaged();
    check.agreesThrough(8);
    expect([check.durable(7), check.durable(8), check.trust]).toEqual([false, true, 'checked']);
  });

  test('has no answer counted before it asked', () => {
    check.answered('a', 0, mine, 0);
    expect(may(0)).toBe(false);
    const question = check.ask(0, 200, () => 7) as number;
    check.answered('a', question + 1, mine, 0);
    expect(may(0)).toBe(false);
    check.answered('a', question, mine, 0);
    expect([may(0), may(0, ['a', 'b']), may(0, [])]).toEqual([true, false, true]);
  });

  test('asks immediately when the configuration has changed', () => {
    expect([check.ask(0, 200, () => 7), check.ask(100, 200, () => 8)]).toEqual([7, null]);
    check.reconfigured();
    expect(check.ask(100, 200, () => 8)).toBe(8);
  });

  test('yields to a longer log while that answers, and no longer than 3 s after its patience', () => {
    const question = check.ask(0, 200, () => 7) as number;
    check.answered('a', question, beyond, 3600);
    expect([may(3999), may(4000)]).toEqual([false, true]);
    check.answered('a', question, beyond, 3000);
    expect([may(3499), may(3500)]).toEqual([false, true]);
    check.answered('a', question, mine, 3600);
    expect(may(3600)).toBe(true);
  });

  test('of a damaged log does not take a longer one for anything but longer', () => {
    check = new LogCheck('damaged');
    const question = check.ask(0, 200, () => 7) as number;
    check.answered('a', question, mine, 0);
    expect([may(499), may(500), may(9000)]).toEqual([true, false, false]);
    check.answered('a', question, beyond, 9000);
    expect(may(9000)).toBe(false);
    check.answered('a', question, { epoch: 3, seq: 9 }, 9000);
    expect(may(9000)).toBe(true);
  });
});
