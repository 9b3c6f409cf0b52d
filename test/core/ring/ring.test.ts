import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashKey } from '../../../src/core/ring/hash.js';
import { Ring, type RingMember } from '../../../src/core/ring/ring.js';
import { MusterError } from '../../../src/errors.js';

const equal = (n: number): RingMember[] =>
  Array.from({ length: n }, (_, i) => ({ id: `n${i + 1}`, weight: 1 }));
const keys = Array.from({ length: 20_000 }, (_, i) => `key:${i}`);

const anyMembers = fc.uniqueArray(
  fc.record({ id: fc.string({ minLength: 1 }), weight: fc.integer({ min: 1, max: 8 }) }),
  {
    selector: (m) => m.id,
    minLength: 1,
    maxLength: 20,
  },
);

describe('the ring', () => {
  it('is the same in whatever order its members are given', () => {
    fc.assert(
      fc.property(
        anyMembers.chain((members) =>
          fc.tuple(fc.constant(members), fc.shuffledSubarray(members, { minLength: members.length })),
        ),
        fc.array(fc.string(), { maxLength: 50 }),
        ([members, shuffled], some) => {
          const one = new Ring(members, { points: 16 });
          const other = new Ring(shuffled, { points: 16 });
          for (const key of some) expect(other.ownerOf(key)).toBe(one.ownerOf(key));
        },
      ),
    );
  });

  it('finds the same owner as a search through all points', () => {
    fc.assert(
      fc.property(
        anyMembers,
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.string(), { maxLength: 40 }),
        (members, points, some) => {
          const ring = new Ring(members, { points });
          for (const key of some) {
            const [first] = ring.walk(hashKey(key));
            expect(ring.ownerOf(key)).toBe(first);
          }
          for (const hash of [0, 1, 2 ** 31, 2 ** 32 - 1]) {
            const at = ring.indexAt(hash);
            if (at > 0)
              expect(ring.indexAt(hash)).toBeGreaterThanOrEqual(ring.indexAt(Math.max(0, hash - 1)));
            expect(at).toBeLessThanOrEqual(ring.size);
          }
        },
      ),
    );
  });

  it('walks past every member exactly once', () => {
    fc.assert(
      fc.property(anyMembers, fc.integer({ min: 0, max: 2 ** 32 - 1 }), (members, hash) => {
        const walked = [...new Ring(members, { points: 8 }).walk(hash)];
        expect(walked.length).toBe(members.length);
        expect(new Set(walked)).toEqual(new Set(members.map((m) => m.id)));
      }),
    );
  });

  it('moves only the keys of a member that leaves, and only to a member that joins', () => {
    const ten = new Ring(equal(10));
    const nine = new Ring(equal(10).slice(1));
    let moved = 0;
    for (const key of keys) {
      if (ten.ownerOf(key) === 'n1') moved += 1;
      else expect(nine.ownerOf(key)).toBe(ten.ownerOf(key));
    }
    expect(moved / keys.length).toBeGreaterThan(0.08);
    expect(moved / keys.length).toBeLessThan(0.12);
  });

  it('sends each key of a lost member to the next one of its walk', () => {
    const ten = new Ring(equal(10));
    const nine = new Ring(equal(10).slice(1));
    for (const key of keys.slice(0, 2000)) {
      const [first, second] = ten.walk(hashKey(key));
      expect(nine.ownerOf(key)).toBe(first === 'n1' ? second : first);
    }
  });

  it('gives shares by weight', () => {
    const shares = new Ring([
      { id: 'small', weight: 1 },
      { id: 'big', weight: 3 },
      { id: 'none', weight: 0 },
    ]).shares();
    expect(shares.get('big')).toBeGreaterThan(0.7);
    expect(shares.get('big')).toBeLessThan(0.8);
    expect(shares.has('none')).toBe(false);
    expect([...shares.values()].reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  });

  it('keeps the fullest of ten members within 15 % of the mean', () => {
    expect(Math.max(...new Ring(equal(10)).shares().values()) * 10).toBeLessThan(1.15);
  });

  it('refuses what cannot be a ring', () => {
    const bad: RingMember[][] = [
      [],
      [{ id: 'a', weight: 0 }],
      [{ id: 'a', weight: -1 }],
      [{ id: 'a', weight: Number.NaN }],
      [...equal(2), { id: 'n1', weight: 2 }],
    ];
    for (const members of bad) expect(() => new Ring(members)).toThrow(MusterError);
  });
});
