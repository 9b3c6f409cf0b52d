import { BaseCommand } from '../src/cli/base-command.js';
import { MusterError } from '../src/errors.js';
import { unicodeOn } from '../src/render/terminal.js';

export default class InteractiveMode extends BaseCommand<typeof InteractiveMode> {
  static override summary = 'Open interactive menus, as `muster` does on a terminal';
  static override description =
    'Shows a cluster live and offers the actions that apply to it. Every choice prints the command that it runs. Needs a terminal.';
  static override examples = ['<%= config.bin %>', '<%= config.bin %> interactive --cluster shop'];
  // It prints no single value.
  static override enableJsonFlag = false;

  async run(): Promise<void> {
    const { io, flags } = this;
    if (!io.stdin.isTTY || !io.stderr.isTTY || flags['no-input'])
      throw new MusterError(
        'usage',
        'menus need a terminal and input: use `muster shell` to run commands from a pipe',
      );
    const [{ runInteractive }, { valuesOf }] = await Promise.all([
      import('../src/cli/interactive/loop.js'),
      import('../src/cli/completion/value-source.js'),
    ]);
    const code = await runInteractive({
      program: this.program,
      streams: io,
      cluster: flags.cluster ?? null,
      paint: this.paint,
      unicode: unicodeOn(),
      values: valuesOf(io),
      takeSignals: (handler) => this.takeSignals(handler),
    });
    this.exitWith(code);
  }
}
