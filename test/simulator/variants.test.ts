import { expect, test, vi } from 'vitest';
import { type Rules, soundRules } from '../../src/core/rules.js';
import { simulate } from '../../src/simulator/run.js';
import { changeOf, variants } from '../../src/simulator/variants.js';

/** The runner wants to hear from its worker now and then. */
const breathe = (): Promise<void> => new Promise((resume) => setImmediate(resume));

vi.setConfig({ testTimeout: 300_000 });

for (const variant of variants) {
  test(`${variant.name} is caught within ${variant.within} seeds (${variant.story})`, async () => {
    const first = variant.from ?? 1;
    for (let seed = first; seed < first + variant.within; seed++) {
      const report = await simulate(seed, variant.rules, changeOf(variant));
      if (report.verdict === 'ok') {
        await breathe();
        continue;
      }
      expect(report.message).toMatch(/^invariant \d+: /);
      expect(report.trace.length).toBeGreaterThan(0);
      return;
    }
    throw new Error(`${variant.name} went unnoticed in ${variant.within} seeds`);
  });
}

test('every rule that can be broken is broken by a variant, and by one alone', () => {
  const broken = variants.map(({ rules }) =>
    (Object.keys(soundRules) as (keyof Rules)[]).filter((rule) => !rules[rule]),
  );
  expect(broken.every((rules) => rules.length === 1)).toBe(true);
  expect(broken.flat().sort()).toEqual(Object.keys(soundRules).sort());
});
