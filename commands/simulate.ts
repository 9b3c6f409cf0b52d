import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { countFlag } from '../src/cli/flags.js';
import { invalid, type MusterError } from '../src/errors.js';
import type { SimulationReport } from '../src/simulator/run.js';
import { didYouMean } from '../src/text/nearest.js';

function unknownName(flag: 'variant' | 'scenario', name: string, known: readonly string[]): MusterError {
  const details = { command: 'simulate' };
  const expected = `one of those that \`muster simulate --${flag} list\` prints${didYouMean(name, known)}`;
  return invalid(flag, name, expected, { details });
}

export default class Simulate extends BaseCommand<typeof Simulate> {
  static override summary = 'Simulate the replication protocol deterministically, with faults';
  static override description =
    'Runs the production code of the nodes on simulated disks, clocks, network and metastore, in virtual time and under a seed. Invariants are asserted at every step, client histories are checked, and the cluster must recover after the faults heal. On a violation it exits with code 8 and prints the command that replays it.';
  static override readOnly = true;
  static override examples = [
    '<%= config.bin %> simulate --seed 42',
    '<%= config.bin %> simulate --seeds 10000',
    '<%= config.bin %> simulate --seeds 1000 --scenario hosts --coverage',
    '<%= config.bin %> simulate --variant no-dedup --seeds 100',
  ];
  static override complete = { variant: 'variant' } as const;
  static override flags = {
    seed: countFlag({ description: 'first or only seed', defaultHelp: async () => 'random' }),
    seeds: countFlag({
      description: 'number of seeds, counted up from the first',
      defaultHelp: async () => '1',
    }),
    variant: Flags.string({
      helpValue: 'NAME',
      description: 'deliberately broken protocol that the checks must catch; `list` prints all',
    }),
    scenario: Flags.string({
      helpValue: 'NAME',
      description: 'conditions to simulate: usual, core, hosts, long or large; `list` describes them',
      defaultHelp: async () => 'usual',
      exclusive: ['variant'],
    }),
    coverage: Flags.boolean({
      description: 'print how often each rare state, fault and failpoint occurred',
    }),
    trace: Flags.boolean({ description: 'print the last messages even if the run passes' }),
  };

  async run(): Promise<unknown> {
    const [{ simulateMany }, { changeOf, variants }, { isScenario, scenarios }, view] = await Promise.all([
      import('../src/simulator/run.js'),
      import('../src/simulator/variants.js'),
      import('../src/simulator/scenarios.js'),
      import('../src/render/simulation-view.js'),
    ]);
    if (this.flags.variant === 'list') {
      for (const { name, story } of variants) this.out(`${name.padEnd(28)} ${story}\n`);
      return variants.map(({ name, story, within }) => ({ name, story, within }));
    }
    const variant = variants.find(({ name }) => name === this.flags.variant);
    if (this.flags.variant !== undefined && variant === undefined) {
      throw unknownName(
        'variant',
        this.flags.variant,
        variants.map(({ name }) => name),
      );
    }
    const scenario = this.flags.scenario ?? 'usual';
    if (scenario === 'list') {
      for (const [name, { story }] of Object.entries(scenarios)) this.out(`${name.padEnd(8)} ${story}\n`);
      return Object.entries(scenarios).map(([name, { story }]) => ({ name, story }));
    }
    if (!isScenario(scenario)) throw unknownName('scenario', scenario, Object.keys(scenarios));
    const circumstances =
      variant === undefined
        ? { change: scenarios[scenario].of }
        : { rules: variant.rules, change: changeOf(variant) };
    const first = this.flags.seed ?? Math.floor(Math.random() * 2 ** 31);
    const count = this.flags.seeds ?? 1;
    const progress = await this.progress(`seed ${first}`);
    let last: SimulationReport | undefined;
    const totals = await simulateMany(first, count, circumstances, this.interruptible(), (report, done) => {
      last = report;
      progress.update(`${done} of ${count} seeds, last seed ${report.seed}`);
      return report.verdict === 'ok';
    });
    progress.clear();
    const replayFlags =
      variant !== undefined
        ? ` --variant ${variant.name}`
        : scenario === 'usual'
          ? ''
          : ` --scenario ${scenario}`;
    const failed = totals.violations > 0 && last !== undefined ? last : null;
    const shown = failed ?? (count === 1 ? last : undefined);
    if (shown !== undefined) this.out(view.reportText(shown, this.paint, replayFlags));
    if (this.flags.trace && failed === null && shown !== undefined) this.out(`${shown.trace.join('\n')}\n`);
    if (this.flags.coverage) this.out(view.coverageText(totals, this.paint));
    this.out(view.totalsText(totals, this.paint));
    if (failed !== null) this.exitWith(8);
    return { first, ...totals, violation: failed };
  }
}
