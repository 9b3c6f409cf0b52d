/**
 * Bundled, with a mutant in it, and run by plain node: seeds of the usual scenario, then of each that a variant is biased to, all
 * by the sound rules. Ends with 1 at the first violation, and says where. Arguments: first and last usual seed, seeds a bias.
 */
import { soundRules } from '../../src/core/rules.js';
import { simulate } from '../../src/simulator/run.js';
import { changeOf, variants } from '../../src/simulator/variants.js';

const [first = 1, last = 0, biased = 0] = process.argv.slice(2).map(Number);

async function run(seed: number, name: string, change?: ReturnType<typeof changeOf>): Promise<void> {
  const { verdict, message } = await simulate(seed, soundRules, change);
  if (verdict === 'ok') return;
  process.stdout.write(`seed ${seed}${name}: ${`${message}`.split('\n')[0]}\n`);
  process.exit(1);
}

for (let seed = first; seed <= last; seed++) await run(seed, '');
for (let seed = 1; seed <= biased; seed++)
  for (const variant of variants)
    if (variant.change !== undefined) await run(seed, ` of ${variant.name}`, changeOf(variant));
