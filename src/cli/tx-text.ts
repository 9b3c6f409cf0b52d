import type { TxItem } from '../core/machine/types.js';
import { type ErrorCode, invalid, MusterError } from '../errors.js';
import { limits } from '../limits.js';
import { distance } from '../text/nearest.js';

/*
 * The text of a transaction: statements separated by ";" or a new line, words quoted as in a shell, "#" comments.
 *
 *   check KEY = VALUE | check KEY = nothing | check KEY @VERSION
 *   get KEY | put KEY VALUE | delete KEY | incr KEY [N] | decr KEY [N]
 */

interface Word {
  readonly text: string;
  /** Part of it was quoted or escaped, so it is neither an operator nor a number. */
  readonly quoted: boolean;
  /** Where it begins, in UTF-16 code units. */
  readonly at: number;
}

interface Statement {
  readonly words: readonly Word[];
  /** Where it ends, which is where a missing word is reported. */
  readonly end: number;
}

const VERBS = ['check', 'get', 'put', 'delete', 'incr', 'decr'] as const;
/** Names that other systems use. */
const OTHERS: Readonly<Record<string, string>> = {
  set: 'put',
  del: 'delete',
  rm: 'delete',
  remove: 'delete',
  read: 'get',
  add: 'incr',
  if: 'check',
  assert: 'check',
};
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' };
const NUMBER = /^[+-]?\d+$/;

/** The items of a transaction's text. Rejects with `usage`, `key-invalid` or `value-too-large`, by line and column. */
export function parseTx(text: string): TxItem[] {
  const items: TxItem[] = [];
  const written = new Map<string, Word>();
  for (const statement of statementsOf(text)) {
    const verb = statement.words[0] as Word;
    if (items.length === limits.txItems)
      throw failure(text, verb.at, `too many statements: expected at most ${limits.txItems}`);
    const item = itemOf(text, statement);
    items.push(item);
    if (item.type === 'check' || item.type === 'version' || item.type === 'get') continue;
    const key = statement.words[1] as Word;
    const before = written.get(key.text);
    if (before !== undefined) {
      const { line, column } = placeOf(text, before.at);
      throw failure(
        text,
        key.at,
        `key ${say(key)} is written twice (first in line ${line}, column ${column}): expected one write per key`,
      );
    }
    written.set(key.text, key);
  }
  if (items.length === 0) throw failure(text, text.length, `expected a statement (${VERBS.join(', ')})`);
  return items;
}

function itemOf(text: string, { words, end }: Statement): TxItem {
  const [verb, ...rest] = words as [Word, ...Word[]];
  const name = verb.quoted ? undefined : VERBS.find((known) => known === verb.text);
  if (name === undefined)
    throw failure(text, verb.at, invalid('statement', shown(verb.text), guess(verb.text)).message);
  const expect = (i: number, what: string): Word => {
    const word = rest[i];
    if (word === undefined) throw failure(text, end, `expected ${what} after "${said(words)}"`);
    return word;
  };
  const done = (count: number, hint = ''): void => {
    const extra = rest[count];
    if (extra !== undefined)
      throw failure(
        text,
        extra.at,
        `expected ";" or a new line, got ${say(extra)}${hint === '' ? '' : `; ${hint}`}`,
      );
  };

  const word = expect(0, 'a key');
  const key = checkedKey(text, word);
  if (name === 'get' || name === 'delete') {
    done(1);
    return { type: name, key };
  }
  if (name === 'put') {
    const value = expect(1, 'a value');
    done(2, 'quote a value that contains spaces');
    return { type: 'put', key, value: checkedValue(text, value) };
  }
  if (name === 'incr' || name === 'decr') {
    const by = rest[1] === undefined ? 1 : numberOf(text, rest[1], 'a whole number');
    done(2);
    // Never −0.
    return { type: 'incr', key, by: name === 'incr' || by === 0 ? by : -by };
  }
  const sign = expect(1, '"= VALUE" or "@VERSION"');
  if (!sign.quoted && sign.text.startsWith('@')) {
    done(2);
    const version = numberOf(text, { ...sign, text: sign.text.slice(1), at: sign.at + 1 }, 'a version');
    if (version < 0) throw failure(text, sign.at + 1, `expected a version of 0 or more, got ${version}`);
    return { type: 'version', key, version };
  }
  if (sign.quoted || sign.text !== '=')
    throw failure(text, sign.at, `expected "= VALUE" or "@VERSION", got ${say(sign)}; put spaces around "="`);
  const value = expect(2, 'a value, or "nothing",');
  done(3, 'quote a value that contains spaces');
  if (!value.quoted && (value.text === 'nothing' || value.text === 'none'))
    return { type: 'check', key, equals: null };
  if (!value.quoted && NUMBER.test(value.text))
    return { type: 'check', key, equals: numberOf(text, value, 'a whole number') };
  return { type: 'check', key, equals: checkedValue(text, value) };
}

