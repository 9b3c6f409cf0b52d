import { expect } from 'vitest';
import { digestOf } from '../../../src/core/machine/digest.js';
import { PartitionMachine } from '../../../src/core/machine/machine.js';
import type { Command, Operation, OpResult, SessionId } from '../../../src/core/machine/types.js';

export const session: SessionId = '1.1';

/** Session 1.1 is open; the next entry is 2. */
export function machine(state = new PartitionMachine(1)) {
  const apply = (command: Command) => state.apply({ epoch: 1, seq: state.seq + 1, command });
  if (state.seq === 0) apply({ type: 'open', gen: 1 });
  const run = (n: number, op: Operation, first = 1): OpResult => {
    const applied = apply({ type: 'op', session, n, first, op });
    if (applied.type !== 'op') throw new Error(applied.type);
    return applied.result;
  };
  /** As the state says, and as a snapshot of it has it. */
  const digest = () => {
    const { chain, ...counts } = state.digest;
    expect(counts).toEqual((({ chain: _, ...rest }) => rest)(digestOf(state.snapshot())));
    return counts;
  };
  return { state, apply, run, digest };
}

export const failure = (code: string, message: string) => ({ ok: false, code, message });
