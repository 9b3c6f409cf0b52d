/** The language of help, errors and statements: plain, uniform, and with units. What it cannot judge is left to reviewers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BaseCommand } from '../../src/cli/base-command.js';
import { scriptWords } from '../../src/cli/script/steps.js';
import { settingKeys } from '../../src/cli/settings.js';
import { catalogue } from '../../src/errors.js';
import { allCommands, type CommandClass, loadCommand } from '../commands/all.js';

interface Described {
  readonly description?: string;
}
interface Flag extends Described {
  readonly type?: string;
  readonly helpValue?: string;
  readonly default?: unknown;
  readonly defaultHelp?: (context: object) => Promise<string | undefined>;
  readonly parse?: (text: string, context: object, flag: object) => Promise<unknown>;
}

const described = (of: object = {}): [string, Flag][] => Object.entries(of as Record<string, Flag>);
const commands = await Promise.all(
  Object.keys(allCommands).map(async (id): Promise<[string, CommandClass]> => [id, await loadCommand(id)]),
);
const baseFlags = described(BaseCommand.baseFlags).map(
  ([name, flag]) => [`every command --${name}`, flag] as const,
);
const flags = [
  ...baseFlags,
  ...commands.flatMap(([id, command]) =>
    described(command.flags).map(([name, flag]) => [`${id} --${name}`, flag] as const),
  ),
];
const args = commands.flatMap(([id, command]) =>
  described(command.args).map(([name, arg]) => [`${id} ${name}`, arg] as const),
);
const packageFile = join(import.meta.dirname, '../../package.json');
const { topics } = (
  JSON.parse(readFileSync(packageFile, 'utf8')) as { oclif: { topics: Record<string, Described> } }
).oclif;

/** First words that end in "s" and are imperatives all the same. */
const imperatives = new Set(['Process', 'Pass', 'Access']);

/** A summary: imperative, one line, no full stop. */
function badSummary(text: string): string[] {
  const [first = ''] = text.split(/,? /);
  return [
    ...(/^[A-Z][a-z]+$/.test(first) ? [] : ['does not start with a capitalized verb']),
    ...(first.endsWith('s') && !imperatives.has(first) ? [`"${first}" is not imperative`] : []),
    ...(/[.!?;:]$/.test(text) ? ['ends with punctuation'] : []),
    ...(text.includes('\n') ? ['has several lines'] : []),
  ];
}

/** A flag or argument: a lower-case phrase without a full stop. */
function badPhrase(text: string): string[] {
  return [
    ...(text.trim() === '' ? ['is missing'] : []),
    ...(/^(?:[a-z]|[A-Z]{2})/.test(text) ? [] : ['does not start in lower case']),
    ...(/[.!;:]$/.test(text) ? ['ends with punctuation'] : []),
  ];
}

/** What `bad` says of each text, with the place of the text. */
const problems = (texts: readonly (readonly [string, string])[], bad: (text: string) => string[]): string[] =>
  texts.flatMap(([place, text]) => bad(text).map((what) => `${place}: ${what}: ${text}`));

describe('help', () => {
  it('summarizes every command and topic in an imperative without a full stop', () => {
    const summaries = [
      ...commands.map(([id, { summary = '' }]) => [id, summary] as const),
      ...Object.entries(topics).map(([name, { description = '' }]) => [name, description] as const),
    ];
    expect(summaries.length).toBeGreaterThan(50);
    expect(problems(summaries, badSummary)).toEqual([]);
  });

  it('describes every flag and argument in a lower-case phrase without a full stop', () => {
    const phrases = [...flags, ...args].map(([place, { description = '' }]) => [place, description] as const);
    expect(problems(phrases, badPhrase)).toEqual([]);
  });

  it('shows durations and their defaults with a unit', async () => {
    const unit = /\d(?:ms|s|m|h)\b/;
    let durations = 0;
    for (const [place, flag] of flags) {
      const value = await flag.parse?.('90s', {}, { name: place }).catch(() => null);
      if (value !== 90_000) continue;
      durations++;
      expect(flag.helpValue, place).toMatch(unit);
      const shown = await flag.defaultHelp?.({ options: flag, flags: {} });
      if (flag.default === undefined && shown === undefined) continue;
      expect(shown, place).toMatch(unit);
    }
    expect(durations).toBeGreaterThan(5);
  });

  it('names the unit of sizes and percentages', () => {
    for (const [place, { helpValue, description }] of flags) {
      if (/size|bytes/i.test(`${place} ${helpValue}`)) expect(description, place).toContain('bytes');
      if (helpValue === 'PERCENT') expect(description, place).toContain('percent');
    }
  });

  it('never puts a bare default in parentheses', () => {
    for (const [place, { description }] of flags)
      expect(description, place).not.toMatch(/\(\s*\d[\w.]*\s*\)/);
  });
});

