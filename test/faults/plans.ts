import fc from 'fast-check';
import { type FaultPlan, type FaultSpec, noFaults, withFault } from '../../src/faults/plan.js';
import { parseFault } from '../../src/faults/words.js';
import { limits } from '../../src/limits.js';

export const nodes = ['n1', 'n2', 'n3', 'n4', 'n5'];

/** A plan of the faults that these lines of words make. */
export const planOf = (...lines: string[]): FaultPlan =>
  lines.reduce((plan, line) => withFault(plan, parseFault(line.split(' '), nodes)), noFaults);

const links = fc
  .shuffledSubarray(nodes, { minLength: 1, maxLength: 2 })
  .map((some) => some as unknown as readonly [string]);

/** Two or more groups of some of the nodes. */
const groups = fc
  .tuple(fc.shuffledSubarray(nodes, { minLength: 2 }), fc.integer({ min: 2, max: 5 }))
  .map(([some, count]) => {
    const size = Math.min(count, some.length);
    const made = Array.from({ length: size }, (_, group) => some.filter((_id, i) => i % size === group));
    return made;
  });

/** Every kind of fault. */
export const specs: fc.Arbitrary<FaultSpec> = fc.oneof(
  fc.record({ kind: fc.constant('netsplit' as const), groups, oneWay: fc.boolean() }),
  fc
    .tuple(
      links,
      fc.integer({ min: 0, max: limits.faultDelayMs }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    )
    .map(([on, delayMs, part]) => ({
      kind: 'delay' as const,
      links: on,
      delayMs,
      jitterMs: Math.floor(delayMs * part),
    })),
  fc.record({
    kind: fc.constant('drop' as const),
    links,
    probability: fc.integer({ min: 0, max: 10_000 }).map((n) => n / 100 / 100),
  }),
);
