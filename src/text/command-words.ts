import { MusterError } from '../errors.js';
import { either, nearest } from './nearest.js';

/** The longest run of leading words that names a command, and what is left; null when there is none. */
export function findCommand(
  argv: readonly string[],
  ids: ReadonlySet<string>,
): { id: string; rest: string[] } | null {
  let found: { id: string; rest: string[] } | null = null;
  let id = '';
  for (let i = 0; i < argv.length && !argv[i]!.startsWith('-'); i++) {
    id = id === '' ? argv[i]! : `${id}:${argv[i]}`;
    if (ids.has(id)) found = { id, rest: argv.slice(i + 1) };
  }
  return found;
}

/** The error for words that name no command, with those that were likely meant. */
export function unknownCommand(words: readonly string[], ids: Iterable<string>, bin: string): MusterError {
  const names = [...ids].map((id) => id.replaceAll(':', ' '));
  const [topic = '', verb = ''] = words;
  const isTopic = names.some((name) => name.startsWith(`${topic} `));
  const guesses = guess(topic, verb, names, isTopic).map((name) => `\`${bin} ${name}\``);
  const meant = guesses.length > 0 ? `; did you mean ${either(guesses)}?` : '';
  // A second word that is not a verb is an argument, and not part of the unknown command.
  const both = isTopic || names.some((name) => name.endsWith(` ${verb}`) || name === `${verb} ${topic}`);
  const said = verb !== '' && both ? `${topic} ${verb}` : topic;
  return new MusterError('usage', `unknown command "${said}"${meant}`, {
    details: { command: isTopic ? topic : null },
  });
}

function guess(topic: string, verb: string, names: readonly string[], isTopic: boolean): readonly string[] {
  if (isTopic) {
    const own = names.filter((name) => name.startsWith(`${topic} `));
    return nearest(
      verb,
      own.map((name) => name.slice(topic.length + 1)),
    ).map((near) => `${topic} ${near}`);
  }
  // `start cluster`; `status`, without its topic: every command that has this verb.
  if (names.includes(`${verb} ${topic}`)) return [`${verb} ${topic}`];
  const withVerb = (word: string) => names.filter((name) => name.endsWith(` ${word}`));
  if (withVerb(topic).length > 0) return withVerb(topic);
  const whole = nearest(`${topic} ${verb}`.trim(), names);
  if (whole.length > 0) return whole;
  const firsts = nearest(
    topic,
    names.map((name) => name.split(' ', 1)[0]!),
  );
  if (firsts.length > 0) return firsts;
  return nearest(
    topic,
    names.map((name) => name.slice(name.indexOf(' ') + 1)),
  ).flatMap(withVerb);
}

/** oclif's error for flags that a command does not have, in words of our own. */
export function unknownFlags(words: readonly string[], known: readonly string[]): string {
  const names = words.map((word) => word.replace(/=.*$/s, ''));
  const meant = names.flatMap((name) => nearest(name.replace(/^-+/, ''), known));
  const guess = meant.length === 0 ? '' : `; did you mean ${either(meant.map((name) => `--${name}`))}?`;
  return `unknown ${names.length === 1 ? 'flag' : 'flags'} ${names.join(', ')}${guess}`;
}
