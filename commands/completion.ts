import * as Args from '@oclif/core/args';
import { BaseCommand } from '../src/cli/base-command.js';
import { completionScripts, installLines, type Shell, shells } from '../src/cli/completion/scripts.js';
import { MusterError } from '../src/errors.js';
import { didYouMean } from '../src/text/nearest.js';

export default class Completion extends BaseCommand<typeof Completion> {
  static override summary = 'Prints what makes Tab complete commands, flags and values in bash, zsh or fish.';
  static override description =
    'Nodes, keys, counters, locks and transactions are those of the cluster that is meant, as far as it answers within 300 ms (MUSTER_TAB_TIMEOUT). So that a shell always has it:\n\n' +
    shells.map((shell) => `  ${shell.padEnd(6)}${installLines[shell]}`).join('\n');
  static override examples = shells.map((shell) => `<%= config.bin %> completion ${shell}`);
  static override args = {
    shell: Args.string({
      ignoreStdin: true,
      description: `${shells.join(', ')}; left out: the one of $SHELL.`,
    }),
  };
  static override complete = { shell: 'shell' } as const;

  async run(): Promise<{ shell: Shell; script: string }> {
    const shell = shellOf(this.args.shell, process.env.SHELL);
    const script = completionScripts[shell];
    this.out(script);
    if (this.io.stdout.isTTY) this.note(`\nThis is for the shell to read: ${installLines[shell]}`);
    return { shell, script };
  }
}

/** The shell that is named, else that of the environment. Throws `usage`. */
function shellOf(named: string | undefined, environment = ''): Shell {
  const name = named ?? environment.slice(environment.lastIndexOf('/') + 1);
  const found = shells.find((shell) => shell === name);
  if (found !== undefined) return found;
  const what =
    named === undefined
      ? `say for which shell: ${shells.join(', ')}`
      : `there is no completion for "${named}"; there is for ${shells.join(', ')}${didYouMean(named, shells)}`;
  throw new MusterError('usage', what, { details: { command: 'completion' } });
}
