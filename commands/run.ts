import { readFile, writeFile } from 'node:fs/promises';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import type { ScenarioReport } from '../src/cli/script/run.js';
import { invalid, MusterError } from '../src/errors.js';
import { unicodeOn } from '../src/render/terminal.js';

export default class Run extends BaseCommand<typeof Run> {
  static override summary = 'Run scenario files: commands with expectations';
  static override description = [
    'Each line is a command without the leading `muster`, quoted as in a shell. "#" starts a comment; the first comment is the title. Other statements:',
    '  expect = 1            assert on the command above: its value, or its output if it has none',
    '                        expect .nodes[id=n1].share = 0.5±0.1, expect exit = 6, expect took < 5s;',
    '                        operators: = != < <= > >= ~ !~ contains;',
    '                        within 5s: rerun the command until the assertion holds',
    '  capture token .token  store a value of the command above in $token',
    '  repeat 100 … end      repeat a block; also repeat 10s … end; $i counts from 1',
    '  background … end      run a block concurrently; wait: wait for it; wait 2s: pause',
    '  cleanup … end         run a block at the end, even after a failure',
    '  use NAME              select the cluster for the commands that follow',
    '  say TEXT              print a line of narration',
    '$RUN is unique per run, for cluster names; $DIR is the folder of the file. The first failed step stops the scenario with its exit code, which is 1 for a failed assertion.',
  ].join('\n');
  static override examples = [
    '<%= config.bin %> run examples/failover.muster',
    '<%= config.bin %> run examples/*.muster --junit report.xml',
    '<%= config.bin %> run transfer.muster --set clients=8 --json',
  ];
  static override complete = { file: 'file', junit: 'file' } as const;
  static override strict = false;
  static override args = {
    file: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'scenario files, or "-" for standard input',
    }),
  };
  static override flags = {
    'keep-going': Flags.boolean({ description: 'continue after a failed step' }),
    junit: Flags.string({ helpValue: 'FILE', description: 'write the results to this file as JUnit XML' }),
    set: Flags.string({
      multiple: true,
      helpValue: 'NAME=VALUE',
      description: 'initial value of a variable; repeat for several',
    }),
  };

  async run(): Promise<ScenarioReport | readonly ScenarioReport[]> {
    const { flags, paint } = this;
    const [{ runScenario }, { scenarioView, scenarioSummary }] = await Promise.all([
      import('../src/cli/script/run.js'),
      import('../src/cli/script/view.js'),
    ]);
    const variables = Object.fromEntries((flags.set ?? []).map(variable));
    const texts = await Promise.all(
      this.argvRest.map(async (file) => ({ file, text: await this.#read(file) })),
    );
    const signal = this.interruptible();
    const columns = this.io.stdout.columns ?? 80;
    const reports: ScenarioReport[] = [];
    for (const { file, text } of texts) {
      const progress = await this.progress(file);
      const view = scenarioView({
        paint,
        unicode: unicodeOn(),
        columns,
        outputs: !flags.quiet,
        out: (line) => this.out(line),
        progress,
      });
      const { program } = this;
      const cluster = flags.cluster ?? null;
      const keepGoing = flags['keep-going'];
      const report = await runScenario({
        program,
        file,
        text,
        cluster,
        keepGoing,
        signal,
        variables,
        view,
      });
      progress.clear();
      this.out(`${scenarioSummary(report, paint)}\n`);
      reports.push(report);
      if (signal.aborted) break;
    }
    if (flags.junit !== undefined) {
      const { junitOf } = await import('../src/cli/script/junit.js');
      await writeFile(flags.junit, junitOf(reports));
    }
    this.exitWith(reports.find(({ ok }) => !ok)?.exit ?? 0);
    return reports.length === 1 ? reports[0]! : reports;
  }

  async #read(file: string): Promise<string> {
    if (file === '-') return (await import('../src/cli/stdin.js')).readAll(this.io.stdin);
    try {
      return await readFile(file, 'utf8');
    } catch (cause) {
      throw new MusterError('usage', `cannot read ${file}: ${(cause as Error).message}`, { cause });
    }
  }
}

function variable(text: string): [string, string] {
  const found = /^([A-Za-z_]\w*)=(.*)$/s.exec(text);
  if (!found) throw invalid('variable', text, 'NAME=VALUE');
  return [found[1]!, found[2]!];
}