function guess(verb: string): string {
  const word = verb.toLowerCase();
  const [nearest] = VERBS.map((name) => ({ name, far: distance(word, name) })).sort((a, b) => a.far - b.far);
  const meant = OTHERS[word] ?? (nearest !== undefined && nearest.far <= 2 ? nearest.name : null);
  const expected = `one of ${VERBS.join(', ')}`;
  return meant === null ? expected : `${expected}; did you mean "${meant}"?`;
}

function checkedKey(text: string, { text: key, at }: Word): string {
  const bytes = Buffer.byteLength(key);
  if (bytes === 0 || bytes > limits.keyBytes)
    throw failure(text, at, `expected a key of 1 to ${limits.keyBytes} bytes, got ${bytes}`, 'key-invalid');
  return key;
}

function checkedValue(text: string, { text: value, at }: Word): string {
  const bytes = Buffer.byteLength(value);
  if (bytes > limits.valueBytes)
    throw failure(
      text,
      at,
      `expected a value of at most ${limits.valueBytes} bytes, got ${bytes}`,
      'value-too-large',
    );
  return value;
}

function numberOf(text: string, word: Word, what: string): number {
  if (word.quoted || !NUMBER.test(word.text))
    throw failure(text, word.at, `expected ${what}, got ${word.text === '' ? 'nothing' : say(word)}`);
  const number = Number(word.text);
  if (!Number.isSafeInteger(number))
    throw failure(text, word.at, `expected a whole number within ±(2^53−1), got ${shown(word.text)}`);
  return number === 0 ? 0 : number;
}

/** The words of each statement; those without words are none. */
function* statementsOf(text: string): Generator<Statement> {
  let words: Word[] = [];
  let at = text.startsWith('\ufeff') ? 1 : 0;
  let end = at;
  while (at < text.length) {
    const c = text[at] as string;
    if (c === '\n' || c === ';') {
      if (words.length > 0) yield { words, end };
      words = [];
      at++;
    } else if (c === '\\' && /^\\\r?\n/.test(text.slice(at, at + 3))) {
      at = text.indexOf('\n', at) + 1;
    } else if (/\s/.test(c)) at++;
    else if (c === '#') {
      const next = text.indexOf('\n', at);
      at = next === -1 ? text.length : next;
    } else {
      const word = wordAt(text, at);
      words.push(word.word);
      at = word.end;
      end = at;
    }
  }
  if (words.length > 0) yield { words, end };
}

function wordAt(text: string, from: number): { word: Word; end: number } {
  let at = from;
  let out = '';
  let quoted = false;
  while (at < text.length) {
    const c = text[at] as string;
    if (/[\s;]/.test(c)) break;
    if (c === "'" || c === '"') {
      const part = c === "'" ? singleAt(text, at) : doubleAt(text, at);
      out += part.text;
      at = part.end;
      quoted = true;
    } else if (c === '\\') {
      const next = String.fromCodePoint(text.codePointAt(at + 1) ?? 0);
      if (at + 1 >= text.length) throw failure(text, at, 'expected a character after "\\"');
      // A line that goes on in the next.
      if (/^\\\r?\n/.test(text.slice(at, at + 3))) break;
      out += next;
      at += 1 + next.length;
      quoted = true;
    } else {
      out += c;
      at++;
    }
  }
  return { word: { text: out, quoted, at: from }, end: at };
}

