import type { ValueKind } from './value-kind.js';

/** A flag, as far as completion needs to know it. */
export interface FlagSpec {
  readonly name: string;
  readonly char: string | null;
  readonly description: string;
  readonly boolean: boolean;
  readonly multiple: boolean;
  /** Every word that follows is its value, too, until the next flag. */
  readonly greedy: boolean;
  readonly allowNo: boolean;
  readonly hidden: boolean;
  readonly exclusive: readonly string[];
  readonly options: readonly string[] | null;
}

/** What a command takes. */
export interface CommandSpec {
  readonly flags: readonly FlagSpec[];
  readonly args: readonly { readonly name: string; readonly options: readonly string[] | null }[];
  /** Takes no more arguments than these; else the last one may be repeated. */
  readonly strict: boolean;
  readonly complete: Readonly<Record<string, ValueKind | undefined>>;
}

/** A flag as oclif's classes declare it. */
interface OclifFlag {
  readonly char?: string;
  readonly type?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly multiple?: boolean;
  readonly multipleNonGreedy?: boolean;
  readonly allowNo?: boolean;
  readonly hidden?: boolean;
  readonly exclusive?: readonly string[];
  readonly options?: readonly string[];
}

interface OclifCommand {
  readonly baseFlags?: Readonly<Record<string, OclifFlag>>;
  readonly flags?: Readonly<Record<string, OclifFlag>>;
  readonly args?: Readonly<Record<string, { readonly options?: readonly string[] }>>;
  readonly strict?: boolean;
  readonly enableJsonFlag?: boolean;
  readonly complete?: Readonly<Record<string, ValueKind>>;
}

const ownFlags = (json: boolean): Readonly<Record<string, OclifFlag>> => ({
  ...(json ? { json: { type: 'boolean', description: 'print one JSON value on stdout' } } : {}),
  help: { type: 'boolean', description: 'show help' },
});

/** The arguments and flags that a command class declares. */
export function specOf(command: unknown): CommandSpec {
  const { baseFlags, flags, args, strict, enableJsonFlag, complete } = command as OclifCommand;
  const all = { ...flags, ...without(baseFlags, flags), ...ownFlags(enableJsonFlag === true) };
  return {
    flags: Object.entries(all).map(([name, flag]) => ({
      name,
      char: flag.char ?? null,
      description: flag.summary ?? flag.description ?? '',
      boolean: flag.type === 'boolean',
      multiple: flag.multiple === true,
      greedy: flag.multiple === true && flag.multipleNonGreedy !== true,
      allowNo: flag.allowNo === true,
      hidden: flag.hidden === true,
      exclusive: flag.exclusive ?? [],
      options: flag.options ?? null,
    })),
    args: Object.entries(args ?? {}).map(([name, arg]) => ({ name, options: arg.options ?? null })),
    strict: strict !== false,
    complete: { cluster: 'cluster', ...complete },
  };
}

/** The command's own flags come first, and in place of those that all have. */
const without = (base: OclifCommand['baseFlags'], own: OclifCommand['flags']) =>
  Object.fromEntries(Object.entries(base ?? {}).filter(([name]) => !Object.hasOwn(own ?? {}, name)));

/** What the words before the last one came to. */
export interface Scanned {
  /** Flags that were given, with their values. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly args: readonly string[];
  /** The flag whose value comes next. */
  readonly open: FlagSpec | null;
  /** The flag that takes further words as values. */
  readonly listOf: FlagSpec | null;
  /** Was there a "--"? */
  readonly dashes: boolean;
  readonly afterDashes: number;
  /** The cluster that was named, by a flag or an argument. */
  readonly cluster: string | null;
}

/** Reads words as oclif's parser does; what it would refuse is passed over. */
export function scan({ flags, args: argSpecs, complete }: CommandSpec, words: readonly string[]): Scanned {
  const given = new Map<string, string[]>();
  const args: string[] = [];
  let open: FlagSpec | null = null;
  let listOf: FlagSpec | null = null;
  let dashes = false;
  let afterDashes = 0;
  let cluster: string | null = null;
  const give = (flag: FlagSpec, value: string): void => {
    given.set(flag.name, [...(given.get(flag.name) ?? []), value]);
    if (flag.name === 'cluster') cluster = value;
  };
  for (const word of words) {
    if (dashes) afterDashes++;
    if (open !== null) {
      give(open, word);
      open = null;
    } else if (word === '--' && !dashes) {
      dashes = true;
    } else if (!dashes && /^-./.test(word)) {
      const [flag, value] = flagOf(word, flags);
      if (flag === null) continue;
      if (flag.boolean) give(flag, '');
      else if (value === null) open = flag;
      else give(flag, value);
      if (!flag.boolean) listOf = flag.greedy ? flag : null;
    } else if (!dashes && listOf !== null) {
      give(listOf, word);
    } else {
      const name = argSpecs[args.length]?.name;
      if (name !== undefined && complete[name] === 'cluster') cluster ??= word;
      args.push(word);
    }
  }
  return { given, args, open, listOf, dashes, afterDashes, cluster };
}

/** The flag that a word names, and the value that it holds: `--by=5`, `-n5`, `-n=5`. */
function flagOf(word: string, flags: readonly FlagSpec[]): [flag: FlagSpec | null, value: string | null] {
  const [, name, value = null] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
  if (name !== undefined) {
    const flag = flags.find((one) => one.name === name || (one.allowNo && name === `no-${one.name}`));
    return [flag ?? null, value];
  }
  const flag = flags.find(({ char }) => char === word[1]) ?? null;
  return [flag, word.length > 2 ? word.slice(word[2] === '=' ? 3 : 2) : null];
}
