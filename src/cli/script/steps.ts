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

/** Something about the command above: what must be so of it, … */
export interface ExpectStep extends Place {
  readonly kind: 'expect';
  readonly check: Check;
}

/** … or a value of it that is kept under a name. */
export interface KeepStep extends Place {
  readonly kind: 'keep';
  readonly name: string;
  /** null: as `expect` without a subject sees it. */
  readonly path: Word | null;
}

export interface BlockStep extends Place {
  readonly kind: 'repeat' | 'background' | 'finally';
  /** Of `repeat`: how often, or for how long. */
  readonly times: Word | null;
  readonly body: readonly Step[];
}

export interface WordsStep extends Place {
  /** `wait` for what is in the background, or so long; `use` a cluster; `say` something. */
  readonly kind: 'wait' | 'use' | 'say';
  readonly words: readonly Word[];
}

/** What a script consists of. */
export type Step = CommandStep | ExpectStep | KeepStep | BlockStep | WordsStep;

/** The grammar's own words, each with its line of help. */
export const scriptWords: Readonly<Record<string, string>> = {
  expect:
    'expect … — what must be so of the command above: `expect = 1`, `expect exit = 6`, `expect .length = 0 within 5s`',
  keep: 'keep NAME [.path] — keeps a value of the command above; $NAME is that value from then on',
  repeat: 'repeat 100 … end, or repeat 10s … end — $i counts from 1',
  background: 'background COMMAND, or background … end — goes on beside what follows',
  wait: 'wait — until everything in the background has ended; wait 2s; or the command `wait --for …`',
  finally: 'finally … end — runs at the end, whatever happens',
  use: 'use NAME — the cluster that commands are for from then on',
  say: 'say TEXT — tells the story',
  end: 'end — ends a block',
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
        if (opener !== null) throw new UnfinishedText(opener.line, `"${opener.text}" has no \`end\``);
        return steps;
      }
      this.#at++;
      const word = plainWord(line.words[0]);
      if (word === 'end') {
        if (opener === null) throw wrong(line, '`end` ends nothing');
        if (line.words.length > 1) throw wrong(line, 'nothing stands after `end`');
        return steps;
      }
      const about = word === 'expect' || word === 'keep';
      const above = steps.at(-1)?.kind ?? (opener === null && this.follows ? 'command' : 'none');
      if (about && above !== 'command' && above !== 'expect' && above !== 'keep')
        throw wrong(line, `\`${word}\` stands below the command that it is about`);
      steps.push(numbered(line, () => this.#step(line, word)));
    }
  }

  #step(line: Line, word: string | null): Step {
    const place = { line: line.line, text: line.text };
    const words = line.words.slice(1);
    switch (word) {
      case 'repeat': {
        if (words.length !== 1)
          throw wrong(line, '`repeat` takes a number or a duration, then lines, then `end`');
        return { ...place, kind: 'repeat', times: words[0]!, body: this.steps(line) };
      }
      case 'finally':
        if (words.length > 0) throw wrong(line, 'nothing stands after `finally`');
        return { ...place, kind: 'finally', times: null, body: this.steps(line) };
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
      case 'keep':
        return { ...place, ...keepOf(line) };
    }
    return { ...place, kind: 'command', words: line.words };
  }
}

function keepOf(line: Line): Pick<KeepStep, 'kind' | 'name' | 'path'> {
  const name = plainWord(line.words[1]);
  const path = line.words[2] ?? null;
  if (name === null || !NAME.test(name) || line.words.length > 3)
    throw wrong(line, '`keep` takes a name, and maybe a path: keep token .token');
  if (path !== null && !isPath(path))
    throw wrong(line, 'what `keep` takes after the name is a path, like .token');
  return { kind: 'keep', name, path };
}

/** What is wrong with a path or a duration is told with its line. */
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
 * Reads a script. `follows`: a command was run before, which the first lines may be about. Throws `usage` naming the line, and
 * `UnfinishedText` when there is more to come.
 */
export const parseScript = (text: string, { firstLine = 1, follows = false } = {}): Step[] =>
  new Parser(linesOf(text, firstLine), follows).steps(null);
