import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  describeFault,
  type FaultPlan,
  type FaultSpec,
  faultRows,
  linkOf,
  noFaults,
  soundLink,
  withFault,
  withoutFaults,
} from '../../src/faults/plan.js';
import { validatePlan } from '../../src/faults/validate.js';
import { parseFault } from '../../src/faults/words.js';
import { limits } from '../../src/limits.js';
import { impurities, root } from '../ladder/ladder.js';
import { nodes, planOf, specs } from './plans.js';

const cuts = (plan: FaultPlan): string[] =>
  nodes.flatMap((from) => nodes.filter((to) => linkOf(plan, from, to).cut).map((to) => `${from}>${to}`));

describe('a fault plan', () => {
  it('cuts what passes between two groups of a netsplit, and nothing within one or to a node that is in none', () => {
    expect(cuts(planOf('netsplit n1,n2/n3,n4'))).toEqual([
      'n1>n3',
      'n1>n4',
      'n2>n3',
      'n2>n4',
      'n3>n1',
      'n3>n2',
      'n4>n1',
      'n4>n2',
    ]);
  });

  it('cuts one way only what the first group sends to the others', () => {
    expect(cuts(planOf('netsplit n2/n3/n1,n4 --one-way'))).toEqual(['n2>n1', 'n2>n3', 'n2>n4']);
  });

  it('delays and drops on every link of a node, or on the one between two, in both directions', () => {
    const plan = planOf('delay n1 50ms±20ms', 'drop n2-n3 5%');
    const slow = { ...soundLink, delayMs: 50, jitterMs: 20 };
    const leaky = { ...soundLink, drop: 0.05 };
    expect([linkOf(plan, 'n1', 'n4'), linkOf(plan, 'n4', 'n1')]).toEqual([slow, slow]);
    expect([linkOf(plan, 'n2', 'n3'), linkOf(plan, 'n3', 'n2')]).toEqual([leaky, leaky]);
    expect([linkOf(plan, 'n2', 'n4'), linkOf(plan, 'n3', 'n5')]).toEqual([soundLink, soundLink]);
  });

  it('adds delays up, and lets each drop take its share of what the others left', () => {
    const plan = planOf('delay n1 50ms±20ms', 'delay n2 5ms', 'drop n1 50%', 'drop n1-n2 50%');
    expect(linkOf(plan, 'n1', 'n2')).toEqual({ cut: false, delayMs: 55, jitterMs: 20, drop: 0.75 });
  });

  it('never harms a node’s link to itself, nor anything when it is empty', () => {
    fc.assert(
      fc.property(fc.array(specs, { maxLength: 8 }), fc.constantFrom(...nodes), (faults, node) => {
        expect(linkOf(faults.reduce(withFault, noFaults), node, node)).toEqual(soundLink);
      }),
    );
    expect(linkOf(noFaults, 'n1', 'n2')).toEqual(soundLink);
  });

  it('makes of any faults a link whose messages arrive after they were sent and are lost with a probability', () => {
    fc.assert(
      fc.property(fc.array(specs, { maxLength: 8 }), (faults) => {
        const { delayMs, jitterMs, drop } = linkOf(faults.reduce(withFault, noFaults), 'n1', 'n2');
        expect(jitterMs).toBeLessThanOrEqual(delayMs);
        expect(drop).toBeGreaterThanOrEqual(0);
        expect(drop).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('gets a newer revision with every change, and gives no id twice', () => {
    const first = planOf('drop n1 1%', 'drop n2 2%');
    const healed = withoutFaults(first, ['f2']);
    const next = withFault(healed, parseFault(['drop', 'n3', '3%'], nodes));
    expect(faultRows(next).map(({ id, text }) => [id, text])).toEqual([
      ['f1', 'drop n1 1%'],
      ['f4', 'drop n3 3%'],
    ]);
    expect([first, healed, next, withoutFaults(next, 'all')].map(({ revision }) => revision)).toEqual([
      2, 3, 4, 5,
    ]);
    expect(withoutFaults(next, 'all').faults).toEqual([]);
  });

  it('refuses to heal what it does not have, and more faults than its bound', () => {
    expect(() => withoutFaults(planOf('drop n1 1%'), ['f1', 'f7'])).toThrow(
      expect.objectContaining({ code: 'usage', message: 'invalid fault "f7": expected f1' }),
    );
    const full = planOf(...Array.from({ length: limits.faults }, () => 'drop n1 1%'));
    expect(() => withFault(full, full.faults[0]!)).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  it('knows no clock, no die and no process', { timeout: 60_000 }, () => {
    const files = ['plan', 'validate', 'words'].map((name) => `src/faults/${name}.ts`);
    const texts = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
    expect(impurities(texts)).toEqual([]);
  });
});

describe('the words of a fault', () => {
  const parse = (words: string): FaultSpec => parseFault(words.split(' '), nodes);

  it('make it, and are what describes it', () => {
    fc.assert(
      fc.property(specs, (spec) => {
        expect(parse(describeFault(spec))).toEqual(spec);
      }),
    );
  });

  it.each([
    ['delay n1 1.5s', { kind: 'delay', links: ['n1'], delayMs: 1500, jitterMs: 0 }],
    ['delay n1-n2 50ms+-20ms', { kind: 'delay', links: ['n1', 'n2'], delayMs: 50, jitterMs: 20 }],
    ['delay n1 1m ± 2s', { kind: 'delay', links: ['n1'], delayMs: 60_000, jitterMs: 2000 }],
    ['drop n1 100%', { kind: 'drop', links: ['n1'], probability: 1 }],
  ])('may be written as `%s`', (words, spec) => {
    expect(parse(words)).toEqual(spec);
  });

  it('take a dash that is part of a name for what it is', () => {
    const named = ['a', 'b', 'a-b', 'b-c', 'c'];
    const links = (text: string) => parseFault(['drop', text, '1%'], named);
    expect(links('a-b')).toMatchObject({ links: ['a-b'] });
    expect(links('a-c')).toMatchObject({ links: ['a', 'c'] });
    expect(links('a-b-b')).toMatchObject({ links: ['a-b', 'b'] });
    expect(() => links('a-b-c')).toThrow(/one pair of nodes, not both a–b-c and a-b–c/);
  });

  it.each([
    ['netsplit n1,n2', 'usage', 'at least two groups of nodes'],
    ['netsplit n1/n1', 'usage', 'n1 is listed twice'],
    ['netsplit n1,n2/n2,n3', 'usage', 'n2 is listed twice'],
    ['netsplit n1/n9', 'unknown-node', 'unknown node "n9": the nodes are n1, n2, n3, n4, n5'],
    ['netsplit n1//n2', 'usage', 'expected groups of nodes such as n1,n2/n3'],
    ['netsplit', 'usage', 'expected groups of nodes such as n1,n2/n3'],
    ['netsplit n1/n2 --two-way', 'usage', '--two-way'],
    ['delay n1 -5ms', 'usage', 'from 0 to 10m'],
    ['delay n1 -0.4ms', 'usage', 'from 0 to 10m'],
    ['delay n1 5ms±-1ms', 'usage', 'from 0 to 10m'],
    ['delay n1 10.1m', 'usage', 'from 0 to 10m'],
    ['delay n1 5ms±6ms', 'usage', 'a jitter (after ±) no larger than the delay'],
    ['delay n1 5', 'usage', 'a duration such as 50ms'],
    ['delay n1 5ms±', 'usage', 'a duration such as 50ms'],
    ['delay n1', 'usage', 'a duration such as 50ms'],
    ['delay n1-n9 5ms', 'unknown-node', '"n9"'],
    ['delay n9 5ms', 'unknown-node', '"n9"'],
    ['delay n1-n1 5ms', 'usage', 'two different nodes'],
    ['delay n1- 5ms', 'unknown-node', '""'],
    ['drop n1 101%', 'usage', 'from 0% to 100%'],
    ['drop n1 -1%', 'usage', 'from 0% to 100%'],
    ['drop n1 5', 'usage', 'a percentage such as 5%'],
    ['drop n1 half', 'usage', 'a percentage such as 5%'],
    ['cut n1', 'usage', 'invalid fault "cut": expected netsplit, delay, drop or arm'],
  ])('are refused when they are `%s`', (words, code, message) => {
    expect(() => parse(words)).toThrow(
      expect.objectContaining({ code, exit: 2, tookEffect: 'no', message: expect.stringContaining(message) }),
    );
  });
});

describe('a fault plan as JSON', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(fc.array(specs, { maxLength: 8 }), (faults) => {
        const plan = faults.reduce(withFault, noFaults);
        expect(validatePlan(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
      }),
    );
  });

  const drop = { id: 'f1', kind: 'drop', links: ['n1'], probability: 0.5 };
  const delay = { id: 'f1', kind: 'delay', links: ['n1'], delayMs: 5, jitterMs: 5 };
  const netsplit = { id: 'f1', kind: 'netsplit', groups: [['n1'], ['n2']], oneWay: false };
  const of = (...faults: unknown[]) => ({ format: 1, revision: 1, faults });

  it('is taken as these tests write it', () => {
    for (const fault of [drop, delay, netsplit]) expect(validatePlan(of(fault)).faults).toEqual([fault]);
  });

  it.each([
    ['no object', null],
    ['a list', []],
    ['another format', { format: 2, revision: 1, faults: [] }],
    ['a revision below 0', { format: 1, revision: -1, faults: [] }],
    ['no faults', { format: 1, revision: 1 }],
    ['a field nobody knows', { format: 1, revision: 1, faults: [], more: 1 }],
    [
      'too many faults',
      of(...Array.from({ length: limits.faults + 1 }, (_, i) => ({ ...drop, id: `f${i + 1}` }))),
    ],
    ['an id twice', of(drop, drop)],
    ['an id of another kind', of({ ...drop, id: 'x' })],
    ['a kind nobody knows', of({ ...drop, kind: 'failpoint' })],
    ['a field of a fault that nobody knows', of({ ...drop, oneWay: true })],
    ['a probability above 1', of({ ...drop, probability: 1.5 })],
    ['a probability that is no number', of({ ...drop, probability: null })],
    ['a link of three', of({ ...drop, links: ['n1', 'n2', 'n3'] })],
    ['a node that would speak to the terminal', of({ ...drop, links: ['n1\u001b[2J'] })],
    ['a link of a node to itself', of({ ...drop, links: ['n1', 'n1'] })],
    ['a negative delay', of({ ...delay, delayMs: -1, jitterMs: 0 })],
    ['a delay beyond the bound', of({ ...delay, delayMs: limits.faultDelayMs + 1 })],
    ['a jitter beyond the delay', of({ ...delay, jitterMs: 6 })],
    ['one group', of({ ...netsplit, groups: [['n1']] })],
    ['an empty group', of({ ...netsplit, groups: [['n1'], []] })],
    ['a node in two groups', of({ ...netsplit, groups: [['n1'], ['n2', 'n1']] })],
    ['a direction that is none', of({ ...netsplit, oneWay: 'yes' })],
  ])('is refused with %s', (_, value) => {
    expect(() => validatePlan(value)).toThrow(
      expect.objectContaining({ code: 'faults-corrupt', tookEffect: 'no' }),
    );
  });

  it('is refused or sound, whatever it holds', () => {
    const fields = fc.record(
      {
        id: fc.constantFrom('f1', 'f2', 1),
        kind: fc.constantFrom('netsplit', 'delay', 'drop', 'x'),
        links: fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constant(['n1', 'n2'])),
        groups: fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constant([['n1'], ['n2']])),
        oneWay: fc.oneof(fc.boolean(), fc.jsonValue()),
        delayMs: fc.oneof(fc.double(), fc.jsonValue()),
        jitterMs: fc.oneof(fc.double(), fc.jsonValue()),
        probability: fc.oneof(fc.double(), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(fields, fc.jsonValue())), (faults) => {
        try {
          const plan = validatePlan({ format: 1, revision: 1, faults });
          expect(validatePlan(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
        } catch (error) {
          expect(error).toMatchObject({ code: 'faults-corrupt' });
        }
      }),
    );
  });
});
