import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { vi } from 'vitest';
import { program } from '../commands/run.js';

/** Is there a tmux? Where there is none these tests cannot be run; CI has one. */
export const hasTmux = spawnSync('tmux', ['-V']).status === 0;
if (!hasTmux) {
  const why = 'tmux is not installed, so what people see on a terminal is NOT tested (apt-get install tmux)';
  if (process.env.CI) throw new Error(why);
  console.warn(`SKIPPED: ${why}`);
}

let terminals = 0;

/** A real terminal, by tmux, with a server of its own. */
export class Terminal {
  readonly #socket: string;

  constructor(
    readonly home: string,
    options: { columns?: number; rows?: number; env?: Readonly<Record<string, string>> } = {},
  ) {
    this.#socket = join(home, `tmux-${terminals++}`);
    const { columns = 80, rows = 24, env = {} } = options;
    const { CI: _, NO_COLOR: __, ...inherited } = process.env;
    const own = {
      ...inherited,
      MUSTER_HOME: home,
      PS1: '$ ',
      LC_ALL: 'C.UTF-8',
      MUSTER_TAB_TIMEOUT: '30s',
      ...env,
    };
    const bash = ['bash', '--norc', '--noprofile'];
    execFileSync(
      'tmux',
      [
        '-S',
        this.#socket,
        '-f',
        '/dev/null',
        'new-session',
        '-d',
        '-s',
        't',
        '-x',
        String(columns),
        '-y',
        String(rows),
        '-c',
        home,
        ...bash,
      ],
      { env: own },
    );
    this.type(`muster() { ${process.execPath} ${program} "$@"; }; clear`);
    this.keys('Enter');
  }

  #tmux(...words: string[]): string {
    return execFileSync('tmux', ['-S', this.#socket, ...words], { encoding: 'utf8' });
  }

  /** Types this, letter by letter. */
  type(text: string): void {
    this.#tmux('send-keys', '-t', 't', '-l', '--', text);
  }

  /** Presses these keys, by tmux's names: Enter, Down, Escape, C-c. */
  keys(...names: string[]): void {
    this.#tmux('send-keys', '-t', 't', ...names);
  }

  /** Runs a command line of bash. */
  run(line: string): void {
    this.type(line);
    this.keys('Enter');
  }

  /** Pastes text, as a terminal does: all at once. */
  paste(text: string): void {
    this.#tmux('set-buffer', '--', text);
    this.#tmux('paste-buffer', '-t', 't');
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-t', 't', '-x', String(columns), '-y', String(rows));
  }

  /** What is on the screen; with `escapes` its colours as well. */
  screen(escapes = false): string {
    return this.#tmux('capture-pane', '-p', '-t', 't', ...(escapes ? ['-e'] : []))
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n')
      .trimEnd();
  }

  /** Waits until the screen shows this. */
  async sees(what: string | RegExp, timeout = 15_000): Promise<string> {
    const shows = (screen: string) => (typeof what === 'string' ? screen.includes(what) : what.test(screen));
    return vi.waitFor(
      () => {
        const screen = this.screen();
        if (shows(screen)) return screen;
        throw new Error(`the screen never showed ${what}:\n${screen}`);
      },
      { timeout, interval: 50 },
    );
  }

  /** Presses a key again and again until the screen shows this: readline takes Tabs that come in one piece for pasted text. */
  async presses(name: string, what: RegExp): Promise<void> {
    await vi.waitFor(
      () => {
        this.keys(name);
        if (!what.test(this.screen()))
          throw new Error(`pressing ${name} never showed ${what}:\n${this.screen()}`);
      },
      { timeout: 15_000, interval: 200 },
    );
  }

  /** Clears the screen when the shell's prompt is back. */
  async clear(): Promise<void> {
    await this.sees(/\n?\$$/);
    this.keys('C-l');
    await this.sees(/^\$$/);
  }

  end(): void {
    spawnSync('tmux', ['-S', this.#socket, 'kill-server']);
  }
}
