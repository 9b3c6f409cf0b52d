import { MusterError } from '../../errors.js';
import type { StepSource } from './interpreter.js';
import { parseScript, type Step } from './steps.js';
import { UnfinishedText } from './words.js';

/**
 * Steps from text that comes piece by piece: each runs as soon as it is whole, so that whoever writes may wait for answers.
 * What is wrong on a line is thrown when it is that line's turn.
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
    const problem = this.#take(this.#pending);
    if (problem === null) return;
    // The lines before the one that is wrong, or not whole yet, are as good as ever. A block may have begun before that.
    let before: unknown = problem;
    while (before !== null) {
      const line = before instanceof MusterError ? Number(before.details.line) : this.#line;
      const lines = this.#pending.split('\n').slice(0, line - this.#line);
      if (lines.length === 0) break;
      before = this.#take(`${lines.join('\n')}\n`);
      if (before !== null && !(before instanceof UnfinishedText)) break;
    }
    if (!(problem instanceof UnfinishedText) || last) this.#problem = problem;
  }

  /** Takes these whole lines, the first that are pending, as steps; what is wrong with them, or null. */
  #take(text: string): unknown {
    try {
      const steps = parseScript(text, { firstLine: this.#line, follows: this.#began });
      this.#began ||= steps.length > 0;
      this.#steps.push(...steps);
      this.#line += text.split('\n').length - 1;
      this.#pending = this.#pending.slice(text.length);
      return null;
    } catch (error) {
      return error;
    }
  }
}
