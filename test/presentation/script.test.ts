import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MusterError } from '../../src/errors.js';
import { missedBy, type Outcome, parseCheck } from '../../src/presentation/script/checks.js';
import { Interpreter, type ScriptHost, sourceOf } from '../../src/presentation/script/interpreter.js';
import { junitOf } from '../../src/presentation/script/junit.js';
import { follow, parsePath } from '../../src/presentation/script/path.js';
import { parseScript } from '../../src/presentation/script/steps.js';
import { StepStream } from '../../src/presentation/script/stream.js';
import { expand, linesOf, UnfinishedText } from '../../src/presentation/script/words.js';
import { parseXml } from './strict-xml.js';

const none = (): undefined => undefined;
const wordsOf = (text: string): string[][] =>
  linesOf(text).map(({ words }) => words.map((word) => expand(word, none)));

const done = (value: unknown = undefined, more: Partial<Outcome> = {}): Outcome => ({
  code: 0,
  value,
  error: null,
  out: '',
  err: '',
  ms: 1,
  ...more,
});

describe('the words of a script', () => {
  it('are split at spaces, ended by line ends and semicolons, and shortened by comments', () => {
    expect(wordsOf('a b  c\nd;e f # a comment ; not this\n\n  # nor this\ng#h')).toEqual([
      ['a', 'b', 'c'],
      ['d'],
      ['e', 'f'],
      ['g#h'],
    ]);
    expect(linesOf('a\n\nb; c\n').map(({ line }) => line)).toEqual([1, 3, 3]);
    expect(linesOf('a \\\n  b\nc').map(({ line, words }) => [line, words.length])).toEqual([
      [1, 2],
      [3, 1],
    ]);
  });

  it('are quoted as bash quotes them', () => {
    const piece = fc.oneof(
      fc.stringMatching(/^[a-zA-Z0-9_.,:=/-]{1,6}$/),
      fc.stringMatching(/^[^'\u0000\n]{0,8}$/).map((text) => `'${text}'`),
      fc.stringMatching(/^[a-z ;#|&<>'*()!-]{0,8}$/).map((text) => `"${text}"`),
      fc.constantFrom('"\\""', '"\\\\"', '"\\$x"', '"\\q"', '\\ ', '\\#', "\\'", '\\"', '\\;', '\\|'),
    );
    const words = fc.array(
      fc.array(piece, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')),
      {
        minLength: 1,
        maxLength: 5,
      },
    );
    fc.assert(
      fc.property(words, (list) => {
        const line = list.join(' ');
        const bash = execFileSync('bash', ['--norc', '-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' });
        expect(wordsOf(line)).toEqual([bash.split('\0').slice(0, -1)]);
      }),
      { numRuns: 60 },
    );
  });

  it('stand for variables, but not in single quotes; one that holds nothing is refused', () => {
    const held = (name: string) => (name === 'n' ? '4 and 5' : undefined);
    const [line] = linesOf(`a$n "$\{n}x" '$n' \\$n $ $1`);
    expect(line!.words.map((word) => expand(word, held))).toEqual([
      'a4 and 5',
      '4 and 5x',
      '$n',
      '$n',
      '$',
      '$1',
    ]);
    expect(() => expand(linesOf('$nope')[0]!.words[0]!, held)).toThrow('$nope holds nothing');
    expect(() => linesOf('${n')).toThrow('is no variable');
  });

  it.each([
    ["a 'b", UnfinishedText],
    ['a "b', UnfinishedText],
    ['a \\', UnfinishedText],
  ])('that are not whole yet say so: %s', (text, kind) => {
    expect(() => linesOf(`fine\n${text}`)).toThrow(kind);
    expect(() => linesOf(`fine\n${text}`)).toThrow('line 2');
  });

  it.each(['a | b', 'a && b', 'a & b', '`a`', '$(a)'])(
    'of a shell that is not this one are refused: %s',
    (text) => {
      expect(() => linesOf(text)).toThrow('is for a shell');
    },
  );

  it('of a story are told as they are, with quotes, semicolons and all', () => {
    expect(wordsOf('say It\'s n1\'s; "so" # there\nnext')).toEqual([
      ['say', 'It\'s n1\'s; "so" # there'],
      ['next'],
    ]);
  });
});

describe('the steps of a script', () => {
  it('are commands, and the words that the grammar has besides', () => {
    const steps = parseScript(
      'counter incr a\nexpect = 1\nkeep a .value\nrepeat 3\n  background counter incr b\nend\nwait\nwait --for ready\nfinally\nend\nuse x\nsay hello',
    );
    expect(steps.map(({ kind, line }) => [kind, line])).toEqual([
      ['command', 1],
      ['expect', 2],
      ['keep', 3],
      ['repeat', 4],
      ['wait', 7],
      ['command', 8],
      ['finally', 9],
      ['use', 11],
      ['say', 12],
    ]);
    expect(parseScript('"expect" = 1')[0]!.kind).toBe('command');
  });

  it.each([
    ['expect = 1', 'stands below the command'],
    ['a\nrepeat 2\nexpect = 1\nend', 'line 3'],
    ['a\nend', '`end` ends nothing'],
    ['repeat\nend', '`repeat` takes'],
    ['a\nexpect is 1', 'line 2: "is" is none of'],
    ['a\nexpect = 1 2', 'one value stands after ='],
    ['a\nexpect .x[ = 1', 'is no path'],
    ['a\nkeep 9', '`keep` takes a name'],
    ['a\nkeep a b', 'is a path'],
    ['use', '`use` takes'],
  ])('that cannot be are refused before anything runs: %j', (text, said) => {
    expect(() => parseScript(text)).toThrow(said);
  });

  it('of a block without end may go on', () => {
    expect(() => parseScript('repeat 3\nx')).toThrow(UnfinishedText);
  });
});

describe('what is expected', () => {
  const status = {
    nodes: [
      { id: 'n1', share: 0.52 },
      { id: 'n2', share: 0.48 },
    ],
    name: 'hits',
    value: 7,
  };
  const outcome = done(status, { out: 'two\nlines\n', err: 'noted\n', ms: 1500 });
  const check = (text: string) => parseCheck(linesOf(text)[0]!.words, 1);
  const missed = (text: string, of = outcome) => missedBy(check(text), (word) => expand(word, none), of);

  it.each([
    '= 7',
    '= 7.0',
    '!= 8',
    '> 6',
    '>= 7',
    '< 7.5',
    '<= 7',
    '~ ^7$',
    '!~ 8',
    '.nodes[0].id = n1',
    '.nodes[-1].id = n2',
    '.nodes[id=n2].share = 0.5±0.05',
    '.nodes[id=n2].share = 0.5+-10%',
    '.nodes.length = 2',
    '.nodes[id=n9].share = ""',
    'out contains lines',
    'out = "two\nlines"',
    'err = noted',
    'exit = 0',
    'took < 2s',
    'took >= 1500ms',
  ])('holds: %s', (text) => {
    expect(missed(text)).toBeNull();
  });

  it.each([
    '= 8',
    '!= 7',
    '> 7',
    '.nodes[id=n2].share = 0.5±0.01',
    '.nodes[5].id = n1',
    'out = two',
    'took < 1s',
    'exit = 1',
    '.constructor != ""',
    '.name > 3',
  ])('is missed: %s', (text) => {
    expect(missed(text)).toMatch(/^expected /);
  });

  it('looks at what was printed when a command has no value of that name', () => {
    expect(missed('= "two\nlines"', done([1, 2], { out: 'two\nlines\n' }))).toBeNull();
  });

  it('follows paths that are there, and none that are not', () => {
    expect(follow(status, parsePath('.'))).toBe(status);
    expect(follow({ a: null }, parsePath('.a.b[0]'))).toBeUndefined();
    expect(() => parsePath('.a..b')).toThrow('is no path');
  });
});

/** A host whose commands are functions; `ran` has their words in order. */
function fake(
  commands: Record<string, (argv: readonly string[], signal: AbortSignal) => Outcome | Promise<Outcome>> = {},
) {
  const ran: string[] = [];
  const told: string[] = [];
  const host: ScriptHost = {
    run: async (argv, _where, signal) => {
      ran.push(argv.join(' '));
      return (
        (await commands[argv[0]!]?.(argv, signal)) ?? done(undefined, { out: `${argv.slice(1).join(' ')}\n` })
      );
    },
    use: (name) => void told.push(`use ${name}`),
    say: (text) => void told.push(text),
    variable: none,
  };
  return { host, ran, told };
}
const failing = (code = 6): Outcome => done(undefined, { code, error: new MusterError('conflict', 'no') });
const run = (host: ScriptHost, text: string, options: ConstructorParameters<typeof Interpreter>[1] = {}) =>
  new Interpreter(host, options).run(sourceOf(parseScript(text)));

describe('a script that runs', () => {
  it('does one step after the other, with values kept and counted', async () => {
    const { host, ran, told } = fake({ get: () => done({ value: 4, list: [{ id: 'n3' }] }) });
    const text =
      'get x; keep v; keep n .list[0].id; echo $v $n\nrepeat 2\n  echo $i\nend\nuse other; say v is $v';
    expect(await run(host, text)).toBeNull();
    expect(ran).toEqual(['get x', 'echo 4 n3', 'echo 1', 'echo 2']);
    expect(told).toEqual(['use other', 'v is 4']);
  });

  it('stops at the first failure, with its exit code, and runs `finally`', async () => {
    const { host, ran } = fake({ bad: () => failing(9) });
    const failure = await run(host, 'finally\n  clean\nend\nbad\nafter');
    expect(failure?.exit).toBe(9);
    expect(failure?.error.code).toBe('conflict');
    expect(ran).toEqual(['bad', 'clean']);
  });

  it('goes on after a command that fails as is said right below it, and after all with keepGoing', async () => {
    const expected = fake({ bad: () => failing() });
    expect(await run(expected.host, 'bad; expect exit = 6; after')).toBeNull();
    expect(expected.ran).toEqual(['bad', 'after']);
    const other = fake({ bad: () => failing() });
    expect((await run(other.host, 'bad; expect exit = 7; after'))?.error.code).toBe('expectation-missed');
    expect(other.ran).toEqual(['bad']);
    const all = fake({ bad: () => failing() });
    expect((await run(all.host, 'bad; after; bad', { keepGoing: true }))?.exit).toBe(6);
    expect(all.ran).toEqual(['bad', 'after', 'bad']);
  });

  it('runs a command again until it is as expected within the time, and not longer', async () => {
    let calls = 0;
    const { host, ran } = fake({ get: () => done({ value: ++calls }) });
    expect(await run(host, 'get; expect = 3 within 10s; keep v; echo $v')).toBeNull();
    expect(ran).toEqual(['get', 'get', 'get', 'echo 3']);
    const never = fake({ get: () => done({ value: 0 }) });
    expect((await run(never.host, 'get; expect = 3 within 60ms'))?.exit).toBe(1);
    expect(never.ran.length).toBeGreaterThan(1);
  });

  it('repeats for a time', async () => {
    const { host, ran } = fake();
    expect(await run(host, 'repeat 20ms\n  tick\nend')).toBeNull();
    expect(ran.length).toBeGreaterThan(1);
  });

  it('has things go on in the background, waits for them, and fails when they do', async () => {
    let free = (): void => {};
    const gate = new Promise<void>((resolve) => {
      free = resolve;
    });
    const { host, ran } = fake({
      slow: () => gate.then(() => done()),
      free: () => {
        free();
        return done();
      },
    });
    expect(await run(host, 'background\n  slow\n  last\nend\nfirst; free; wait; end-of-it')).toBeNull();
    expect(ran).toEqual(['slow', 'first', 'free', 'last', 'end-of-it']);
    const bad = fake({ bad: () => failing() });
    expect((await run(bad.host, 'background bad\nwait\nnever'))?.exit).toBe(6);
    expect(bad.ran).toEqual(['bad']);
    const late = fake({ bad: () => failing() });
    expect((await run(late.host, 'background bad\nfine'))?.exit).toBe(6);
  });

  it('ends what is under way when it is told to, and cleans up', async () => {
    const stop = new AbortController();
    const { host, ran } = fake({
      hang: (_argv, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve(done(undefined, { code: 130 })));
          stop.abort();
        }),
    });
    const failure = await run(host, 'finally\n  clean\nend\nhang; never', { signal: stop.signal });
    expect(failure?.exit).toBe(130);
    expect(ran).toEqual(['hang', 'clean']);
  });

  it('with a pipeline has several commands under way, concludes them in order, and begins none after a failure', async () => {
    const waiting: (() => void)[] = [];
    const ended: string[] = [];
    const { host, ran } = fake({
      w: (argv) =>
        new Promise((resolve) => waiting.push(() => resolve(argv[1] === '2' ? failing() : done()))),
    });
    const interpreter = new Interpreter(
      { ...host, ended: (step) => void ended.push(step.text) },
      { pipeline: 3 },
    );
    const running = interpreter.run(sourceOf(parseScript('w 1; w 2; w 3; w 4; w 5; w 6')));
    await expect.poll(() => waiting.length).toBe(3);
    waiting[2]!();
    waiting[0]!();
    await expect.poll(() => ended).toEqual(['w 1']);
    await expect.poll(() => waiting.length).toBe(4);
    waiting[1]!();
    waiting[3]!();
    expect((await running)?.exit).toBe(6);
    expect(ran).toEqual(['w 1', 'w 2', 'w 3', 'w 4']);
    expect(ended).toEqual(['w 1', 'w 2', 'w 3', 'w 4']);
  });
});

describe('a script that comes piece by piece', () => {
  it('runs each line as soon as it is whole, and all before the one that is wrong', async () => {
    const { host, ran } = fake();
    const seen: string[][] = [];
    async function* pieces() {
      yield 'one\ntw';
      seen.push([...ran]);
      yield 'o; three\nrepeat 2\n';
      seen.push([...ran]);
      yield '  in\nend\nfour\nexpect wrong\nfive\n';
    }
    const failure = await new Interpreter(host).run(new StepStream(pieces()));
    expect(seen).toEqual([['one'], ['one', 'two', 'three']]);
    expect(ran).toEqual(['one', 'two', 'three', 'in', 'in', 'four']);
    expect(failure?.error.message).toContain('line 7');
    expect(failure?.exit).toBe(2);
  });

  it('needs no line end at its end, and says what is not closed there', async () => {
    const { host, ran } = fake();
    async function* pieces(text: string) {
      yield text;
    }
    expect(await new Interpreter(host).run(new StepStream(pieces('one\ntwo')))).toBeNull();
    expect(ran).toEqual(['one', 'two']);
    const failure = await new Interpreter(host).run(new StepStream(pieces('three\n"four')));
    expect(failure?.error.message).toContain('line 2: a " is not closed');
    expect(ran.at(-1)).toBe('three');
  });
});

it('JUnit reports are well-formed, whatever a command printed', () => {
  const nasty = 'a<b> & "c"\u001b[31m\u0000\ud800]]>\n';
  const error = new MusterError('expectation-missed', nasty).toJSON();
  const steps = [
    { line: 1, text: nasty, ok: true, ms: 12.3, out: nasty, err: nasty },
    { line: 2, text: 'b', ok: false, ms: 0, error },
  ];
  const report = { scenario: 'x.muster', title: null, ok: false, exit: 1, ms: 1234, steps };
  const xml = junitOf([report]);
  expect(() => parseXml(xml.replace(/^<\?xml.*\?>\n/, ''))).not.toThrow();
  expect(xml).toContain('tests="2" failures="1"');
  expect(xml).toContain('time="1.234"');
});
