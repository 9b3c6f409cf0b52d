import { invalid, MusterError } from '../../errors.js';

/** A word of a line: text, and variables that are expanded when the line runs. */
export interface Word {
  readonly parts: readonly (string | { readonly variable: string })[];
  /** Was any of it quoted? A quoted word is never a keyword. */
  readonly quoted: boolean;
}

/** The words of a line, which ends at a line end or a semicolon. */
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
/** Shell syntax that scripts do not have. */
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
      if (braced) throw usage(line, invalid('variable', text.slice(at, at + 12), 'a name in braces').message);
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
      // The text of `say` is taken literally, except for variables.
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
        throw new UnfinishedText(line, 'unexpected end after a backslash');
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
      if (close < 0) throw new UnfinishedText(line, "unclosed quote '");
      literal += text.slice(at + 1, close);
      for (let i = at; i < close; i++) if (text[i] === '\n') line++;
      at = close + 1;
    } else if (c === '"') {
      beginWord();
      quoted = true;
      const opened = line;
      at++;
      while (text[at] !== '"') {
        if (at >= text.length) throw new UnfinishedText(opened, 'unclosed quote "');
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
          `unsupported shell syntax "${foreign[0]}": each line is one command; quote it to use it as text`,
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

/** The value of a word; `lookUp` gives the values of variables. Throws `usage` for an unset variable. */
export function expand(word: Word, lookUp: (name: string) => string | undefined): string {
  let value = '';
  for (const part of word.parts) {
    if (typeof part === 'string') value += part;
    else {
      const held = lookUp(part.variable);
      if (held === undefined)
        throw new MusterError(
          'usage',
          `variable $${part.variable} is unset: set it with \`capture ${part.variable}\` below a command`,
        );
      value += held;
    }
  }
  return value;
}
