import { readFile, writeFile } from 'node:fs/promises';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import type { ScenarioReport } from '../src/cli/script/run.js';
import { MusterError } from '../src/errors.js';
import { unicodeOn } from '../src/render/terminal.js';

export default class Run extends BaseCommand<typeof Run> {
  static override summary = 'Runs scenarios: files of commands, with what is expected of them.';
  static override description = [
    'A line is a command without `muster` before it, quoted as in a shell; "#" begins a comment, and the first one is the title. The other words:',
    '  expect = 1            what must be so of the command above: its value, or what it printed;',
    '                        expect .nodes[id=n1].share = 0.5±0.1, expect exit = 6, expect took < 5s,',
    '                        with = != < <= > >= ~ !~ contains; `within 5s` runs it again until it is so',
    '  keep token .token     keeps a value of the command above as $token',
    '  repeat 100 … end      or repeat 10s … end; $i counts from 1',
    '  background … end      goes on beside what follows; `wait` waits for it; wait 2s just waits',
    '  finally … end         runs at the end, whatever happens',
    '  use NAME              the cluster that commands are for; say TEXT tells the story',
    '$RUN is another word in every run, for names of clusters; $DIR is the folder of the file. The first step that fails ends it, with its exit code; 1 when an expectation is missed.',
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
      description: 'Scenarios, or "-" for standard input.',
    }),
  };
  static override flags = {
    'keep-going': Flags.boolean({ description: 'Go on after a step that fails.' }),
    junit: Flags.string({ helpValue: 'FILE', description: 'Write what came of it as JUnit XML.' }),
    set: Flags.string({ multiple: true, helpValue: 'NAME=VALUE', description: 'A variable to begin with.' }),
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
      throw new MusterError('usage', `"${file}" cannot be read: ${(cause as Error).message}`, { cause });
    }
  }
}

function variable(text: string): [string, string] {
  const found = /^([A-Za-z_]\w*)=(.*)$/s.exec(text);
  if (!found) throw new MusterError('usage', `"${text}" is no variable: write it like NAME=VALUE`);
  return [found[1]!, found[2]!];
}
