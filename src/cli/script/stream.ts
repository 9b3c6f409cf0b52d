import { MusterError } from '../../errors.js';
import type { StepSource } from './interpreter.js';
import { parseScript, type Step } from './steps.js';
import { UnfinishedText } from './words.js';

/**
 * Steps from text that arrives in pieces: each runs as soon as it is complete, so that the writer may wait for its result.
 * An error in a line is thrown when that line is reached.
 */
export class StepStream implements StepSource {
  readonly #pieces: AsyncIterator<string>;
  readonly #steps: Step[] = [];
  /** Whole lines that were not understood yet, and the beginning of the next. */
  #pending = '';
  #rest = '';
  /** The number of the first line of `pending`. */
  #line = 1;
  #problem: unknown = null;
  #over = false;
  #began = false;

  constructor(pieces: AsyncIterable<string>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  async next(): Promise<Step | null> {
    await this.#fill();
    const step = this.#steps.shift();
    if (step !== undefined) return step;
    if (this.#problem !== null) {
      const problem = this.#problem;
      this.#problem = null;
      throw problem;
    }
    return null;
  }

  async peek(): Promise<Step | null> {
    await this.#fill();
    return this.#steps[0] ?? null;
  }

  /** Reads until there is a step, something wrong, or the end. */
  async #fill(): Promise<void> {
    while (this.#steps.length === 0 && this.#problem === null && !this.#over) {
      const piece = await this.#pieces.next();
      if (piece.done === true) {
        this.#over = true;
        this.#pending += this.#rest;
        this.#rest = '';
        this.#understand(true);
        return;
      }
      const text = this.#rest + piece.value;
      const end = text.lastIndexOf('\n') + 1;
      this.#rest = text.slice(end);
      if (end === 0) continue;
      this.#pending += text.slice(0, end);
      this.#understand(false);
    }
  }

  #understand(last: boolean): void {
    try {
      this.#take(this.#pending);
    } catch (error) {
      const unfinished = error instanceof UnfinishedText && !last;
      // The lines before the one that is wrong, or that goes on, are as good as ever.
      const taken = this.#takeBefore(error);
      if (unfinished) {
        this.#pending = this.#pending.split('\n').slice(taken).join('\n');
        this.#line += taken;
        return;
      }
      this.#line += this.#pending.split('\n').length - 1;
      this.#pending = '';
      this.#problem = error;
    }
  }

  /** Takes the lines before that of the error, and returns how many those are. */
  #takeBefore(error: unknown): number {
    const line = error instanceof MusterError ? Number(error.details.line) : Number.NaN;
    const count = line > this.#line ? line - this.#line : 0;
    if (count === 0) return 0;
    try {
      this.#parse(this.#pending.split('\n').slice(0, count).join('\n'));
      return count;
    } catch (earlier) {
      // A block, or a line, began there and goes on: nothing of it is run.
      return earlier instanceof UnfinishedText ? this.#takeBefore(earlier) : 0;
    }
  }

  #take(text: string): void {
    this.#parse(text);
    this.#line += text.split('\n').length - 1;
    this.#pending = '';
  }

  #parse(text: string): void {
    const steps = parseScript(text, { firstLine: this.#line, follows: this.#began });
    this.#began ||= steps.length > 0;
    this.#steps.push(...steps);
  }
}
