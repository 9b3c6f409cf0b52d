import type { ValueKind } from '../completion/value-kind.js';
import type { ValueSource } from '../completion/value-source.js';
import { type Asking, ask, askYes } from './ask.js';

/** An argument or a flag that a command was not given. */
export interface Missing {
  readonly name: string;
  readonly as: 'argument' | 'flag' | 'switch';
  readonly description: string;
  readonly kind: ValueKind | null;
  /** The only values there are. */
  readonly options: readonly string[] | null;
}

const questions: Partial<Record<ValueKind, string>> = {
  cluster: 'Which cluster?',
  node: 'Which node?',
  key: 'Which key?',
  counter: 'Which counter?',
  name: 'Which key?',
  lock: 'Which lock?',
  tx: 'Which transaction?',
  method: 'Which method?',
  setting: 'Which setting?',
};

/** A description as the start of a sentence. */
const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

/** Prompts for each missing value. Resolves to the words to add to the command line; null: cancelled. */
export async function askMissing(
  missing: readonly Missing[],
  asking: Asking,
  values: ValueSource,
  cluster: string | undefined,
): Promise<{ args: string[]; flags: string[] } | null> {
  const words = { args: [] as string[], flags: [] as string[] };
  for (const { name, as, description, kind, options } of missing) {
    if (as === 'switch') {
      if (!(await askYes(`${sentence(description)}?`, asking))) return null;
      words.flags.push(`--${name}`);
      continue;
    }
    const context = cluster === undefined ? {} : { cluster };
    const answer = await ask(
      {
        message: (kind === null ? undefined : questions[kind]) ?? `${name}: ${description}`,
        suggest: (typed) =>
          options !== null
            ? options.map((value) => ({ value, description: '' }))
            : kind !== null
              ? values.values(kind, typed, context)
              : [],
        closed: options !== null,
      },
      asking,
    );
    if (answer === null) return null;
    if (as === 'flag') words.flags.push(`--${name}=${answer}`);
    else words.args.push(answer);
  }
  return words;
}
