import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { clusterFlag, countFlag } from '../src/cli/flags.js';
import type { ShellSetting } from '../src/cli/shell/text.js';
import { unicodeOn } from '../src/render/terminal.js';

export default class Shell extends BaseCommand<typeof Shell> {
  static override summary = 'Run commands line by line, in one process over one connection';
  static override description = [
    'Commands are written without the leading `muster`, quoted as in a shell; ";" separates several on a line, and "#" starts a comment. `use NAME` selects the cluster, and `capture NAME` stores the value of the command above in $NAME. `expect`, `repeat`, `background` and `wait` work as in `muster run`.',
    'On a terminal the shell has history and Tab completion; Ctrl-C stops the running command, and Ctrl-D exits. With a pipe or -c it never prompts, and the first failed command ends it with that exit code.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> shell',
    `<%= config.bin %> shell -c 'counter incr hits; counter get hits'`,
    '<%= config.bin %> shell --keep-going < commands.txt',
    '<%= config.bin %> shell --pipeline 32 < increments.txt',
  ];
  // It prints no single value.
  static override enableJsonFlag = false;
  static override flags = {
    // Without the short form: -c is --command here.
    cluster: Flags.string(clusterFlag),
    command: Flags.string({ char: 'c', helpValue: 'COMMANDS', description: 'run these commands, then exit' }),
    pipeline: countFlag({
      default: 1,
      description:
        'with a pipe or -c: maximum concurrent commands; output stays in order, and a failure stops only commands that have not started',
    }),
    'keep-going': Flags.boolean({
      description: 'continue after a failed command; the first failure sets the exit code',
    }),
  };

  async run(): Promise<void> {
    const { flags, io } = this;
    const setting: ShellSetting = { program: this.program, streams: io, cluster: flags.cluster ?? null };
    const given = flags.command;
    if (given === undefined && io.stdin.isTTY && io.stdout.isTTY && !flags['no-input']) {
      const { runTerminal } = await import('../src/cli/shell/terminal.js');
      const code = await runTerminal({
        ...setting,
        paint: this.paint,
        unicode: unicodeOn(),
        takeSignals: (handler) => this.takeSignals(handler),
        warn: this.caution,
      });
      this.exitWith(code);
      return;
    }
    const { runText } = await import('../src/cli/shell/text.js');
    const options = {
      keepGoing: flags['keep-going'],
      pipeline: flags.pipeline ?? 1,
      signal: this.interruptible(),
    };
    this.exitWith(await runText(setting, given ?? null, options));
  }
}
