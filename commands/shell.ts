import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { clusterFlag, countFlag } from '../src/cli/flags.js';
import type { ShellSetting } from '../src/cli/shell/text.js';
import { unicodeOn } from '../src/render/terminal.js';

export default class Shell extends BaseCommand<typeof Shell> {
  static override summary = 'Takes commands line by line, over one connection and in one process.';
  static override description = [
    'The same words as on the command line, without `muster` before them: quoted as in a shell, several on a line with ";", comments after "#". `use NAME` names the cluster that commands are for; `keep NAME` keeps what the command above came to as $NAME; `expect`, `repeat`, `background` and `wait` are those of `muster run`.',
    'On a terminal it keeps its history, completes with Tab, Ctrl-C ends the command that runs and Ctrl-D leaves. From a pipe, or with -c, nothing is asked, and the first command that fails ends it with its exit code.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> shell',
    `<%= config.bin %> shell -c 'counter incr hits; counter get hits'`,
    '<%= config.bin %> shell --keep-going < commands.txt',
    '<%= config.bin %> shell --pipeline 32 < increments.txt',
  ];
  // There is no one value that it would print.
  static override enableJsonFlag = false;
  static override flags = {
    // Without its letter: "-c" says what to run here.
    cluster: Flags.string(clusterFlag),
    command: Flags.string({ char: 'c', helpValue: 'COMMANDS', description: 'Run these, and nothing else.' }),
    pipeline: countFlag({
      default: 1,
      description:
        'From a pipe or with -c: how many commands are under way at once. They are shown in order; what fails stops only those not begun.',
    }),
    'keep-going': Flags.boolean({ description: 'Go on after a command that fails; its exit code stays.' }),
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
