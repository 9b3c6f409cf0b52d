import { createInterface, type Interface } from 'node:readline';
import type { Streams } from '../session.js';
import { historyLines } from './history.js';

/** What came of asking for a line. */
export type Typed =
  | {
      readonly kind: 'line';
      readonly text: string;
      /** Ctrl-C came right behind it, too early to be a signal: it is for what the line would run. */
      readonly interrupted: boolean;
    }
  /** Ctrl-C: what was typed so far is dropped. */
  | { readonly kind: 'dropped' }
  /** Ctrl-D, or the terminal is gone. */
  | { readonly kind: 'end' };

export type Completer = (line: string) => Promise<[candidates: string[], of: string]>;

/**
 * Asks for lines on a terminal. Between two questions the terminal is as a command expects it: Ctrl-C is a signal again, and
 * prompts of commands have the keyboard. Lines that were pasted together are handed out one by one.
 */
export class LinePrompt {
  readonly #waiting: string[] = [];
  /** What was pasted behind the last line's end. */
  #begun = '';
  #reader: Interface | null = null;

  constructor(
    readonly streams: Streams,
    readonly history: string[],
    readonly complete: Completer,
  ) {}

  async ask(prompt: string): Promise<Typed> {
    const next = this.#waiting.shift();
    if (next !== undefined) {
      this.streams.stdout.write(`${prompt}${next}\n`);
      return { kind: 'line', text: next, interrupted: false };
    }
    const reader = createInterface({
      input: this.streams.stdin,
      output: this.streams.stdout,
      terminal: true,
      prompt,
      history: [...this.history],
      historySize: historyLines,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: Error | null, result: [string[], string]) => void) =>
        void this.complete(line).then(
          (result) => done(null, result),
          () => done(null, [[], line]),
        ),
    });
    this.#reader = reader;
    const typed = new Promise<Typed>((resolve) => this.#listen(reader, resolve));
    reader.prompt();
    if (this.#begun !== '') reader.write(this.#begun);
    this.#begun = '';
    return typed;
  }

  /** Ends the question that is open. */
  leave(): void {
    this.#reader?.close();
  }

  #listen(reader: Interface, resolve: (typed: Typed) => void): void {
    const lines: string[] = [];
    let over = false;
    const end = (typed: Typed): void => {
      if (over) return;
      over = true;
      reader.close();
      resolve(typed);
    };
    reader.on('line', (text) => {
      // What was pasted comes in one go: all of it belongs to the lines that follow.
      if (lines.length === 0)
        setImmediate(() => {
          this.#begun = reader.line;
          const [first = '', ...rest] = lines;
          this.#waiting.push(...rest);
          end({ kind: 'line', text: first, interrupted: false });
        });
      lines.push(text);
    });
    reader.on('SIGINT', () => {
      this.streams.stdout.write('^C\n');
      const [entered] = lines;
      end(entered === undefined ? { kind: 'dropped' } : { kind: 'line', text: entered, interrupted: true });
    });
    reader.on('close', () => {
      if (lines.length > 0 || over) return;
      this.streams.stdout.write('\n');
      end({ kind: 'end' });
    });
  }
}
