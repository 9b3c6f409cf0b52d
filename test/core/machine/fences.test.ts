import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PartitionMachine } from '../../../src/core/machine/machine.js';

/** What separators are made of, so that joined texts would look alike. */
const text = fc.string({ unit: fc.constantFrom('a', '\u0000', ':', '1', '/'), maxLength: 4 });

describe('fences', () => {
  it('keep the greatest token of each name and key, whatever is in them', () => {
    const write = fc.record({ name: text, key: text, token: fc.integer({ min: 1, max: 5 }) });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 60 }), (writes) => {
        const state = new PartitionMachine(1);
        state.apply({ epoch: 1, seq: 1, command: { type: 'open', gen: 1 } });
        const greatest = new Map<string, number>();
        for (const [i, { name, key, token }] of writes.entries()) {
          const op = { type: 'put', key, value: '', fence: { name, token } } as const;
          const n = i + 1;
          const command = { type: 'op', session: '1.1', n, first: n, op } as const;
          const applied = state.apply({ epoch: 1, seq: n + 1, command });
          const of = JSON.stringify([name, key]);
          const seen = greatest.get(of) ?? 0;
          greatest.set(of, Math.max(seen, token));
          expect(applied.type === 'op' && applied.result.ok).toBe(token >= seen);
        }
        expect([...state.rows.of('fence')]).toHaveLength(greatest.size);
      }),
      { numRuns: 500 },
    );
  });
});
