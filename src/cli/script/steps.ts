import { MusterError } from '../../errors.js';
import { type Check, isPath, parseCheck } from './checks.js';
import { type Line, linesOf, plainWord, UnfinishedText, type Word } from './words.js';

interface Place {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

export interface CommandStep extends Place {
  readonly kind: 'command';
  readonly words: readonly Word[];
}

/** An assertion on the command above. */
export interface ExpectStep extends Place {
  readonly kind: 'expect';
  readonly check: Check;
}

/** Stores a value of the command above in a variable. */
export interface CaptureStep extends Place {
  readonly kind: 'capture';
  readonly name: string;
  /** null: as `expect` without a subject sees it. */
  readonly path: Word | null;
}

export interface BlockStep extends Place {
  readonly kind: 'repeat' | 'background' | 'cleanup';
  /** Of `repeat`: a count or a duration. */
  readonly times: Word | null;
  readonly body: readonly Step[];
}

export interface WordsStep extends Place {
  /** `wait` for the background, or for a duration; `use` a cluster; `say` some text. */
  readonly kind: 'wait' | 'use' | 'say';
  readonly words: readonly Word[];
}

/** What a script consists of. */
export type Step = CommandStep | ExpectStep | CaptureStep | BlockStep | WordsStep;

/** The statements of the grammar, each with its line of help. */
export const scriptWords: Readonly<Record<string, string>> = {
  expect:
    'expect … — assert on the command above: `expect = 1`, `expect exit = 6`, `expect .length = 0 within 5s`',
  capture: 'capture NAME [.path] — store a value of the command above in $NAME',
  repeat: 'repeat 100 … end, or repeat 10s … end — repeat a block; $i counts from 1',
  background: 'background COMMAND, or background … end — run concurrently with what follows',
  wait: 'wait — wait for the background; wait 2s — pause; wait --for … — the command',
  cleanup: 'cleanup … end — run a block at the end, even after a failure',
  use: 'use NAME — select the cluster for the commands that follow',
  say: 'say TEXT — print a line of narration',
  end: 'end — close a block',
};

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

class Parser {
  #at = 0;
  constructor(
    readonly lines: readonly Line[],
    readonly follows: boolean,
  ) {}

  steps(opener: Line | null): Step[] {
    const steps: Step[] = [];
    for (;;) {
      const line = this.lines[this.#at];
      if (line === undefined) {
        if (opener !== null) throw new UnfinishedText(opener.line, `missing \`end\` for "${opener.text}"`);
        return steps;
      }
      this.#at++;
      const word = plainWord(line.words[0]);
      if (word === 'end') {
        if (opener === null) throw wrong(line, 'unexpected `end`: no block is open');
        if (line.words.length > 1) throw wrong(line, 'unexpected words after `end`');
        return steps;
      }
      const about = word === 'expect' || word === 'capture';
      const above = steps.at(-1)?.kind ?? (opener === null && this.follows ? 'command' : 'none');
      if (about && above !== 'command' && above !== 'expect' && above !== 'capture')
        throw wrong(line, `\`${word}\` must follow the command that it refers to`);
      steps.push(numbered(line, () => this.#step(line, word)));
    }
  }

  #step(line: Line, word: string | null): Step {
    const place = { line: line.line, text: line.text };
    const words = line.words.slice(1);
    switch (word) {
      case 'repeat': {
        if (words.length !== 1)
          throw wrong(line, '`repeat` takes one count or duration, followed by lines and `end`');
        return { ...place, kind: 'repeat', times: words[0]!, body: this.steps(line) };
      }
      case 'cleanup':
        if (words.length > 0) throw wrong(line, 'unexpected words after `cleanup`');
        return { ...place, kind: 'cleanup', times: null, body: this.steps(line) };
      case 'background': {
        if (words.length === 0) return { ...place, kind: 'background', times: null, body: this.steps(line) };
        const text = line.text.replace(/^background\s+/, '');
        const inner = { line: line.line, text, words };
        return { ...place, kind: 'background', times: null, body: [this.#step(inner, plainWord(words[0]))] };
      }
      case 'wait':
        // `wait --for …` is a command.
        if (words.length > 1 || plainWord(words[0])?.startsWith('-')) break;
        return { ...place, kind: 'wait', words };
      case 'use':
        if (words.length !== 1) throw wrong(line, '`use` takes the name of a cluster');
        return { ...place, kind: 'use', words };
      case 'say':
        return { ...place, kind: 'say', words };
      case 'expect':
        return { ...place, kind: 'expect', check: parseCheck(words, line.line) };
      case 'capture':
        return { ...place, ...captureOf(line) };
    }
    return { ...place, kind: 'command', words: line.words };
  }
}

function captureOf(line: Line): Pick<CaptureStep, 'kind' | 'name' | 'path'> {
  const name = plainWord(line.words[1]);
  const path = line.words[2] ?? null;
  if (name === null || !NAME.test(name) || line.words.length > 3)
    throw wrong(line, '`capture` takes a name and an optional path, such as `capture token .token`');
  if (path !== null && !isPath(path))
    throw wrong(line, '`capture` takes a path after the name, such as .token');
  return { kind: 'capture', name, path };
}

/** Adds the line number to errors about a path or a duration. */
function numbered(line: Line, read: () => Step): Step {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MusterError) || error.details.line !== undefined) throw error;
    throw new MusterError('usage', `line ${line.line}: ${error.message}`, {
      details: { line: line.line },
      cause: error,
    });
  }
}

const wrong = (line: Line, what: string): MusterError =>
  new MusterError('usage', `line ${line.line}: ${what}`, { details: { line: line.line } });

/**
 * Parses a script. `follows`: a command ran before, which the first lines may refer to. Throws `usage` naming the line, and
 * `UnfinishedText` if the text is incomplete.
 */
export const parseScript = (text: string, { firstLine = 1, follows = false } = {}): Step[] =>
  new Parser(linesOf(text, firstLine), follows).steps(null);
