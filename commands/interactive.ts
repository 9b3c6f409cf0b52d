import { BaseCommand } from '../src/cli/base-command.js';
import { MusterError } from '../src/errors.js';
import { unicodeOn } from '../src/render/terminal.js';

export default class InteractiveMode extends BaseCommand<typeof InteractiveMode> {
  static override summary = 'Menus: choose a cluster, see it live, and pick what to do; as `muster` alone.';
  static override description =
    'Every choice shows the command that does it, so that you can type it the next time. Needs a terminal.';
  static override examples = ['<%= config.bin %>', '<%= config.bin %> interactive --cluster shop'];
  // There is no one value that it would print.
  static override enableJsonFlag = false;

  async run(): Promise<void> {
    const { io, flags } = this;
    if (!io.stdin.isTTY || !io.stderr.isTTY || flags['no-input'])
      throw new MusterError(
        'usage',
        'menus need a terminal, and somebody to ask; `muster shell` takes commands from a pipe',
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
