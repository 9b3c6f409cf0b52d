import { describe, expect, test } from 'vitest';
import { PartitionMachine } from '../../../src/core/machine/machine.js';
import type { Command, Operation, OpResult, SessionId } from '../../../src/core/machine/types.js';
import { limits } from '../../../src/limits.js';

const session: SessionId = '1.1';

/** A machine with a session. */
function machine(): { state: PartitionMachine; apply: (command: Command) => unknown } {
  const state = new PartitionMachine(1);
  const apply = (command: Command) => state.apply({ epoch: 1, seq: state.seq + 1, command });
  apply({ type: 'open', gen: 1 });
  return { state, apply };
}

const run = ({ apply }: ReturnType<typeof machine>, n: number, op: Operation, first = 1): OpResult =>
  (apply({ type: 'op', session, n, first, op }) as { result: OpResult }).result;

describe('a partition that holds twice what it may', () => {
  const filled = () => {
    const one = machine();
    run(one, 1, { type: 'put', key: 'text', value: 'x' });
    run(one, 2, { type: 'incr', key: 'counter', by: 1 });
    one.state.units += 2 * limits.partitionUnits - one.state.heldUnits;
    return one;
  };
  test('refuses what adds to it, remembers nothing of that, and does the rest', () => {
    const one = filled();
    expect(run(one, 3, { type: 'put', key: 'more', value: '' })).toMatchObject({ ok: true });
    expect(run(one, 4, { type: 'put', key: 'text', value: 'y' })).toMatchObject({ ok: false, code: 'busy' });
    expect(run(one, 5, { type: 'incr', key: 'new', by: 1 })).toMatchObject({ ok: false, code: 'busy' });
    expect(one.state.lookup(session, 4, 1)).toBeNull();
    expect(run(one, 6, { type: 'incr', key: 'counter', by: 1 })).toMatchObject({ ok: true, value: 2 });
    expect(run(one, 7, { type: 'delete', key: 'text' })).toMatchObject({ ok: true, value: true });
    one.state.units -= limits.partitionUnits;
    expect(run(one, 4, { type: 'put', key: 'text', value: 'y' })).toMatchObject({ ok: true });
  });
  test('votes against what puts or reads, and for what takes away', () => {
    const one = filled();
    one.state.units += 1;
    const vote = (tx: string, type: 'put' | 'get' | 'delete' | 'incr'): unknown => {
      const key = `${type}-key`;
      const item =
        type === 'put' ? { type, key, value: '' } : type === 'incr' ? { type, key, by: 1 } : { type, key };
      return one.apply({ type: 'prepare', tx, anchor: 3, at: 1, items: [item] });
    };
    for (const type of ['put', 'get'] as const)
      expect(vote(`3:1.1:${type}`, type)).toMatchObject({ vote: { yes: false, reason: 'too-large' } });
    for (const type of ['delete', 'incr'] as const)
      expect(vote(`3:1.1:${type}`, type)).toMatchObject({ vote: { yes: true } });
  });
});

describe('a session with too many results', () => {
  /** So many results of a megabyte each, that nobody has acknowledged. */
  const reading = (count: number) => {
    const one = machine();
    run(one, 1, { type: 'put', key: 'k', value: 'x'.repeat(limits.txReadUnits - 1000) }, 1);
    const op: Operation = { type: 'tx', key: 'k', items: [{ type: 'get', key: 'k' }] };
    for (let n = 2; n <= count + 1; n++) run(one, n, op, 1);
    return one;
  };
  test('has to acknowledge some before it may add to them, but always gets the one that it waits for', () => {
    const one = reading(17);
    expect(one.state.hasUnacknowledged(session, 30, 1)).toBe(true);
    expect(one.state.hasUnacknowledged(session, 30, 1, 2)).toBe(false);
    // The first that it waits for; what it acknowledges with that; another session.
    expect(one.state.hasUnacknowledged(session, 1, 1)).toBe(false);
    expect(one.state.hasUnacknowledged(session, 30, 2)).toBe(false);
    expect(one.state.hasUnacknowledged('1.9', 30, 1)).toBe(false);
    const more = reading(34);
    const put: Operation = { type: 'put', key: 'other', value: '' };
    expect(run(more, 40, put)).toMatchObject({ ok: false, code: 'busy' });
    expect(run(more, 41, { type: 'delete', key: 'nothing' })).toMatchObject({ ok: true });
    expect(run(more, 40, put, 36)).toMatchObject({ ok: true });
  });
});