function singleAt(text: string, from: number): { text: string; end: number } {
  const end = text.indexOf("'", from + 1);
  if (end === -1) throw failure(text, from, 'unclosed quote: expected "\'"');
  return { text: text.slice(from + 1, end), end: end + 1 };
}

function doubleAt(text: string, from: number): { text: string; end: number } {
  let out = '';
  for (let at = from + 1; at < text.length; ) {
    const c = text[at] as string;
    if (c === '"') return { text: out, end: at + 1 };
    if (c !== '\\') {
      out += c;
      at++;
      continue;
    }
    const next = text[at + 1];
    if (next === undefined) break;
    const simple = ESCAPES[next];
    const code = /^\\u\{([0-9a-fA-F]{1,6})\}/.exec(text.slice(at, at + 10));
    const point = code === null ? -1 : Number.parseInt(code[1] as string, 16);
    if (simple !== undefined) {
      out += simple;
      at += 2;
    } else if (code !== null && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff)) {
      out += String.fromCodePoint(point);
      at += code[0].length;
    } else {
      throw failure(text, at, "expected \\\\, \\\", \\n, \\r, \\t or \\u{…}; '…' has no escapes");
    }
  }
  throw failure(text, from, "unclosed quote: expected '\"'");
}

const shown = (word: string): string => {
  const short = word.length > 40 ? `${word.slice(0, 39)}…` : word;
  return short.replace(/\s/g, ' ');
};
const say = (word: Word): string => `"${shown(word.text)}"`;
const said = (words: readonly Word[]): string => words.map((word) => shown(word.text)).join(' ');

/** From 1, in characters. */
function placeOf(text: string, at: number): { line: number; column: number } {
  const start = text.lastIndexOf('\n', at - 1) + 1;
  const line = text.slice(0, start).split('\n').length;
  return { line, column: [...text.slice(start, at).replace('\ufeff', '')].length + 1 };
}

function failure(text: string, at: number, message: string, code: ErrorCode = 'usage'): MusterError {
  const { line, column } = placeOf(text, at);
  return new MusterError(code, `line ${line}, column ${column}: ${message}`);
}

/** A word as the language takes it: bare when it can be. */
export function quote(word: string): string {
  if (/^[\p{L}\p{N}_./:@%+,-]+$/u.test(word)) return word;
  const inside = word.replace(/[\\"\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (c) => {
    const simple = Object.entries(ESCAPES).find(([, is]) => is === c);
    return simple === undefined ? `\\u{${c.charCodeAt(0).toString(16)}}` : `\\${simple[0]}`;
  });
  return `"${inside}"`;
}

/** The text of a transaction, a line for each item; `parseTx` gives the items back. */
export const printTx = (items: readonly TxItem[]): string =>
  items.map((item) => `${printItem(item)}\n`).join('');

function printItem(item: TxItem): string {
  const key = quote(item.key);
  switch (item.type) {
    case 'check': {
      const { equals } = item;
      if (equals === null) return `check ${key} = nothing`;
      if (typeof equals === 'number') return `check ${key} = ${equals}`;
      const sign = NUMBER.test(equals) || equals === 'nothing' || equals === 'none';
      return `check ${key} = ${sign ? `"${equals}"` : quote(equals)}`;
    }
    case 'version':
      return `check ${key} @${item.version}`;
    case 'put':
      return `put ${key} ${quote(item.value)}`;
    case 'incr':
      return item.by < 0 ? `decr ${key} ${-item.by}` : `incr ${key} ${item.by}`;
    default:
      return `${item.type} ${key}`;
  }
}