describe('commands that only read', () => {
  /** Their errors do not say whether they took effect. */
  const reading = new Set([
    ...['get', 'list', 'show', 'status', 'logs', 'inspect', 'locate', 'owners', 'plan'],
    ...['wait', 'watch', 'simulate', 'completion'],
  ]);

  it('are declared as such, and no others', () => {
    const declared = commands.filter(([, command]) => (command as { readOnly?: boolean }).readOnly);
    const wanted = Object.keys(allCommands).filter(
      (id) => reading.has(id.split(':').at(-1) as string) || id === 'bench:ring',
    );
    expect(declared.map(([id]) => id)).toEqual(wanted);
  });
});

describe('the language', () => {
  /** Archaic, indirect or private phrases, each with an example of what it stood for. */
  const banned: readonly RegExp[] = [
    /\bis no (?!longer)/i, // "x" is no number
    /\bso it is\b/i, // in-sync: so it is
    /\bwho(?:ever|m)\b/i, // whoever has not ended
    /\b(?:no|some|every)body\b/i, // nobody says why
    /\bmend(?:s|ed)?\b/i,
    /\bput out\b/i,
    /\b(?:stands?|stood) (?:above|below|before|after)\b/i,
    /\b(?:left|leave it) out\b/i,
    /\bso (?:many|often|long)\b/i, // until there are so many
    /\bthere (?:is|are) (?:no|so)\b/i, // there is no node of that name
    /\bwhat (?:was|is|it|came)\b/i, // what was done stays done
    /\bat once\b/i, // immediately, or concurrently?
    /\bby (?:itself|themselves)\b/i,
    /\bone['’]s own\b/i,
    /\ball the while\b/i,
    /\banew\b/i,
    /\bas wanted\b/i,
    /\bforg[eo]t(?:s|ten)?\b/i, // the setting is forgotten
    /\b(?:goes|go|went) on\b/i, // continues
    /\bcomes? back\b/i,
    /\bsays so\b/i,
    /\btells?\b/i, // as `tx list` tells it
    /\bbeside\b/i,
    /\bbeacons?\b/i, // heartbeat
    /[a-z]!/i,
  ];

  const texts: (readonly [string, string])[] = [
    ...commands.flatMap(([id, command]) => [
      [`${id} summary`, command.summary ?? ''] as const,
      [`${id} description`, (command as Described).description ?? ''] as const,
    ]),
    ...[...flags, ...args].map(([place, { description = '' }]) => [place, description] as const),
    ...Object.entries(topics).map(([name, { description = '' }]) => [`topic ${name}`, description] as const),
    ...Object.entries(catalogue).map(([code, { hint }]) => [`error ${code}`, hint] as const),
    ...Object.entries(scriptWords).map(([word, help]) => [`statement ${word}`, help] as const),
    ...Object.entries(settingKeys).map(([key, { about }]) => [`setting ${key}`, about] as const),
  ];

  it('of help, hints and statements is plain', () => {
    const found = problems(texts, (text) =>
      banned.filter((phrase) => phrase.test(text)).map((phrase) => `matches ${phrase}`),
    );
    expect(found).toEqual([]);
  });

  it('of hints is a sentence', () => {
    for (const [code, { hint }] of Object.entries(catalogue)) expect(hint, code).toMatch(/^[A-Z].*[.`]$/);
  });
});
