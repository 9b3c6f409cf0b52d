import { invalid, MusterError } from '../../errors.js';
import { formatDuration, parseDuration } from '../../text/duration.js';
import { shorten } from '../../text/format.js';
import { asText, follow, parsePath } from './path.js';
import { plainWord, type Word } from './words.js';

/** The result of a command. */
export interface Outcome {
  readonly code: number;
  /** Its value for `--json`. */
  readonly value: unknown;
  readonly error: MusterError | null;
  readonly out: string;
  readonly err: string;
  readonly ms: number;
}

const operators = ['=', '!=', '<', '<=', '>', '>=', '~', '!~', 'contains'] as const;
type Operator = (typeof operators)[number];

/** An assertion on the command above. */
export interface Check {
  /** One of the subjects, or a path into its value; null: its value, or else what it printed. */
  readonly subject: Word | null;
  readonly operator: Operator;
  readonly wanted: Word;
  /** Rerun the command until the assertion holds, for up to this time in ms; null: check once. */
  readonly withinMs: number | null;
}

/** Subjects of an assertion other than paths. */
const subjects = ['out', 'err', 'exit', 'error', 'took'];
const isSubject = (text: string | null): boolean => text !== null && subjects.includes(text);

/** Is this a path? Without variables it is parsed immediately. Throws `usage`. */
export function isPath(word: Word): boolean {
  const [begin] = word.parts;
  if (word.quoted || typeof begin !== 'string' || !/^[.[]/.test(begin)) return false;
  const text = plainWord(word);
  if (text !== null) parsePath(text);
  return true;
}

export const expectUsage = [
  'expect = 1                     its value, or its output',
  'expect .nodes[id=n1].share = 0.5±0.1',
  'expect out|err|exit|error|took < 5s',
  'operators: = != < <= > >= ~ (regular expression) !~ contains',
  'expect .length = 0 within 5s   reruns the command above until it holds',
].join('\n');

/** Reads the words after `expect`. Throws `usage`. */
export function parseCheck(words: readonly Word[], line: number): Check {
  const wrong = (what: string): MusterError =>
    new MusterError('usage', `line ${line}: ${what}\n${expectUsage}`, { details: { line } });
  let rest = [...words];
  let withinMs: number | null = null;
  if (rest.length >= 2 && plainWord(rest.at(-2)) === 'within') {
    withinMs = parseDuration(plainWord(rest.at(-1)) ?? '');
    rest = rest.slice(0, -2);
  }
  const [first] = rest;
  let subject: Word | null = null;
  if (first !== undefined && (isSubject(plainWord(first)) || isPath(first))) {
    subject = first;
    rest = rest.slice(1);
  }
  const operator = plainWord(rest[0]) as Operator | null;
  if (operator === null || !operators.includes(operator))
    throw wrong(invalid('operator', operator ?? '', operators.join(' ')).message);
  if (rest.length !== 2) throw wrong(`expected one value after ${operator}; quote it if it contains spaces`);
  return { subject, operator, wanted: rest[1]!, withinMs };
}

/** Is this an assertion about a failure? Only then may the command fail. */
export const saysHowItFails = ({ subject }: Check): boolean =>
  subject !== null && ['exit', 'error', 'err'].includes(plainWord(subject) ?? '');

/** The default subject of an assertion: the value of the command if it has one, else its output. */
export function resultOf({ value, out }: Outcome): string {
  const simple = typeof value === 'object' && value !== null && 'value' in value;
  return simple ? asText((value as { value: unknown }).value) : out.trimEnd();
}

function actualOf(subject: string | null, outcome: Outcome): string {
  switch (subject) {
    case 'out':
      return outcome.out.trimEnd();
    case 'err':
      return outcome.err.trimEnd();
    case 'exit':
      return String(outcome.code);
    case 'error':
      return outcome.error?.code ?? '';
    case 'took':
      return String(outcome.ms);
    case null:
      return resultOf(outcome);
    default:
      return asText(follow(outcome.value, parsePath(subject)));
  }
}

const number = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

/** Is the value within `0.5±0.1` or `10±20%`? null: `wanted` is not a tolerance. */
function near(actual: string, wanted: string): boolean | null {
  const found = /^(-?[\d.]+)(?:±|\+-)([\d.]+)(%?)$/.exec(wanted);
  if (!found) return null;
  const middle = Number(found[1]);
  const most = found[3] === '%' ? (Math.abs(middle) * Number(found[2])) / 100 : Number(found[2]);
  return Math.abs(number(actual) - middle) <= most;
}

function compare(operator: Operator, actual: string, wanted: string): boolean {
  const [a, b] = [number(actual), number(wanted)];
  switch (operator) {
    case '=':
      return near(actual, wanted) ?? (actual === wanted || (a === b && !Number.isNaN(a)));
    case '!=':
      return !compare('=', actual, wanted);
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
    case 'contains':
      return actual.includes(wanted);
    default: {
      let pattern: RegExp;
      try {
        pattern = new RegExp(wanted);
      } catch (cause) {
        throw invalid('pattern', wanted, 'a regular expression', { cause });
      }
      return pattern.test(actual) === (operator === '~');
    }
  }
}

/** Quoted, unless it is a plain word or number. */
const asShown = (text: string): string => (/^[\w.:/+-]+$/.test(text) ? text : `"${shorten(text, 200)}"`);

/** Why the assertion does not hold, or null if it does. `value` expands a word. */
export function missedBy(check: Check, value: (word: Word) => string, outcome: Outcome): string | null {
  const { operator } = check;
  const subject = check.subject === null ? null : value(check.subject);
  const wanted = value(check.wanted);
  const actual = actualOf(subject, outcome);
  const limit = subject === 'took' ? String(parseDuration(wanted)) : wanted;
  if (compare(operator, actual, limit)) return null;
  const what =
    subject === null && operator === '=' ? '' : `${[subject, operator].filter(Boolean).join(' ')} `;
  const shown = subject === 'took' ? formatDuration(outcome.ms) : asShown(actual);
  return `expected ${what}${wanted}, got ${shown}`;
}
