import { describe, expect, it } from 'vitest';
import { specOf } from '../../src/cli/completion/spec.js';
import { splitTyped } from '../../src/cli/completion/typed-line.js';
import { findCommand } from '../../src/text/command-words.js';
import { allCommands, loadCommand } from '../commands/all.js';

const ids = new Set(Object.keys(allCommands));
const program = '<%= config.bin %>';

/** The muster commands in an example, each as its words behind `muster`: it may be a pipeline. */
function invocations(example: string): string[][] {
  const words = splitTyped(example.replaceAll(program, 'muster')).words;
  const found: string[][] = [];
  let open: string[] | null = null;
  for (const word of words) {
    if (word === 'muster' || word.endsWith('$(muster')) {
      open = [];
      found.push(open);
    } else if (/^(\||&&|&|<|>|>>)$/.test(word)) open = null;
    // A substitution ends with its bracket.
    else open?.push(word.replace(/\)$/, ''));
  }
  return found;
}

describe.each([...ids])('the help of %s', (id) => {
  it('has a summary, and examples that can be typed', async () => {
    const command = await loadCommand(id);
    expect(command.summary).toMatch(/\S/);
    expect(command.examples ?? []).not.toHaveLength(0);
    for (const example of command.examples as string[]) {
      // At its beginning, or behind a pipe, an operator or a variable's "=$(".
      expect(example).toMatch(/(^|\| |&& |=\$\()<%= config\.bin %>/);
      for (const words of invocations(example)) await expectKnown(words);
    }
    const shown = (command.examples as string[]).flatMap(invocations);
    expect(shown.some((words) => words.join(':').startsWith(id))).toBe(true);
  });

  it('knows what kind of value goes where', async () => {
    const { args = {}, flags = {}, complete = {} } = await loadCommand(id);
    const names = [...Object.keys(args), ...Object.keys(flags), '--'];
    expect(names).toEqual(expect.arrayContaining(Object.keys(complete)));
  });
});

/** These words name a command, and every flag in them is one of its own. */
async function expectKnown(words: readonly string[]): Promise<void> {
  if (words.length === 0) return;
  const found = findCommand(words, ids);
  expect(found, `muster ${words.join(' ')}`).not.toBeNull();
  const { flags } = specOf(await loadCommand(found!.id));
  for (const word of found!.rest) {
    if (word === '--') return;
    if (!/^-/.test(word) || word === '-') continue;
    const name = /^--?([^=]+)/.exec(word)![1]!;
    const known = flags.some(
      (flag) => flag.name === name || (flag.char === name[0] && !word.startsWith('--')),
    );
    expect(known, `${word} in muster ${words.join(' ')}`).toBe(true);
  }
}
