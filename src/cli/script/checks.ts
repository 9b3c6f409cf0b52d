import { MusterError } from '../../errors.js';
import { formatDuration, parseDuration } from '../../text/duration.js';
import { shorten } from '../../text/format.js';
import { asText, follow, parsePath } from './path.js';
import { plainWord, type Word } from './words.js';

/** What a command came to. */
export interface Outcome {
  readonly code: number;
  /** What it has for `--json`. */
  readonly value: unknown;
  readonly error: MusterError | null;
  readonly out: string;
  readonly err: string;
  readonly ms: number;
}

const operators = ['=', '!=', '<', '<=', '>', '>=', '~', '!~', 'contains'] as const;
type Operator = (typeof operators)[number];

/** What is expected of the command above. */
export interface Check {
  /** One of the subjects, or a path into its value; null: its value, or else what it printed. */
  readonly subject: Word | null;
  readonly operator: Operator;
  readonly wanted: Word;
  /** Run the command again until it is so, for so long, in ms; null: it must be so at once. */
  readonly withinMs: number | null;
}

/** Words that name what is looked at. */
const subjects = ['out', 'err', 'exit', 'error', 'took'];
const isSubject = (text: string | null): boolean => text !== null && subjects.includes(text);

/** Is this a path? One without variables is read at once. Throws `usage`. */
export function isPath(word: Word): boolean {
  const [begin] = word.parts;
  if (word.quoted || typeof begin !== 'string' || !/^[.[]/.test(begin)) return false;
  const text = plainWord(word);
  if (text !== null) parsePath(text);
  return true;
}

export const expectUsage = [
  'expect = 1                     its value, or what it printed',
  'expect .nodes[id=n1].share = 0.5±0.1',
  'expect out|err|exit|error|took < 5s',
  'operators: = != < <= > >= ~ (regular expression) !~ contains',
  'expect .length = 0 within 5s   runs the command above again until it is so',
].join('\n');

/** Reads the words after `expect`. Throws `usage`. */
export function parseCheck(words: readonly Word[], line: number): Check {
  const wrong = (what: string): MusterError =>
    new MusterError('usage', `line ${line}: ${what}. Write it like\n${expectUsage}`, { details: { line } });
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
    throw wrong(`"${operator ?? ''}" is none of ${operators.join(' ')}`);
  if (rest.length !== 2) throw wrong(`one value stands after ${operator}; quote it when it has spaces`);
  return { subject, operator, wanted: rest[1]!, withinMs };
}

/** Does this say how the command fails? Only then may it. */
export const saysHowItFails = ({ subject }: Check): boolean =>
  subject !== null && ['exit', 'error', 'err'].includes(plainWord(subject) ?? '');

/** What a command comes to when nothing else is asked for: its value when it has one, else what it printed. */
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

/** `0.5±0.1` or `10±20%`: near enough? null: that is no such text. */
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
        throw new MusterError('usage', `"${wanted}" is no regular expression`, { cause });
      }
      return pattern.test(actual) === (operator === '~');
    }
  }
}

/** Why the outcome is not as expected, or null when it is. `value` says what a word stands for. */
export function missedBy(check: Check, value: (word: Word) => string, outcome: Outcome): string | null {
  const { operator } = check;
  const subject = check.subject === null ? null : value(check.subject);
  const wanted = value(check.wanted);
  const actual = actualOf(subject, outcome);
  const limit = subject === 'took' ? String(parseDuration(wanted)) : wanted;
  if (compare(operator, actual, limit)) return null;
  const shown = subject === 'took' ? formatDuration(outcome.ms) : `"${shorten(actual, 200)}"`;
  const what = subject ?? 'it';
  return `expected ${what} ${operator} ${wanted}, and it is ${shown}`;
}
