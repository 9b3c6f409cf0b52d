import { MusterError } from '../../errors.js';

/** A word as it was written: text, and variables whose values are not known before the line runs. */
export interface Word {
  readonly parts: readonly (string | { readonly variable: string })[];
  /** Was any of it quoted? What is quoted is never one of the grammar's own words. */
  readonly quoted: boolean;
}

/** A line's worth of words: what stands between two line ends or semicolons. */
export interface Line {
  /** Where it begins, from 1. */
  readonly line: number;
  readonly words: readonly Word[];
  /** As it was written, without comments. */
  readonly text: string;
}

/** Text that ends inside a quote or after a backslash: a prompt may ask for more. */
export class UnfinishedText extends MusterError {
  constructor(line: number, what: string) {
    super('usage', `line ${line}: ${what}`, { details: { line } });
  }
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
/** What a shell would do something with that this one does not do. */
const FOREIGN = /^(?:\|\|?|&&?|`|\$\()/;

const usage = (line: number, what: string): MusterError =>
  new MusterError('usage', `line ${line}: ${what}`, { details: { line } });

/**
 * Splits text into lines of words, quoted as in a POSIX shell: '…' is literal, in "…" a backslash protects " \ $ and
 * variables stand for their values, outside a backslash protects any character; # begins a comment where a word could begin; a line ends
 * at its end or at a semicolon, unless a backslash precedes. Pipes and the like are refused rather than misread. Throws `usage`, and `UnfinishedText`.
 */
export function linesOf(source: string, firstLine = 1): Line[] {
  const text = source.replaceAll('\r\n', '\n');
  const lines: Line[] = [];
  let at = 0;
  let line = firstLine;
  let words: Word[] = [];
  let began = { line, at };
  let end = 0;

  let parts: Word['parts'][number][] = [];
  let literal = '';
  let inWord = false;
  let quoted = false;

  const flush = (): void => {
    if (literal !== '') parts.push(literal);
    literal = '';
  };
  const endWord = (): void => {
    if (!inWord) return;
    flush();
    words.push({ parts, quoted });
    parts = [];
    inWord = false;
    quoted = false;
    end = at;
  };
  const endLine = (): void => {
    endWord();
    if (words.length > 0) lines.push({ line: began.line, words, text: text.slice(began.at, end) });
    words = [];
  };
  const beginWord = (): void => {
    if (!inWord && words.length === 0) began = { line, at };
    inWord = true;
  };
  /** Reads a variable after the "$" at `at`; leaves `at` behind it. */
  const variable = (): void => {
    const braced = text[at + 1] === '{';
    const name = NAME.exec(text.slice(at + (braced ? 2 : 1), at + 130))?.[0];
    if (name === undefined || (braced && text[at + 2 + name.length] !== '}')) {
      if (braced) throw usage(line, `"${text.slice(at, at + 12)}" is no variable: write it like \${name}`);
      literal += '$';
      at++;
      return;
    }
    flush();
    parts.push({ variable: name });
    at += name.length + (braced ? 3 : 1);
  };

  while (at < text.length) {
    const c = text[at]!;
    if (c === '\n' || c === ';') {
      endLine();
      if (c === '\n') line++;
      at++;
    } else if (c === ' ' || c === '\t') {
      endWord();
      at++;
      // A story is told in plain words: only variables mean anything in it.
      if (words.length === 1 && plainWord(words[0]) === 'say') {
        inWord = true;
        while (at < text.length && text[at] !== '\n') {
          if (text[at] === '$') variable();
          else literal += text[at++];
        }
      }
    } else if (c === '#' && !inWord) {
      while (at < text.length && text[at] !== '\n') at++;
    } else if (c === '\\') {
      if (/^\n?$/.test(text.slice(at + 1, at + 3)))
        throw new UnfinishedText(line, 'there is nothing after the backslash');
      // As in a shell, the two lines are one from here on, within a word too.
      if (text[at + 1] === '\n') line++;
      else {
        beginWord();
        quoted = true;
        literal += text[at + 1];
      }
      at += 2;
    } else if (c === "'") {
      beginWord();
      quoted = true;
      const close = text.indexOf("'", at + 1);
      if (close < 0) throw new UnfinishedText(line, "a ' is not closed");
      literal += text.slice(at + 1, close);
      for (let i = at; i < close; i++) if (text[i] === '\n') line++;
      at = close + 1;
    } else if (c === '"') {
      beginWord();
      quoted = true;
      const opened = line;
      at++;
      while (text[at] !== '"') {
        if (at >= text.length) throw new UnfinishedText(opened, 'a " is not closed');
        if (text[at] === '\\' && /["\\$\n]/.test(text[at + 1] ?? '')) {
          if (text[at + 1] !== '\n') literal += text[at + 1];
          else line++;
          at += 2;
        } else if (text[at] === '$') variable();
        else {
          if (text[at] === '\n') line++;
          literal += text[at++];
        }
      }
      at++;
    } else {
      const foreign = inWord ? null : FOREIGN.exec(text.slice(at, at + 2));
      if (foreign)
        throw usage(
          line,
          `"${foreign[0]}" is for a shell; here every line is one command (quote it if it is meant as text)`,
        );
      beginWord();
      if (c === '$') variable();
      else {
        literal += c;
        at++;
      }
    }
  }
  endLine();
  return lines;
}

/** The word when it is plain text without quotes or variables, else null: only such words belong to the grammar. */
export const plainWord = (word: Word | undefined): string | null =>
  word === undefined || word.quoted || word.parts.some((part) => typeof part !== 'string')
    ? null
    : word.parts.join('');

/** What a word stands for now; `lookUp` says what a variable holds. Throws `usage` for one that holds nothing. */
export function expand(word: Word, lookUp: (name: string) => string | undefined): string {
  let value = '';
  for (const part of word.parts) {
    if (typeof part === 'string') value += part;
    else {
      const held = lookUp(part.variable);
      if (held === undefined)
        throw new MusterError(
          'usage',
          `$${part.variable} holds nothing: \`keep ${part.variable}\` after a command fills it`,
        );
      value += held;
    }
  }
  return value;
}
