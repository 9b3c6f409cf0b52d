import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { complete } from '../../src/cli/completion/complete.js';
import { splitTyped, typedAs } from '../../src/cli/completion/typed-line.js';
import type { PlainKind, ShapedKind, ValueKind } from '../../src/cli/completion/value-kind.js';
import { shapedValues } from '../../src/cli/completion/value-shapes.js';
import type { ValueSource } from '../../src/cli/completion/value-source.js';
import { allCommands } from '../commands/all.js';

const there: Partial<Record<ValueKind, readonly string[]>> = {
  node: ['n1', 'n2', 'web-1'],
  counter: ['hits', 'bad\u001b[31m', 'two words'],
  cluster: ['shop'],
  strategy: ['random', 'hash', 'round-robin'],
  lock: ['deploy'],
  command: ['make', 'man'],
  fault: ['f1', 'f2'],
};
const suggest = (names: readonly string[] = []) =>
  names.map((value) => ({ value, description: `a\n${value}` }));

/** What completion asked for, beside what it offers. */
async function tab(...words: string[]) {
  const asked: [ValueKind, string, string | undefined][] = [];
  const values: ValueSource = {
    values: async (kind, prefix, { cluster }) => {
      asked.push([kind, prefix, cluster]);
      return suggest(there[kind]);
    },
  };
  const topics = () => ({ counter: { description: 'Count.' } });
  const { candidates, files } = await complete(words, { commands: allCommands, topics }, values);
  return { candidates, files, asked, words: candidates.map(({ value }) => value) };
}

