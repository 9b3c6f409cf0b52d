import * as Args from '@oclif/core/args';
import { BaseCommand } from '../src/cli/base-command.js';
import { completionScripts, installLines, type Shell, shells } from '../src/cli/completion/scripts.js';
import { invalid, MusterError } from '../src/errors.js';
import { didYouMean, either } from '../src/text/nearest.js';

export default class Completion extends BaseCommand<typeof Completion> {
  static override summary = 'Print a completion script for bash, zsh or fish';
  static override description =
    'Completes commands, flags and values. Names of nodes, keys, counters, locks and transactions come from the current cluster if it answers within 300 ms (or MUSTER_TAB_TIMEOUT). To load it in every shell:\n\n' +
    shells.map((shell) => `  ${shell.padEnd(6)}${installLines[shell]}`).join('\n');
  static override readOnly = true;
  static override examples = shells.map((shell) => `<%= config.bin %> completion ${shell}`);
  static override args = {
    shell: Args.string({
      ignoreStdin: true,
      description: `${either(shells)} (default: from $SHELL)`,
    }),
  };
  static override complete = { shell: 'shell' } as const;

  async run(): Promise<{ shell: Shell; script: string }> {
    const shell = shellOf(this.args.shell, process.env.SHELL);
    const script = completionScripts[shell];
    this.out(script);
    if (this.io.stdout.isTTY) this.note(`\nTo enable completion: ${installLines[shell]}`);
    return { shell, script };
  }
}

/** The shell named by the argument, else by $SHELL. Throws `usage`. */
function shellOf(named: string | undefined, environment = ''): Shell {
  const name = named ?? environment.slice(environment.lastIndexOf('/') + 1);
  const found = shells.find((shell) => shell === name);
  if (found !== undefined) return found;
  const details = { command: 'completion' };
  if (named === undefined)
    throw new MusterError('usage', `unknown shell: name one of ${shells.join(', ')}`, { details });
  throw invalid('shell', named, `${either(shells)}${didYouMean(named, shells)}`, { details });
}
