import { describe, expect, it } from 'vitest';
import { apply, mutantsOf } from '../../scripts/mutate/operators.js';

const changesOf = (text: string): string[] =>
  mutantsOf('x.ts', text).map((m) => `${m.operator}: ${apply(text, m).trim()}`);

describe('the mutants of a source', () => {
  it('drop, turn round and shift conditions, one at a time', () => {
    expect(changesOf('if (a && b < 1) c = d;')).toEqual([
      'dropped-condition: if ((false as boolean)) c = d;',
      'dropped-condition: if ((true as boolean)) c = d;',
      'negated-condition: if (!(a && b < 1)) c = d;',
      'dropped-condition: if (a) c = d;',
      'dropped-condition: if (b < 1) c = d;',
      'off-by-one: if (a && b <= 1) c = d;',
      'swapped-comparison: if (a && b >= 1) c = d;',
      'off-by-one: if (a && b < 2) c = d;',
      'stale-value: if (a && b < 1) ;',
    ]);
  });

  it('skip calls, swap bounds and return early', () => {
    expect(changesOf('function f(): void { g(); x = Math.min(y, z); }')).toEqual([
      'early-return: function f(): void { if (true as boolean) return; g(); x = Math.min(y, z); }',
      'skipped-call: function f(): void { ; x = Math.min(y, z); }',
      'stale-value: function f(): void { g(); ; }',
      'swapped-min-max: function f(): void { g(); x = Math.max(y, z); }',
    ]);
  });

  it('leave alone what only variants reach, and what is said to people', () => {
    for (const text of [
      'if (!this.#ctx.rules.dedup) { x = 1; f(); }',
      'throw new Error(a && b ? c + 1 : "d");',
      'type T = A extends B ? 1 : 2;',
      'this.#note(c, 1, d && e);',
    ])
      expect(changesOf(text)).toEqual([]);
    expect(changesOf('const x = rules.dedup && y > z;')).toEqual([
      'dropped-condition: const x = rules.dedup;',
      'off-by-one: const x = rules.dedup && y >= z;',
      'swapped-comparison: const x = rules.dedup && y <= z;',
    ]);
  });

  it('keep their ids when lines move, and never share one', () => {
    const text = 'function f() { g(1); g(1); }\nfunction h() { g(1); }';
    const ids = (of: string): string[] => mutantsOf('x.ts', of).map(({ id }) => id);
    expect(ids(`\n// more\n${text}`)).toEqual(ids(text));
    expect(new Set(ids(text)).size).toBe(6);
  });
});
