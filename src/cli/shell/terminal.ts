import { MusterError } from '../../errors.js';
import { renderError } from '../../render/error.js';
import { forLocale, type Paint } from '../../render/terminal.js';
import type { SignalName } from '../io.js';
import { Interpreter, sourceOf } from '../script/interpreter.js';
import { parseScript, scriptWords } from '../script/steps.js';
import { UnfinishedText } from '../script/words.js';
import { Session } from '../session.js';
import { clusterByDefault, resolveSetting } from '../settings.js';
import { completerOf } from './completer.js';
import { addToHistory, readHistory } from './history.js';
import { LinePrompt } from './prompt.js';
import { problemText, type ShellSetting, shellHost } from './text.js';

export interface TerminalSetting extends ShellSetting {
  readonly paint: Paint;
  readonly unicode: boolean;
  /** Hands over the process's signals. */
  readonly takeSignals: (handler: (name: SignalName) => void) => void;
  readonly warn: (text: string) => void;
}

const intro = 'Tab completes, `help` lists commands, Ctrl-C stops a command, Ctrl-D exits.';

/** `muster shell` with a person: asks for lines and runs them until the person leaves. Resolves to the exit code. */
export async function runTerminal(setting: TerminalSetting): Promise<number> {
  const shell = new TerminalShell(setting);
  setting.takeSignals((name) => shell.signal(name));
  return shell.run();
}

class TerminalShell {
  readonly #session: Session;
  readonly #prompt: LinePrompt;
  readonly #interpreter: Interpreter;
  readonly #history: string[];
  readonly #all = new AbortController();
  #running: AbortController | null = null;
  /** The exit code, once the shell was told to end. */
  #ended: number | null = null;
  #began = false;

  constructor(readonly setting: TerminalSetting) {
    const { streams, program, cluster, warn } = setting;
    this.#session = new Session(program);
    this.#session.cluster = cluster;
    this.#history = readHistory(warn);
    this.#prompt = new LinePrompt(streams, this.#history, completerOf(program, this.#session));
    this.#interpreter = new Interpreter(
      {
        ...shellHost(this.#session, () => streams),
        ended: (_step, _where, report) => void streams.stderr.write(problemText(report)),
      },
      { signal: this.#all.signal },
    );
  }

  signal(name: SignalName): void {
    if (name !== 'SIGINT') {
      this.#ended = name === 'SIGTERM' ? 143 : 129;
      this.#all.abort();
      this.#prompt.leave();
      return;
    }
    // The second Ctrl-C is for what has not ended after the first.
    if (this.#running?.signal.aborted) this.#session.interrupt();
    this.#running?.abort();
  }

  async run(): Promise<number> {
    const { streams, paint, warn } = this.setting;
    streams.stderr.write(`${paint.dim(intro)}\n`);
    let text = '';
    let code = 0;
    while (this.#ended === null) {
      const typed = await this.#prompt.ask(
        text === '' ? this.#ps1() : paint.dim(forLocale('… ', this.setting.unicode)),
      );
      if (typed.kind === 'end') break;
      if (typed.kind === 'dropped') {
        text = '';
        continue;
      }
      // From here on Ctrl-C is a signal again, and for this line.
      const running = new AbortController();
      this.#running = running;
      if (typed.interrupted) running.abort();
      if (typed.text.trim() !== '') {
        this.#history.unshift(typed.text);
        await addToHistory(typed.text, warn);
      }
      text += `${typed.text}\n`;
      const word = text.trim();
      if (word === 'exit' || word === 'quit') break;
      const done = await this.#runText(text, running.signal);
      // Not whole yet: the next line goes on with it.
      if (done === null) continue;
      text = '';
      code = done;
    }
    this.#all.abort();
    await this.#interpreter.close();
    await this.#session.close();
    return this.#ended ?? code;
  }

  /** Runs what was typed. Resolves to its exit code; null: there is more to come. */
  async #runText(text: string, signal: AbortSignal): Promise<number | null> {
    const { streams, program } = this.setting;
    try {
      // Ctrl-C came before anything was begun.
      if (signal.aborted) throw new MusterError('interrupted', 'interrupted', { tookEffect: 'no' });
      if (text.trim() === 'help') {
        streams.stdout.write(forLocale(helpText(Object.keys(program.commands)), this.setting.unicode));
        return 0;
      }
      const steps = parseScript(text, { follows: this.#began });
      this.#began ||= steps.length > 0;
      const failure = await this.#interpreter.steps(sourceOf(steps), signal);
      return failure?.exit ?? 0;
    } catch (error) {
      if (error instanceof UnfinishedText) return null;
      const rendered = renderError(error, 'shell');
      streams.stderr.write(rendered.text);
      return rendered.exit;
    } finally {
      this.#running = null;
    }
  }

  #ps1(): string {
    const { paint, unicode } = this.setting;
    const name = this.#session.cluster ?? resolveSetting('cluster', undefined, () => {})?.value;
    return `${paint.cyan(name ?? clusterByDefault().value)}${unicode ? ' ❯ ' : ' > '}`;
  }
}

/** The commands, a topic a line, and the words that only scripts and the shell have. */
export function helpText(ids: readonly string[]): string {
  const topics = new Map<string, string[]>();
  for (const id of [...ids].sort()) {
    const [topic = '', verb] = id.split(':');
    topics.set(topic, [...(topics.get(topic) ?? []), ...(verb === undefined ? [] : [verb])]);
  }
  const commands = [...topics].map(([topic, verbs]) => `  ${topic} ${verbs.join('|')}`.trimEnd());
  const words = Object.values(scriptWords).map((line) => `  ${line}`);
  return `${['Commands (see `help COMMAND` for details):', ...commands, 'Script statements:', ...words, '  exit (or Ctrl-D)'].join('\n')}\n`;
}
