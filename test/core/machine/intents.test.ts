import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PartitionMachine } from '../../../src/core/machine/machine.js';
import { hasRoom } from '../../../src/core/machine/transactions.js';
import type { Command, TxItem } from '../../../src/core/machine/types.js';
import { limits } from '../../../src/limits.js';

const { counterMax, counterMin } = limits;
const incr = (key: string, by: number): TxItem => ({ type: 'incr', key, by });

function participant(state = new PartitionMachine(1)) {
  let seq = state.seq;
  let operations = 0;
  const apply = (command: Command) => state.apply({ epoch: 1, seq: ++seq, command });
  const opened = apply({ type: 'open', gen: 1 });
  if (opened.type !== 'opened') throw new Error(opened.type);
  const { session } = opened;
  const prepared = new Map<string, number>();
  return {
    state,
    /** Its vote: yes, or the reason for no. */
    prepare(tx: string, ...items: TxItem[]): string {
      const applied = apply({ type: 'prepare', tx, anchor: 9, at: 0, items });
      prepared.set(tx, seq);
      if (applied.type !== 'vote' || applied.vote === null) return 'none';
      return applied.vote.yes ? 'yes' : applied.vote.reason;
    },
    finish: (tx: string, commit: boolean) =>
      apply({ type: 'finish', ends: [[tx, commit, prepared.get(tx) as number]] }),
    op(op: Extract<Command, { type: 'op' }>['op']) {
      const n = ++operations;
      const applied = apply({ type: 'op', session, n, first: n, op });
      return applied.type === 'op' ? applied.result : null;
    },
    value: (key: string) => state.cells.get(key)?.value ?? null,
  };
}

describe('increments of transactions', () => {
  it('are prepared side by side, and all count', () => {
    const p = participant();
    expect([p.prepare('9:1.1:1', incr('a', 5)), p.prepare('9:1.1:2', incr('a', -2))]).toEqual(['yes', 'yes']);
    p.finish('9:1.1:2', true);
    p.finish('9:1.1:1', true);
    expect(p.value('a')).toBe(3);
    expect(p.state.intents.size).toBe(0);
  });

  it('give back the room that they took when they end, while others still hold the key', () => {
    for (const [most, by] of [
      [counterMax, 1],
      [counterMin, -1],
    ] as const) {
      const p = participant();
      p.op({ type: 'incr', key: 'a', by: most - 10 * by });
      expect(p.prepare('9:1.1:1', incr('a', by))).toBe('yes');
      expect(p.prepare('9:1.1:2', incr('a', 9 * by))).toBe('yes');
      expect(p.prepare('9:1.1:3', incr('a', by))).toBe('conflict');
      p.finish('9:1.1:2', false);
      expect(p.prepare('9:1.1:4', incr('a', 9 * by))).toBe('yes');
      expect(p.prepare('9:1.1:5', incr('a', by))).toBe('conflict');
    }
  });

  it('hold their key against who reads, checks or writes it otherwise, and the other way round', () => {
    const others: TxItem[] = [
      { type: 'get', key: 'a' },
      { type: 'check', key: 'a', equals: 0 },
      { type: 'version', key: 'a', version: 0 },
      { type: 'put', key: 'a', value: 'x' },
      { type: 'delete', key: 'a' },
    ];
    for (const other of others) {
      const p = participant();
      expect([p.prepare('9:1.1:1', incr('a', 1)), p.prepare('9:1.1:2', other)]).toEqual(['yes', 'conflict']);
      p.finish('9:1.1:1', false);
      const q = participant();
      if (other.type === 'check') q.op({ type: 'reset', key: 'a', value: 0 });
      expect([q.prepare('9:1.1:1', other), q.prepare('9:1.1:2', incr('a', 1))]).toEqual(['yes', 'conflict']);
    }
  });

  it('hold it against an increment by itself, which tells the value, and against readers', () => {
    const p = participant();
    p.prepare('9:1.1:1', incr('a', 5));
    p.prepare('9:1.1:2', incr('a', 1));
    expect(p.op({ type: 'incr', key: 'a', by: 1 })).toMatchObject({ ok: false, code: 'conflict' });
    p.finish('9:1.1:1', true);
    expect([p.state.intents.writes('a'), p.state.intents.writesBelow('')]).toEqual([true, true]);
    expect(p.op({ type: 'incr', key: 'a', by: 1 })).toMatchObject({ ok: false, code: 'conflict' });
    p.finish('9:1.1:2', false);
    expect(p.state.intents.writes('a')).toBe(false);
    expect(p.op({ type: 'incr', key: 'a', by: 1 })).toMatchObject({ ok: true, value: 6 });
  });

  it('leave one another room within the bounds, whichever of them come to be', () => {
    const p = participant();
    p.op({ type: 'reset', key: 'a', value: counterMax - 10 });
    expect(p.prepare('9:1.1:1', incr('a', 7))).toBe('yes');
    expect(p.prepare('9:1.1:2', incr('a', 7))).toBe('conflict');
    expect(p.prepare('9:1.1:3', incr('a', -100))).toBe('yes');
    // That one may still come to nothing.
    expect(p.prepare('9:1.1:4', incr('a', 7))).toBe('conflict');
    p.finish('9:1.1:3', true);
    expect(p.prepare('9:1.1:5', incr('a', 7))).toBe('yes');
    p.finish('9:1.1:1', true);
    p.finish('9:1.1:5', true);
    expect(p.value('a')).toBe(counterMax - 96);
    // Alone in its way, it is the bound itself.
    expect(p.prepare('9:1.1:6', incr('a', 97))).toBe('overflow');
  });

  it('are known again from a snapshot', () => {
    const p = participant();
    p.op({ type: 'reset', key: 'a', value: counterMin + 10 });
    p.prepare('9:1.1:1', incr('a', -7));
    const q = participant(PartitionMachine.fromSnapshot(p.state.snapshot()));
    expect(q.prepare('9:1.1:2', incr('a', -7))).toBe('conflict');
    expect(q.prepare('9:1.1:3', incr('a', -3))).toBe('yes');
    expect(q.prepare('9:1.1:4', { type: 'get', key: 'a' })).toBe('conflict');
  });

  it('never pass the bounds, in whatever order they come and end', () => {
    const by = fc.oneof(
      fc.integer({ min: counterMin, max: counterMax }),
      fc.integer({ min: -200, max: 200 }),
      fc.constantFrom(counterMax, counterMin, counterMax - 100, counterMin + 100),
    );
    const step = fc.record({ by, end: fc.nat(3), commit: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const p = participant();
        let expected = 0n;
        const open: [tx: string, by: number][] = [];
        for (const [i, { by, end, commit }] of steps.entries()) {
          const tx = `9:1.1:${i}`;
          if (p.prepare(tx, incr('a', by)) === 'yes') open.push([tx, by]);
          if (open.length <= end) continue;
          const [[ended, amount]] = open.splice(end, 1) as [[string, number]];
          p.finish(ended, commit);
          if (commit) expected += BigInt(amount);
          expect(BigInt(p.value('a') ?? 0)).toBe(expected);
        }
      }),
    );
  });
});

it('room is exact where numbers are not', () => {
  expect(hasRoom(0, counterMax, 0, counterMin)).toBe(true);
  expect(hasRoom(0, 1, counterMax, 0)).toBe(false);
  expect(hasRoom(counterMin, counterMax, 1, 0)).toBe(false);
  expect(hasRoom(1, counterMin, 0, -2)).toBe(false);
  expect(hasRoom(counterMax, counterMin, 0, 0)).toBe(true);
});
