/**
 * Mutation score: makes small changes to `src/core`, `src/storage` and `src/metastore`, one at a time, and counts how many of them
 * the simulator and the unit tests notice. `npm run mutate -- --sample 200 --seed 1`; ends with 1 below `--least`.
 */
import { parseArgs } from 'node:util';
import { Random } from '../src/core/random.js';
import { Compiler } from './mutate/compiles.js';
import { equivalent } from './mutate/equivalent.js';
import { Judge, type Verdict } from './mutate/judge.js';
import type { Mutant } from './mutate/operators.js';
import { allMutants } from './mutate/sources.js';

const { values } = parseArgs({
  options: {
    sample: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    least: { type: 'string', default: '95' },
    only: { type: 'string' },
    mutant: { type: 'string', multiple: true },
    seeds: { type: 'string', default: '150' },
    quick: { type: 'string', default: '20' },
    biased: { type: 'string', default: '4' },
    minutes: { type: 'string' },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    stale: { type: 'boolean', default: false },
  },
});

const print = (line: string): void => {
  (values.json ? process.stderr : process.stdout).write(`${line}\n`);
};

const oneLine = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 100 ? `${line.slice(0, 97)}...` : line;
};

const shown = ({ id, file, line, operator, before, after }: Mutant): string =>
  `${id} ${file}:${line} ${operator}: ${oneLine(before)} → ${oneLine(after)}`;

const all = allMutants(values.only ?? null);

/** Draws without replacement, what compiles and is not known to change nothing. */
function* drawn(): Generator<Mutant> {
  const compiler = new Compiler();
  if (values.mutant !== undefined) {
    const wanted = values.mutant;
    yield* all.filter(({ id }) => wanted.includes(id));
    return;
  }
  const random = new Random(Number(values.seed));
  const left = all.filter(({ id }) => equivalent[id] === undefined);
  let more = Number(values.sample);
  while (more > 0 && left.length > 0) {
    const at = random.below(left.length);
    const mutant = left[at] as Mutant;
    left[at] = left[left.length - 1] as Mutant;
    left.pop();
    if (!compiler.accepts(mutant)) continue;
    more--;
    yield mutant;
  }
}

async function main(): Promise<number> {
  if (values.list) {
    for (const mutant of all) print(shown(mutant));
    return 0;
  }
  if (values.stale) {
    const known = new Set(allMutants(null).map(({ id }) => id));
    for (const [id, [change]] of Object.entries(equivalent)) if (!known.has(id)) print(`${id} ${change}`);
    return 0;
  }
  const judge = new Judge({
    seeds: Number(values.seeds),
    quick: Number(values.quick),
    biased: Number(values.biased),
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
  process.on('exit', () => judge.end());
  const until =
    values.minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + 60_000 * Number(values.minutes);
  const judged: (Mutant & { verdict: Verdict })[] = [];
  const chosen = values.mutant;
  const mutated = chosen === undefined ? all : all.filter(({ id }) => chosen.includes(id));
  await judge.start(new Set(mutated.map(({ file }) => file)));
  for (const mutant of drawn()) {
    if (Date.now() >= until) break;
    const verdict = await judge.judge(mutant);
    judged.push({ ...mutant, verdict });
    const { by, how, ms } = verdict;
    const end = by === null ? 'SURVIVED' : `killed by ${by}`;
    print(
      `${judged.length} ${end} in ${(ms / 1000).toFixed(1)} s: ${shown(mutant)}${how === '' ? '' : ` (${oneLine(how)})`}`,
    );
  }
  await judge.confirmSound();
  judge.end();
  const survivors = judged.filter(({ verdict }) => verdict.by === null);
  const killed = judged.length - survivors.length;
  const score = judged.length === 0 ? 0 : (100 * killed) / judged.length;
  const by = (killer: Verdict['by']): number => judged.filter(({ verdict }) => verdict.by === killer).length;
  print(
    `score ${score.toFixed(1)} %: ${killed} of ${judged.length} killed (${by('simulator')} by the simulator, ${by('tests')} by tests, ` +
      `${by('time limit')} by the time limit); ${all.length} mutants in all, ${Object.keys(equivalent).length} known to be equivalent`,
  );
  for (const operator of new Set(judged.map((mutant) => mutant.operator))) {
    const of = judged.filter((mutant) => mutant.operator === operator);
    print(`${operator}: ${of.filter(({ verdict }) => verdict.by !== null).length} of ${of.length} killed`);
  }
  for (const survivor of survivors) print(`survived: ${shown(survivor)}`);
  if (values.json)
    process.stdout.write(
      `${JSON.stringify({ score, killed, judged: judged.length, mutants: judged }, null, 2)}\n`,
    );
  return score >= Number(values.least) ? 0 : 1;
}

process.exitCode = await main();
