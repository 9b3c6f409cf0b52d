import type { Program } from '../dispatch.js';
import type { CommandIo } from '../io.js';
import { type Completion, complete } from './complete.js';
import { replacedFrom, splitTyped, typedAs } from './typed-line.js';
import { valuesOf } from './value-source.js';

/**
 * What `muster __complete` prints for the scripts of `muster completion`: one candidate per line, a tab, its description; and `:files` as the last
 * line where a path is possible. Never rejects: a person who presses Tab wants no error.
 *
 *   -- WORD…             the words behind `muster`, the last one as far as it is typed
 *   --fish -- WORD…      the same, the last one with its quotes
 *   --bash LINE BREAKS   the whole line up to the cursor; candidates as readline puts them in, behind one of COMP_WORDBREAKS
 */
export async function answer(
  argv: readonly string[],
  program: Program,
  io: Pick<CommandIo, 'lend' | 'defaults'>,
): Promise<string> {
  try {
    const values = valuesOf(io);
    if (argv[0] === '--bash') {
      const typed = splitTyped(argv[1] ?? '');
      const found = await complete(typed.words.slice(1), program, values);
      const from = replacedFrom(typed, argv[2] ?? '');
      const stands = splitTyped(typed.raw.slice(0, from)).words.at(-1)!.length;
      return linesOf(found, (value) => typedAs(value.slice(stands), typed.quote));
    }
    const words = argv.slice(argv.indexOf('--') + 1);
    if (argv[0] === '--fish') words.push(splitTyped(words.pop() ?? '').words.at(-1)!);
    return linesOf(await complete(words, program, values), (value) => value);
  } catch {
    return '';
  }
}

const linesOf = ({ candidates, files }: Completion, show: (value: string) => string): string =>
  [
    ...candidates.map(({ value, description }) => `${show(value)}\t${description}\n`),
    ...(files ? [':files\n'] : []),
  ].join('');
