import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MusterError } from '../../src/errors.js';
import { requireNode } from '../../src/layout/paths.js';
import { toMusterError } from '../../src/render/error.js';
import { unknownCommand } from '../../src/text/command-words.js';
import { didYouMean, distance, namesBeside, nearest } from '../../src/text/nearest.js';
import { allCommands } from '../commands/all.js';

describe('the distance of two words', () => {
  it('counts letters put in, left out, changed and swapped', () => {
    expect([
      distance('', 'abc'),
      distance('cout', 'count'),
      distance('strat', 'start'),
      distance('kitten', 'sitting'),
    ]).toEqual([3, 1, 1, 3]);
  });

  it('is the same both ways, and 0 for the same word alone', () => {
    const word = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(distance(a, b)).toBe(distance(b, a));
        expect(distance(a, b) === 0).toBe(a === b);
      }),
    );
  });
});

describe('a guess', () => {
  it('is what is nearest, or what the word begins', () => {
    expect(nearest('conc', ['count', 'concurrency', 'key'])).toEqual(['concurrency']);
    expect(nearest('N2', ['n1', 'n2'])).toEqual(['n2']);
    expect(nearest('frobnicate', ['count'])).toEqual([]);
  });

  it('is not made when too many are as near', () => {
    const nodes = Array.from({ length: 12 }, (_, i) => `n${i + 1}`);
    expect(nearest('n0', nodes)).toEqual([]);
    expect(didYouMean('n99', nodes)).toBe('; did you mean n9?');
    expect(namesBeside('n99', nodes)).toBe('n1, n2, n3, n4, n5 and 7 more; did you mean n9?');
    expect(namesBeside('n9', ['n1', 'n2'])).toBe('n1, n2');
  });

  it('comes with the error for a node that there is not', () => {
    const nodes = ['anna', 'bert', 'carl', 'dora', 'emil', 'fritz'].map((id) => ({ id, port: 0 }));
    const file = { format: 1, name: 'x', cluster: 'c', createdAt: '', host: '', nodes } as const;
    expect(() => requireNode(file, 'dorra')).toThrowError(/and 1 more; did you mean dora\?$/);
  });
});

describe('an unknown command', () => {
  const said = (words: string): string =>
    unknownCommand(words.split(' '), Object.keys(allCommands), 'muster').message.replace(
      /^unknown command /,
      '',
    );

  it.each([
    ['conter incr', '"conter incr"; did you mean `muster counter incr`?'],
    ['node kil n1', '"node kil"; did you mean `muster node kill`?'],
    ['kill n2', '"kill"; did you mean `muster node kill`?'],
    ['kil n2', '"kil"; did you mean `muster node kill`?'],
    ['start cluster', '"start cluster"; did you mean `muster cluster start`?'],
    ['rout demo.echo', '"rout"; did you mean `muster route`?'],
    ['conter', '"conter"; did you mean `muster counter`?'],
    ['frobnicate x', '"frobnicate"'],
    ['node frobnicate', '"node frobnicate"'],
  ])('%s', (words, expected) => {
    expect(said(words)).toBe(expected);
  });

  it('that is the verb of several lists them all', () => {
    expect(said('get x')).toBe(
      '"get"; did you mean `muster config get`, `muster counter get` or `muster kv get`?',
    );
    expect(said('status')).toContain('`muster cluster status`');
  });

  it('of a topic points at the help of the topic', () => {
    expect(unknownCommand(['node', 'frobnicate'], Object.keys(allCommands), 'muster').hint).toBe(
      'See `muster node --help`.',
    );
  });
});

describe('an unknown flag', () => {
  const error = (flags: string[]) =>
    Object.assign(new Error(`Nonexistent flag: ${flags}\nSee more help with --help`), {
      flags,
      parse: { input: { flags: { count: {}, concurrency: {}, json: {} } } },
    });

  it('is told with those it may have been', () => {
    const { code, message } = toMusterError(error(['--cout']), 'route');
    expect([code, message]).toEqual(['usage', 'unknown flag --cout; did you mean --count?']);
    expect(toMusterError(error(['--cout=3', '--hlep', '-x']), 'route').message).toBe(
      'unknown flags --cout, --hlep, -x; did you mean --count or --help?',
    );
    expect(toMusterError(error(['--frobnicate']), 'route')).toBeInstanceOf(MusterError);
  });
});
