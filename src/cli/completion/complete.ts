import { findCommand } from '../../text/command-words.js';
import type { Program } from '../dispatch.js';
import type { Suggestion } from '../prompts/ask.js';
import { type CommandSpec, type FlagSpec, scan, specOf } from './spec.js';
import type { ValueKind } from './value-kind.js';
import type { ValueSource } from './value-source.js';

/** How the last word can continue. */
export interface Completion {
  /** Whole words in place of the last one. */
  readonly candidates: readonly Suggestion[];
  /** Can it also be a path? */
  readonly files: boolean;
}

type Known = Pick<Program, 'commands' | 'topics'>;
const nothing: Completion = { candidates: [], files: false };

/**
 * Completes the last of these words of a command line after `muster` ('' if it is not started yet). Loads only the command that
 * the words name, or those whose summaries are needed. Rejects only if loading a command does.
 */
export async function complete(
  words: readonly string[],
  program: Known,
  values: ValueSource,
): Promise<Completion> {
  const partial = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const helping = before[0] === 'help';
  const ids = new Set(Object.keys(program.commands));
  const found = findCommand(before, ids);
  if (found === null || helping) {
    const level = helping ? before.slice(1) : before;
    if (level.some((word) => word.startsWith('-'))) return nothing;
    return { candidates: await commandWords(level, partial, program, helping), files: false };
  }
  const { default: Command } = (await program.commands[found.id]!()) as { default: unknown };
  const completion = await ofCommand(specOf(Command), found.rest, partial, values);
  return { ...completion, candidates: usable(completion.candidates, partial) };
}

/** The candidates that continue the typed text, each once. Control characters cannot be typed, and a terminal would obey them. */
function usable(candidates: readonly Suggestion[], partial: string): Suggestion[] {
  const once = new Map<string, Suggestion>();
  for (const one of candidates) {
    if (!one.value.startsWith(partial) || /\p{Cc}/u.test(one.value) || once.has(one.value)) continue;
    once.set(one.value, { ...one, description: one.description.replace(/\p{Cc}+/gu, ' ') });
  }
  return [...once.values()];
}

/** The words that can follow these: topics and commands. */
async function commandWords(
  level: readonly string[],
  partial: string,
  { commands, topics }: Known,
  helping: boolean,
): Promise<Suggestion[]> {
  const lead = level.map((word) => `${word}:`).join('');
  const found = new Map<string, Suggestion>();
  for (const id of Object.keys(commands)) {
    if (!id.startsWith(lead)) continue;
    const [word = '', verb] = id.slice(lead.length).split(':');
    if (!word.startsWith(partial) || found.has(word)) continue;
    if (verb !== undefined) {
      found.set(word, { value: word, description: topics?.()[`${lead}${word}`]?.description ?? '' });
      continue;
    }
    const { default: Command } = (await commands[id]!()) as {
      default: { hidden?: boolean; summary?: string };
    };
    if (Command.hidden !== true) found.set(word, { value: word, description: Command.summary ?? '' });
  }
  if (level.length === 0 && !helping) {
    const own = [
      { value: 'help', description: 'Show help for a command' },
      ...(partial.startsWith('-')
        ? [
            { value: '--help', description: 'Show help' },
            { value: '--version', description: 'Show the version' },
          ]
        : []),
    ];
    for (const one of own) if (one.value.startsWith(partial)) found.set(one.value, one);
  }
  return [...found.values()].sort((a, b) => (a.value < b.value ? -1 : 1));
}

async function ofCommand(
  spec: CommandSpec,
  typed: readonly string[],
  partial: string,
  values: ValueSource,
): Promise<Completion> {
  const seen = scan(spec, typed);
  const { cluster } = seen;
  const context = cluster === null ? {} : { cluster };
  const of = (kind: ValueKind | undefined, typedSoFar: string) => valuesOf(kind, typedSoFar, values, context);
  const ofFlag = async (flag: FlagSpec, typedSoFar: string): Promise<Completion> => {
    const given = new Set(seen.given.get(flag.name));
    const found = flag.options
      ? { candidates: flag.options.map((value) => ({ value, description: '' })), files: false }
      : await of(spec.complete[flag.name], typedSoFar);
    return { ...found, candidates: found.candidates.filter(({ value }) => !given.has(value)) };
  };

  if (seen.dashes && spec.complete['--'] !== undefined)
    return seen.afterDashes === 0 ? of(spec.complete['--'], partial) : { candidates: [], files: true };
  if (!seen.dashes) {
    if (seen.open !== null) return ofFlag(seen.open, partial);
    const [, name, value] = /^--([^=]+)=(.*)$/s.exec(partial) ?? [];
    if (name !== undefined && value !== undefined) {
      const flag = spec.flags.find((one) => one.name === name);
      if (flag === undefined || flag.boolean) return nothing;
      const { candidates, files } = await ofFlag(flag, value);
      return { files, candidates: candidates.map((one) => ({ ...one, value: `--${name}=${one.value}` })) };
    }
    if (partial.startsWith('-')) return { candidates: flagWords(spec, seen.given, partial), files: false };
    if (seen.listOf !== null) return ofFlag(seen.listOf, partial);
  }
  const arg = spec.args[spec.strict ? seen.args.length : Math.min(seen.args.length, spec.args.length - 1)];
  if (arg === undefined)
    return seen.dashes ? nothing : { candidates: flagWords(spec, seen.given, partial), files: false };
  if (arg.options)
    return { candidates: arg.options.map((value) => ({ value, description: '' })), files: false };
  const { candidates, files } = await of(spec.complete[arg.name], partial);
  const given = new Set(spec.strict ? [] : seen.args);
  return { candidates: candidates.filter(({ value }) => !given.has(value)), files };
}

async function valuesOf(
  kind: ValueKind | undefined,
  typed: string,
  values: ValueSource,
  context: { readonly cluster?: string },
): Promise<Completion> {
  if (kind === undefined) return nothing;
  if (kind === 'file') return { candidates: [], files: true };
  // A strategy may be a module file, and a command may be outside the PATH.
  const files = kind === 'command' || (kind === 'strategy' && /^[./~]/.test(typed));
  return { candidates: await values.values(kind, typed, context), files };
}

/** The flags that can follow: none twice, unless it may be, and none that another excludes. */
function flagWords(
  { flags }: CommandSpec,
  given: ReadonlyMap<string, readonly string[]>,
  partial: string,
): Suggestion[] {
  const found: Suggestion[] = [];
  for (const { name, char, description, multiple, exclusive, allowNo, hidden } of flags) {
    if (hidden || (given.has(name) && !multiple) || exclusive.some((other) => given.has(other))) continue;
    found.push({ value: `--${name}`, description });
    if (allowNo) found.push({ value: `--no-${name}`, description });
    // A short form is offered only once it is typed: it would not save a keystroke.
    if (char !== null && partial === `-${char}`) found.push({ value: `-${char}`, description });
  }
  return found;
}
