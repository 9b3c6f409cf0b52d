import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TurnoverMap, TurnoverSet } from '../../src/util/turnover.js';

const step = fc.oneof(
  fc.record({ do: fc.constant('set' as const), key: fc.nat(30), value: fc.nat() }),
  fc.record({ do: fc.constant('delete' as const), key: fc.nat(30) }),
  // Enough at once for its table to be exchanged.
  fc.record({ do: fc.constant('turn over' as const), times: fc.integer({ min: 900, max: 1200 }) }),
  fc.record({ do: fc.constant('clear' as const) }),
);

describe('a map for what comes and goes', () => {
  it('is a Map, in its order too', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const model = new Map<number, number>();
        const map = new TurnoverMap<number, number>();
        for (const one of steps) {
          if (one.do === 'set') {
            model.set(one.key, one.value);
            map.set(one.key, one.value);
          } else if (one.do === 'delete') expect(map.delete(one.key)).toBe(model.delete(one.key));
          else if (one.do === 'clear') {
            model.clear();
            map.clear();
          } else
            for (let i = 0; i < one.times; i++) {
              map.set(-1 - i, i);
              map.delete(-1 - i);
            }
          expect([...map]).toEqual([...model]);
          expect(map.size).toBe(model.size);
        }
        expect([...map.keys()]).toEqual([...model.keys()]);
        expect([...map.values()]).toEqual([...model.values()]);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps the place of whoever deletes what it iterates over', () => {
    const map = new TurnoverMap(Array.from({ length: 3000 }, (_, i) => [i, i] as const));
    const seen: number[] = [];
    for (const [key] of map) {
      seen.push(key);
      map.delete(key);
      map.delete(key + 1);
    }
    expect(seen).toEqual(Array.from({ length: 1500 }, (_, i) => 2 * i));
    expect(map.size).toBe(0);
  });

  it('comes as a set, too', () => {
    const set = new TurnoverSet<string>();
    for (let i = 0; i < 5000; i++) {
      set.add(`${i}`);
      if (i >= 10) expect(set.delete(`${i - 10}`)).toBe(true);
    }
    expect([...set]).toEqual(Array.from({ length: 10 }, (_, i) => `${4990 + i}`));
    expect([set.size, set.has('4990'), set.has('4989'), set.delete('4989')]).toEqual([
      10,
      true,
      false,
      false,
    ]);
    set.clear();
    expect(set.size).toBe(0);
  });
});