describe('completing', () => {
  it('begins with topics and commands, and says what they are', async () => {
    expect((await tab('cou')).candidates).toEqual([{ value: 'counter', description: 'Count.' }]);
    expect((await tab('counter', 'in')).candidates).toEqual([
      { value: 'incr', description: 'Increment a counter and print its value' },
    ]);
    expect((await tab('counter', '')).words).toEqual(['decr', 'get', 'incr', 'list', 'reset']);
    expect((await tab('help', 'counter', 'i')).words).toEqual(['incr']);
    expect((await tab('--v')).words).toEqual(['--version']);
    expect((await tab()).words).toContain('help');
  });

  it('loads no command but the one that is meant', async () => {
    const loaded: string[] = [];
    const commands = Object.fromEntries(
      Object.entries(allCommands).map(([id, load]) => [
        id,
        () => {
          loaded.push(id);
          return load();
        },
      ]),
    );
    const values: ValueSource = { values: async () => [] };
    await complete(['counter', 'incr', ''], { commands }, values);
    expect(loaded).toEqual(['counter:incr']);
  });

  it('leaves out what is hidden', async () => {
    const Hidden = { hidden: true };
    const commands = {
      'x:seen': async () => ({ default: {} }),
      'x:unseen': async () => ({ default: Hidden }),
    };
    const { candidates } = await complete(['x', ''], { commands }, { values: async () => [] });
    expect(candidates).toEqual([{ value: 'seen', description: '' }]);
  });

  it('offers the values of an argument, those that can be typed', async () => {
    const { candidates, asked } = await tab('counter', 'incr', '');
    expect(candidates).toEqual([
      { value: 'hits', description: 'a hits' },
      { value: 'two words', description: 'a two words' },
    ]);
    expect(asked).toEqual([['counter', '', undefined]]);
    expect((await tab('counter', 'incr', 'hits', 'h')).words).toEqual([]);
  });

  it('repeats the last argument where there may be many, none twice', async () => {
    expect((await tab('node', 'kill', 'n1', '--if-safe', 'web-1', '')).words).toEqual(['n2']);
    expect((await tab('fault', 'heal', 'f1', '')).words).toEqual(['f2']);
    expect((await tab('node', 'inspect', 'n1', 'n')).words).toEqual([]);
  });

  it('offers flags once, unless they may be repeated, and none that another excludes', async () => {
    expect((await tab('counter', 'incr', 'hits', '--b')).words).toEqual(['--by']);
    expect((await tab('counter', 'incr', '--by', '3', 'hits', '--b')).words).toEqual([]);
    expect((await tab('counter', 'incr', '-c', 'shop', '--c')).words).toEqual([]);
    expect((await tab('cluster', 'logs', '--node', 'n1', '--n')).words).toContain('--node');
    expect((await tab('counter', 'list', '--json', '--n')).words).not.toContain('--ndjson');
    expect((await tab('counter', 'list', '--j')).words).toEqual(['--json']);
    expect((await tab('shell', '--j')).words).toEqual([]);
    expect((await tab('route', 'demo.echo', '--no-i')).words).toEqual(['--no-idempotent', '--no-input']);
    expect((await tab('cluster', 'start', '-n')).words).toEqual(['-n']);
    // Where nothing else can follow, flags do.
    expect((await tab('wait', '')).words[0]).toBe('--for');
  });

  it('offers the values of a flag, after it or in it', async () => {
    expect((await tab('cluster', 'start', '--durability', '')).words).toEqual(['fsync', 'process']);
    expect((await tab('cluster', 'start', '--durability=p')).words).toEqual(['--durability=process']);
    expect((await tab('fault', 'arm', '--node', 'n')).words).toEqual(['n1', 'n2']);
    expect((await tab('kv', 'get', '-c', 's')).words).toEqual(['shop']);
    expect((await tab('tx', 'run', '-c', 'put')).words).toEqual([]);
    expect((await tab('counter', 'incr', '--quiet=')).words).toEqual([]);
    expect((await tab('counter', 'incr', '--nope=', '')).words).toEqual(['hits', 'two words']);
    // oclif takes every word after such a flag as one more of its values.
    expect((await tab('ring', 'plan', '--remove', 'n1', '')).words).toEqual(['n2', 'web-1']);
    expect((await tab('ring', 'plan', '--remove', 'n1', '--max-moved', '5%', 'n')).words).toEqual([]);
  });

  it('asks the cluster that is named', async () => {
    expect((await tab('counter', 'incr', '--cluster=shop', '')).asked).toEqual([['counter', '', 'shop']]);
    expect((await tab('cluster', 'logs', 'shop', '--node', '')).asked).toEqual([['node', '', 'shop']]);
  });

  it('leaves paths to the shell', async () => {
    expect(await tab('cluster', 'deploy', 'a')).toMatchObject({ words: [], files: true });
    expect(await tab('route', 'x.y', '--strategy', './')).toMatchObject({ words: [], files: true });
    expect(await tab('route', 'x.y', '--strategy', 'ra')).toMatchObject({ words: ['random'], files: false });
  });

  it('offers no flags behind "--", but the command that `lock run` runs', async () => {
    expect(await tab('lock', 'run', 'deploy', '--', 'ma')).toMatchObject({
      words: ['make', 'man'],
      files: true,
    });
    expect(await tab('lock', 'run', 'deploy', '--', 'make', '-')).toMatchObject({ words: [], files: true });
    expect((await tab('counter', 'incr', '--', '--')).words).toEqual([]);
    expect((await tab('counter', 'incr', '--', 'h')).words).toEqual(['hits']);
  });

  it('never throws, and offers only what goes on from what is typed', async () => {
    const ids = Object.keys(allCommands).flatMap((id) => id.split(':'));
    const odd = fc.constantFrom(
      '',
      '-',
      '--',
      '--=',
      '-c',
      '--cluster',
      '--node=',
      '--by',
      '-nx',
      'help',
      '*',
    );
    const word = fc.oneof(fc.constantFrom(...ids), odd, fc.string({ maxLength: 6 }));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(allCommands)),
        fc.array(word, { maxLength: 5 }),
        fc.boolean(),
        async (id, rest, whole) => {
          const typed = [...(whole ? id.split(':') : []), ...rest];
          const { words } = await tab(...typed);
          for (const offered of words) expect(offered.startsWith(typed.at(-1) ?? '')).toBe(true);
          expect(new Set(words).size).toBe(words.length);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('values with others inside', () => {
  const values = async (kind: ShapedKind, typed: string): Promise<string[]> => {
    const found = await shapedValues(kind, typed, async (of: PlainKind) => suggest(there[of]));
    return found.map(({ value }) => value).filter((value) => value.startsWith(typed));
  };

  it.each<[ShapedKind, string, string[]]>([
    ['strategies', '', ['random', 'hash', 'round-robin']],
    ['strategies', 'random,r', ['random,round-robin']],
    ['groups', 'n1,', ['n1,n2', 'n1,web-1']],
    ['groups', 'n1/n2,', ['n1/n2,web-1']],
    ['node-value', 'n', ['n1=', 'n2=']],
    ['node-value', 'n1=2', []],
    ['node-values', 'n1=2,', ['n1=2,n2=', 'n1=2,web-1=']],
    ['node-values', 'n1=2,n2=', []],
    ['link', 'n1', ['n1']],
    ['link', 'n1-', ['n1-n2', 'n1-web-1']],
    ['link', 'web-1-', ['web-1-n1', 'web-1-n2']],
    ['fence', 'd', ['deploy:']],
    ['fence', 'deploy:', []],
    ['condition', 'm', ['members=3']],
    ['condition', 'primary=w', ['primary=web-1']],
  ])('%s, of which %j is typed', async (kind, typed, expected) => {
    expect(await values(kind, typed)).toEqual(expected);
  });
});

describe('a line that is being typed', () => {
  it.each([
    ['muster kv get "a b', { words: ['muster', 'kv', 'get', 'a b'], raw: '"a b', quote: '"' }],
    ["x 'it'\\''s '", { words: ['x', "it's "], raw: "'it'\\''s '", quote: '' }],
    ['x a\\ b', { words: ['x', 'a b'], raw: 'a\\ b', quote: '' }],
    ['x ', { words: ['x', ''], raw: '', quote: '' }],
    ['', { words: [''], raw: '', quote: '' }],
  ])('%j', (line, expected) => {
    expect(splitTyped(line)).toEqual(expected);
  });

  it('reads again whatever is typed as a value', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('' as const, "'" as const, '"' as const), (value, quote) => {
        fc.pre(value !== '' || quote !== '');
        const { words } = splitTyped(`x ${quote}${typedAs(value, quote)}${quote}`);
        expect(words).toEqual(['x', value]);
      }),
    );
  });
});
