import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SentEntry } from '../../../src/core/messages.js';
import { LogEntry, ReplicaLog } from '../../../src/core/replication/log.js';
import { encodePeerMessage } from '../../../src/wire/calls.js';
import { command } from '../../wire/arbitraries.js';

describe('an entry of a log', () => {
  it('gives its command and travels the same, whether it is kept as an object or as its JSON', () => {
    fc.assert(
      fc.property(command, (given) => {
        const entry = new LogEntry(3, 7, given);
        const head = {
          p: 0,
          gen: 0,
          epoch: 3,
          stream: 1,
          prevSeq: 6,
          prevEpoch: 3,
          commit: 6,
          counted: true,
          prevChain: 1,
          digest: '',
        };
        const sent = (entries: readonly SentEntry[]): string =>
          encodePeerMessage({ type: 'append', to: 'n1/s', incarnation: 1, appends: [{ ...head, entries }] });
        const plain = sent([{ epoch: 3, command: given }]);
        entry.settle();
        expect(entry.command).toBe(given);
        expect(sent([entry])).toBe(plain);
        entry.settle();
        expect(entry.command).not.toBe(given);
        expect(entry.command).toEqual(JSON.parse(JSON.stringify(given)));
        expect(sent([entry])).toBe(plain);
      }),
    );
  });

  it('counts the same bytes when it comes and when it goes', () => {
    const log = new ReplicaLog(0, 0, 0);
    const put = (i: number) =>
      new LogEntry(1, i, {
        type: 'op',
        session: '1.1',
        n: i,
        first: 1,
        op: { type: 'put', key: `k${i}`, value: 'v' },
      });
    for (let i = 1; i <= 100; i++) log.append(put(i));
    log.truncateAfter(90);
    // Were any bytes left over, two entries would be too many for this bound for ever.
    log.compact(90, 1, 400, Number.POSITIVE_INFINITY, 400);
    expect([log.baseSeq, log.tailSeq]).toEqual([89, 90]);
    expect(log.slice(90, 1).entries.map(({ seq }) => seq)).toEqual([90]);
  });

  it('has a running checksum by which histories that differ anywhere before are told apart', () => {
    const log = (values: readonly number[]): ReplicaLog => {
      const made = new ReplicaLog(0, 0, 0);
      values.forEach((by, i) => {
        const op = { type: 'incr' as const, key: 'k', by };
        made.append(new LogEntry(1, i + 1, { type: 'op', session: '1.1', n: i, first: 1, op }));
      });
      return made;
    };
    const whole = log([1, 2, 3, 4, 5]);
    expect(whole.chainAt(5)).toBe(log([1, 2, 3, 4, 5]).chainAt(5));
    expect(whole.chainAt(1)).toBe(log([1, 9]).chainAt(1));
    const others = [
      [9, 2, 3, 4, 5],
      [1, 2, 9, 4, 5],
      [1, 2, 3, 4, 9],
      [2, 1, 3, 4, 5],
    ];
    for (const other of others) expect(log(other).chainAt(5)).not.toBe(whole.chainAt(5));
    const before = whole.chainAt(3);
    whole.truncateAfter(3);
    expect(whole.chainAt(whole.tailSeq)).toBe(before);
    whole.compact(3, 0, 0, Number.POSITIVE_INFINITY, 0);
    expect([whole.baseSeq, whole.chainAt(3)]).toEqual([3, before]);
  });
});
