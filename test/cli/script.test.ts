import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { missedBy, type Outcome, parseCheck, resultOf } from '../../src/cli/script/checks.js';
import {
  Interpreter,
  type ScriptHost,
  type ScriptOptions,
  sourceOf,
} from '../../src/cli/script/interpreter.js';
import { junitOf } from '../../src/cli/script/junit.js';
import { asText, follow, parsePath } from '../../src/cli/script/path.js';
import { titleOf } from '../../src/cli/script/run.js';
import { parseScript, type Step } from '../../src/cli/script/steps.js';
import { StepStream } from '../../src/cli/script/stream.js';
import { expand, linesOf, UnfinishedText, type Word } from '../../src/cli/script/words.js';
import { MusterError } from '../../src/errors.js';
import { everyElement, parseXml } from '../render/strict-xml.js';

const usage = expect.objectContaining({ code: 'usage' });
const variables: Record<string, string> = { a: 'one', b: 'two words', EMPTY: '' };
const value = (word: Word): string => expand(word, (name) => variables[name]);
const wordsOf = (text: string): string[][] => linesOf(text).map(({ words }) => words.map(value));
/** What is wrong with it, as it is told. */
function wrongWith(text: string): string {
  try {
    parseScript(text);
  } catch (error) {
    expect(error).toEqual(usage);
    return (error as Error).message;
  }
  return '';
}

describe('the words of a script', () => {
  it.each<[string, string[][]]>([
    ['kv put a b', [['kv', 'put', 'a', 'b']]],
    ['  \t a \t  b  ', [['a', 'b']]],
    ['a; b;;c ;', [['a'], ['b'], ['c']]],
    ['a\n\nb\r\nc', [['a'], ['b'], ['c']]],
    [`'a b' "c d" e\\ f`, [['a b', 'c d', 'e f']]],
    [`a'b'"c"d`, [['abcd']]],
    [`'' ""`, [['', '']]],
    [`'$a \\ "' "'"`, [['$a \\ "', "'"]]],
    ['"\\" \\\\ \\$a \\x"', [['" \\ $a \\x']]],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: that is how a script writes it
    ['$a ${a}b x$a "$b" $b', [['one', 'oneb', 'xone', 'two words', 'two words']]],
    ['$EMPTY', [['']]],
    ['$ 5$ $5 "$"', [['$', '5$', '$5', '$']]],
    ['# all of it\na # rest ; b\nc#d "# e"', [['a'], ['c#d', '# e']]],
    ['a;# b\nc', [['a'], ['c']]],
    [
      'a \\\n  b\nc\\\nd "e\\\nf"',
      [
        ['a', 'b'],
        ['cd', 'ef'],
      ],
    ],
    [`'x\ny' z`, [['x\ny', 'z']]],
    ['say It is; "so" # and it\'s $a.\nb', [['say', 'It is; "so" # and it\'s one.'], ['b']]],
  ])('%j', (text, wanted) => {
    expect(wordsOf(text)).toEqual(wanted);
  });

  it.each(['a | b', 'a || b', 'a && b', 'a & b', 'a `b`', 'a $(b)'])(
    'refuse what is for a shell: %s',
    (text) => {
      expect(wrongWith(`ok\n${text}`)).toMatch(/^line 2: unsupported shell syntax ".+"/);
      expect(wordsOf(text.replace(/ (\S.*)$/, " '$1'"))).toHaveLength(1);
    },
  );

  it('that are not closed are unfinished, and say where they began', () => {
    for (const [text, line] of [
      ["a\n'b\nc", 2],
      ['a\n\n"b\nc\n', 3],
      ['a \\', 1],
      ['a\nb \\\n', 2],
      ['a\nrepeat 2\nb', 2],
      ['repeat 2\nbackground\nb\nend', 1],
    ] as const) {
      expect(() => parseScript(text)).toThrowError(UnfinishedText);
      expect(wrongWith(text)).toMatch(new RegExp(`^line ${line}: `));
    }
  });

  it('begin on the line that is told, whatever stands before', () => {
    const text = '# title\n\na "x\ny" \\\n  b\n# c\nd; e';
    expect(linesOf(text).map(({ line }) => line)).toEqual([3, 7, 7]);
    expect(linesOf(text, 11).map(({ line }) => line)).toEqual([13, 17, 17]);
    expect(linesOf(text).map((line) => line.text)).toEqual(['a "x\ny" \\\n  b', 'd', 'e']);
  });

  it('have no value while a variable holds nothing', () => {
    expect(() => wordsOf('a $nobody')).toThrowError('$nobody is unset');
    // biome-ignore lint/suspicious/noTemplateCurlyInString: that is how a script writes it
    expect(wrongWith('a\nb ${c d}')).toMatch(/^line 2: /);
  });

  it('are those of a POSIX shell', { timeout: 60_000 }, () => {
    const quiet = fc.string({
      unit: fc.constantFrom(...'abZ0 9_-=.,/:;#*?[]{}()<>|&!~%@^+\t\n', 'é', '€'),
      maxLength: 8,
    });
    // biome-ignore lint/suspicious/noTemplateCurlyInString: that is how a script writes it
    const variable = fc.constantFrom('${V}', '${W}');
    const piece = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'abc019_-=.,/:@%+^#é'), minLength: 1, maxLength: 5 }),
      quiet.map((text) => `'${text}\\$"'`),
      fc
        .array(fc.oneof(quiet, variable, fc.constantFrom('\\"', '\\\\', '\\$', '\\x', "'", '\\\n', '$')), {
          maxLength: 4,
        })
        // A "$" that means something to a shell alone is not what this is about.
        .map((parts) =>
          parts
            .join('')
            .replace(/\\[\s\S]|\$(?!\{[VW]|[ ,.:/=%]|$)/g, (found) => (found === '$' ? '' : found)),
        )
        .map((text) => `"${text}"`),
      variable,
      fc.constantFrom('\\ ', '\\"', "\\'", '\\\\', '\\$', '\\;', '\\#', '\\a', '\\|', '\\\n'),
    );
    // In front of each word, or a "#" in it would begin a comment.
    const word = fc.array(piece, { maxLength: 4 }).map((parts) => `w${parts.join('')}`);
    const gap = fc.constantFrom(' ', '  ', '\t', ' \\\n ', '\t \\\n');
    const line = fc
      .array(fc.tuple(gap, word), { minLength: 1, maxLength: 6 })
      .map((all) => `p${all.flat().join('')} # it's "a comment\n`);
    // Many at once, for each look at bash is a process: words end with 1, lines with 2.
    const lines = fc.sample(line, 1500);
    const held: Record<string, string> = { V: 'v 1;"', W: '' };
    // What a variable holds is one word here, and no pattern.
    const first = `IFS=; set -f; p() { printf '%s\\1' "$@"; printf '\\2'; }\n`;
    const shell = spawnSync('bash', ['-s'], {
      input: first + lines.join(''),
      env: { PATH: process.env.PATH, ...held, LC_ALL: 'C.UTF-8' },
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    expect(shell.stderr).toBe('');
    const wanted = shell.stdout.split('\u0002').map((text) => text.split('\u0001').slice(0, -1));
    const found = linesOf(lines.join(''));
    expect(found.length).toBe(lines.length);
    for (const [i, { words }] of found.entries()) {
      const here = words.slice(1).map((one) => expand(one, (name) => held[name]));
      expect({ line: lines[i], words: here }).toEqual({ line: lines[i], words: wanted[i] });
    }
  });
});

/** The kinds of the steps, blocks with what stands in them. */
const kinds = (steps: readonly Step[]): unknown[] =>
  steps.map((step) => ('body' in step ? [step.kind, ...kinds(step.body)] : step.kind));

describe('the steps of a script', () => {
  it('stand in blocks', () => {
    expect(
      kinds(
        parseScript(
          'use c\na\nexpect = 1\ncapture x\nrepeat 2\n b\n background c\n background\n  d\n end\nend\nwait\ncleanup\n e\nend',
        ),
      ),
    ).toEqual([
      'use',
      'command',
      'expect',
      'capture',
      ['repeat', 'command', ['background', 'command'], ['background', 'command']],
      'wait',
      ['cleanup', 'command'],
    ]);
    expect(kinds(parseScript('background repeat 2s\n a\nend\nb'))).toEqual([
      ['background', ['repeat', 'command']],
      'command',
    ]);
    expect(kinds(parseScript('repeat 2; a; end; b'))).toEqual([['repeat', 'command'], 'command']);
  });

  it('are commands where they look like words of the grammar, and are not', () => {
    expect(kinds(parseScript('wait --for ready\nwait 2s\n"expect" = 1\n\\say x'))).toEqual([
      'command',
      'wait',
      'command',
      'command',
    ]);
  });

  it.each([
    ['end', /line 1: unexpected `end`/],
    ['repeat 2\na\nend now', /line 3: unexpected words after `end`/],
    ['repeat\na\nend', /line 1: `repeat` takes/],
    ['repeat 2 3\na\nend', /line 1: `repeat` takes/],
    ['cleanup all\na\nend', /line 1: unexpected words after `cleanup`/],
    ['use', /line 1: `use` takes/],
    ['expect = 1', /line 1: `expect` must follow the command/],
    ['a\nrepeat 2\nexpect = 1\nend', /line 3: `expect` must follow the command/],
    ['a\nsay x\ncapture y', /line 3: `capture` must follow the command/],
    ['repeat 1\na\nend\nexpect = 1', /line 4: `expect` must follow the command/],
    ['a\ncapture', /line 2: `capture` takes a name/],
    ['a\ncapture 1x', /line 2: `capture` takes a name/],
    ['a\ncapture x y', /line 2: `capture` takes a path after the name/],
    ['a\ncapture x .a..b', /line 2: invalid path "\.a\.\.b": expected a path/],
    ['a\nexpect', /line 2: invalid operator "": expected = !=/],
    ['a\nexpect 1', /line 2: invalid operator "1?": expected = !=/],
    ['a\nexpect = two words', /line 2: expected one value after =/],
    ['a\nexpect =', /line 2: expected one value after =/],
    ['a\nexpect .a[ = 1', /line 2: invalid path "\.a\[": expected a path/],
    ['a\nexpect = 1 within soon', /line 2: invalid duration "soon"/],
    ['a\nexpect = 1 within 5', /line 2: invalid duration "5"/],
  ])('%j is refused, with its line', (text, wanted) => {
    expect(wrongWith(text)).toMatch(wanted);
  });

  it('may be about the command before when there was one', () => {
    expect(kinds(parseScript('expect = 1', { follows: true }))).toEqual(['expect']);
    expect(() => parseScript('repeat 2\nexpect = 1\nend', { follows: true })).toThrowError(usage);
  });

  it('have a title: the first comment', () => {
    expect(titleOf('# A title\n# more')).toBe('A title');
    expect(titleOf('#!/usr/bin/env -S muster run\n# A title')).toBe('A title');
    expect(titleOf('a\nb')).toBeNull();
  });
});

describe('a path', () => {
  const tree = {
    a: { 'b-c': [1, { id: 'n1', up: true, deep: [null] }] },
    list: ['x', 'y'],
    text: 'abc',
    none: null,
  };
  it.each<[string, unknown]>([
    ['.', tree],
    ['.text', 'abc'],
    ['.text.length', 3],
    ['.list.length', 2],
    ['.list[1]', 'y'],
    ['.list[-1]', 'y'],
    ['.list[2]', undefined],
    ['.a.b-c[1].id', 'n1'],
    ['.a.b-c[id=n1].up', true],
    ['.a.b-c[up=true].id', 'n1'],
    ['.a.b-c[id=n2]', undefined],
    ['.a.b-c[1].deep[0]', null],
    ['.none', null],
    ['.none.x', undefined],
    ['.text.x', undefined],
    ['.toString', undefined],
    ['.a.length', undefined],
  ])('%s', (path, wanted) => {
    expect(follow(tree, parsePath(path))).toEqual(wanted);
  });

  it('into a list begins with its place', () => {
    expect(follow([{ id: 7 }], parsePath('[0].id'))).toBe(7);
    expect(follow([{ id: 7 }], parsePath('[id=7].id'))).toBe(7);
  });

  it.each(['a', '..', '.a.', '[', '[x]', '[1', '.a b', '.1'])('%s is none', (path) => {
    expect(() => parsePath(path)).toThrowError(usage);
  });

  it('leads to what is compared as text', () => {
    expect([undefined, 'x', 1, true, null, [1]].map(asText)).toEqual(['', 'x', '1', 'true', 'null', '[1]']);
  });
});

const outcome = (more: Partial<Outcome> = {}): Outcome => ({
  code: 0,
  value: undefined,
  error: null,
  out: '',
  err: '',
  ms: 0,
  ...more,
});
/** Is it as expected? */
const holds = (text: string, of: Partial<Outcome>): boolean =>
  missedBy(parseCheck(linesOf(text)[0]!.words, 1), value, outcome(of)) === null;

describe('what is expected', () => {
  it.each<[string, Partial<Outcome>, boolean]>([
    ['= 1', { value: { name: 'x', value: 1 } }, true],
    ['= 1', { value: { name: 'x', value: 2 } }, false],
    ['= 1.0', { value: { value: 1 } }, true],
    ['= one', { out: 'one\n' }, true],
    ['= $b', { out: 'two words\n' }, true],
    ['= ""', { out: '' }, true],
    ['!= 1', { value: { value: 2 } }, true],
    ['!= 1', { value: { value: 1 } }, false],
    ['< 2', { out: '1' }, true],
    ['< 2', { out: '2' }, false],
    ['< 10', { out: '9' }, true],
    ['<= 2', { out: '2' }, true],
    ['> 2', { out: '3' }, true],
    ['> 2', { out: 'many' }, false],
    ['> 2', { out: '' }, false],
    ['>= 2', { out: '2' }, true],
    ['~ ^n\\\\d$', { out: 'n1' }, true],
    ['~ ^n\\\\d$', { out: 'n' }, false],
    ['!~ x', { out: 'abc' }, true],
    ['!~ b', { out: 'abc' }, false],
    ['contains "b c"', { out: 'a b c' }, true],
    ['contains x', { out: 'abc' }, false],
    ['= 0.5±0.1', { out: '0.6' }, true],
    ['= 0.5±0.1', { out: '0.61' }, false],
    ['= 0.5+-0.1', { out: '0.4' }, true],
    ['= 200±10%', { out: '220' }, true],
    ['= 200±10%', { out: '221' }, false],
    ['= -1±1', { out: '-2' }, true],
    ['= 1±1', { out: 'none' }, false],
    ['!= 200±10%', { out: '221' }, true],
    ['out = x', { out: 'x\n', value: { value: 1 } }, true],
    ['err contains no', { err: 'it is no more' }, true],
    ['exit = 6', { code: 6 }, true],
    ['exit = 0', {}, true],
    ['error = conflict', { error: new MusterError('conflict', 'x') }, true],
    ['error = ""', {}, true],
    ['took < 5s', { ms: 4999 }, true],
    ['took < 5s', { ms: 5001 }, false],
    ['took > 100ms', { ms: 150 }, true],
    ['.nodes[id=$a].share = 0.5', { value: { nodes: [{ id: 'one', share: 0.5 }] } }, true],
    ['.gone = ""', { value: {} }, true],
    ['.list = \'["a",1]\'', { value: { list: ['a', 1] } }, true],
    ['[0] = x', { value: ['x'] }, true],
    // Quoted, it is no subject.
    ['"out" = x', { out: 'x' }, false],
  ])('%s of %j: %s', (text, of, wanted) => {
    if (text.startsWith('"out"')) expect(() => holds(text, of)).toThrowError(usage);
    else expect(holds(text, of)).toBe(wanted);
  });

  it('says what it is instead', () => {
    const check = parseCheck(linesOf('.n = 2')[0]!.words, 1);
    expect(missedBy(check, value, outcome({ value: { n: 3 } }))).toBe('expected .n = 2, got 3');
    const took = parseCheck(linesOf('took < 1s')[0]!.words, 1);
    expect(missedBy(took, value, outcome({ ms: 1500 }))).toBe('expected took < 1s, got 1.5 s');
  });

  it('waits when it says so, and refuses what is no regular expression', () => {
    expect(parseCheck(linesOf('= 1 within 1.5s')[0]!.words, 1).withinMs).toBe(1500);
    expect(parseCheck(linesOf('= within')[0]!.words, 1)).toMatchObject({ withinMs: null });
    expect(() => holds('~ (', { out: 'x' })).toThrowError(usage);
  });

  it('is about the value when there is one, else about what was printed', () => {
    expect(resultOf(outcome({ value: { value: null }, out: 'x' }))).toBe('null');
    expect(resultOf(outcome({ value: [1], out: 'x\n\n' }))).toBe('x');
  });
});

/** A world in which commands do what the test says, and everything is written down. */
class FakeHost implements ScriptHost {
  readonly log: string[] = [];
  readonly problems: string[] = [];
  running = 0;
  most = 0;
  n = 0;

  constructor(
    readonly answer: (
      argv: readonly string[],
      signal: AbortSignal,
      host: FakeHost,
    ) => Partial<Outcome> | Promise<Partial<Outcome>> = () => ({}),
  ) {}

  async run(argv: readonly string[], where: { cleanup?: boolean }, signal: AbortSignal): Promise<Outcome> {
    this.log.push(`${where.cleanup ? 'cleanup ' : ''}${argv.join(' ')}`);
    this.most = Math.max(this.most, ++this.running);
    try {
      return outcome(await this.answer(argv, signal, this));
    } finally {
      this.running--;
    }
  }
  use(name: string): void {
    this.log.push(`use ${name}`);
  }
  say(text: string): void {
    this.log.push(`say ${text}`);
  }
  ended(step: Step, _where: unknown, { problem }: { problem: { message: string } | null }): void {
    if (problem !== null) this.problems.push(`line ${step.line}: ${problem.message}`);
  }
  variable(name: string): string | undefined {
    return name === 'OUTER' ? 'outside' : undefined;
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const until = (signal: AbortSignal) =>
  new Promise<void>((resolve) =>
    signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve()),
  );
const fails = (code: number, error: MusterError | null = null): Partial<Outcome> => ({ code, error });

/** `fail N` ends with exit code N, `n` counts, `hang` goes on until it is told to end, `slow` takes 20 ms. */
const usual = (
  argv: readonly string[],
  signal: AbortSignal,
  host: FakeHost,
): Partial<Outcome> | Promise<Partial<Outcome>> => {
  switch (argv[0]) {
    case 'fail':
      return fails(Number(argv[1]), new MusterError('conflict', 'as it was told'));
    case 'n':
      return { value: { value: ++host.n } };
    case 'slow':
      return sleep(20).then(() => ({}));
    case 'hang':
      return until(signal).then(() => fails(130));
    default:
      return { out: `${argv.slice(1).join(' ')}\n` };
  }
};

async function played(text: string, options: ScriptOptions = {}, host = new FakeHost(usual)) {
  const interpreter = new Interpreter(host, options);
  const failure = await interpreter.run(sourceOf(parseScript(text)));
  return { host, log: host.log, failure, exit: failure?.exit ?? 0 };
}

describe('a script that is run', () => {
  it('does one thing after the other, `muster` before a command or not', async () => {
    const { log, exit } = await played('use c1\nsay To $OUTER\nmuster echo a\necho b');
    expect(log).toEqual(['use c1', 'say To outside', 'echo a', 'echo b']);
    expect(exit).toBe(0);
  });

  it('stops at the first failure, with the exit code of the command', async () => {
    const { log, exit, host } = await played('echo a\nfail 6\necho b');
    expect({ log, exit }).toEqual({ log: ['echo a', 'fail 6'], exit: 6 });
    expect(host.problems).toEqual(['line 2: as it was told']);
    expect((await played('echo a\nexpect = b\necho c')).exit).toBe(1);
    expect((await played('echo $nothing\necho b')).log).toEqual([]);
  });

  it('stops with the exit code of a command that says no more', async () => {
    const { failure } = await played('fail', {}, new FakeHost(() => fails(3)));
    expect(failure).toMatchObject({ exit: 3, error: { code: 'step-failed' } });
  });

  it('lets a command fail when what follows says how', async () => {
    expect(await played('fail 6\nexpect exit = 6\nexpect error = conflict\necho b')).toMatchObject({
      exit: 0,
      log: ['fail 6', 'echo b'],
    });
    expect((await played('fail 6\nexpect exit = 5\necho b')).exit).toBe(1);
    expect((await played('fail 6\nexpect out = x')).exit).toBe(6);
    expect((await played('fail 6\ncapture x\nexpect exit = 6')).exit).toBe(6);
    expect((await played('echo a\nexpect exit = 6')).exit).toBe(1);
  });

  it('goes on after a failure when told to, and still tells it', async () => {
    const { log, exit, host } = await played('fail 6\nexpect = x\nfail 5\necho b', { keepGoing: true });
    expect({ log, exit }).toEqual({ log: ['fail 6', 'fail 5', 'echo b'], exit: 6 });
    expect(host.problems).toHaveLength(3);
  });

  it('captures values, and counts rounds', async () => {
    const { log } = await played(
      'echo a b\ncapture x\nn\ncapture y .value\nrepeat 2\n echo $x $y $i\n repeat 2\n  echo in $i\n end\n echo $i\nend',
    );
    expect(log.slice(2)).toEqual([
      'echo a b 1 1',
      'echo in 1',
      'echo in 2',
      'echo 1',
      'echo a b 1 2',
      'echo in 1',
      'echo in 2',
      'echo 2',
    ]);
    expect((await played('n\ncapture x .nothing')).exit).toBe(1);
  });

  it('repeats so often, or for so long', async () => {
    expect((await played('repeat 0\n echo a\nend')).log).toEqual([]);
    expect((await played('echo 3\ncapture times\nrepeat $times\n echo a\nend')).log).toHaveLength(4);
    const begin = performance.now();
    const { log, exit } = await played('repeat 60ms\n slow\nend');
    expect(performance.now() - begin).toBeGreaterThanOrEqual(59);
    expect(log.length).toBeGreaterThanOrEqual(1);
    expect(log.length).toBeLessThanOrEqual(4);
    expect(exit).toBe(0);
    // Nothing in it waits, and it ends all the same.
    expect((await played('repeat 20ms\n echo a\nend')).log.length).toBeGreaterThan(1);
    expect((await played('repeat often\n echo a\nend')).exit).toBe(2);
  });

  it('stops in the middle of a block that fails', async () => {
    expect(await played('repeat 3\n n\n expect != 2\nend\necho b')).toMatchObject({
      exit: 1,
      log: ['n', 'n'],
    });
  });

  it('runs a command again until it is as expected, within a time', async () => {
    const { log, exit } = await played('n\nexpect = 3 within 5s\nexpect = 3\necho b');
    expect({ log, exit }).toEqual({ log: ['n', 'n', 'n', 'echo b'], exit: 0 });
    const never = await played('echo a\nexpect = b within 120ms\necho c');
    expect(never.exit).toBe(1);
    expect(never.log.length).toBeGreaterThan(1);
    expect(never.log).not.toContain('echo c');
    expect((await played('echo a\nexpect = a within 5s')).log).toEqual(['echo a']);
  });

  it('does things in the background, and waits for them', async () => {
    const { log, exit } = await played('background\n slow\n echo back\nend\necho front\nwait\necho after');
    expect({ log, exit }).toEqual({ log: ['slow', 'echo front', 'echo back', 'echo after'], exit: 0 });
    // At its end it waits for all.
    expect((await played('background repeat 3\n slow\nend')).log).toEqual(['slow', 'slow', 'slow']);
  });

  it('hears of a failure in the background when it waits, and ends with its exit code', async () => {
    expect(await played('background\n slow\n fail 6\nend\nwait\necho after')).toMatchObject({
      exit: 6,
      log: ['slow', 'fail 6'],
    });
    expect(await played('background fail 6\nslow\necho front')).toMatchObject({ exit: 6 });
    // What fails in the foreground ends what is in the background.
    expect(await played('background hang\nfail 5')).toMatchObject({ exit: 5, log: ['hang', 'fail 5'] });
  });

  it('runs `cleanup` blocks at the end, the last one first, even after a failure', async () => {
    const ends = 'cleanup\n echo one\nend\ncleanup\n echo two\n echo more\nend\n';
    const finals = ['cleanup echo two', 'cleanup echo more', 'cleanup echo one'];
    expect((await played(`${ends}echo a`)).log).toEqual(['echo a', ...finals]);
    expect(await played(`${ends}fail 6\necho a`)).toMatchObject({ exit: 6, log: ['fail 6', ...finals] });
    expect(await played('fail 6\ncleanup\n echo one\nend')).toMatchObject({ log: ['fail 6'] });
    // What fails there fails the script, and hinders no other.
    expect(await played('cleanup\n echo one\nend\ncleanup\n fail 5\n echo two\nend\necho a')).toMatchObject({
      exit: 5,
      log: ['echo a', 'cleanup fail 5', 'cleanup echo one'],
    });
  });

  it('that is aborted ends the command under way, and cleans up', async () => {
    const abort = new AbortController();
    const host = new FakeHost((argv, signal, self) => {
      if (argv[0] === 'hang') setTimeout(() => abort.abort(), 10);
      // What cleans up is not aborted.
      if (argv[0] === 'clean') return { code: signal.aborted ? 130 : 0 };
      return usual(argv, signal, self);
    });
    const { log, exit } = await played(
      'cleanup\n clean\nend\nbackground hang\nhang\nexpect exit = 130\necho a',
      { signal: abort.signal },
      host,
    );
    expect({ log, exit }).toEqual({ log: ['hang', 'hang', 'cleanup clean'], exit: 130 });
    expect(host.problems.some((text) => text.startsWith('line 2'))).toBe(false);
  });

  it('that is aborted does not wait any longer', async () => {
    for (const text of [
      'wait 1h\necho a',
      'echo b\nexpect = c within 1h\necho a',
      'repeat 1h\n slow\nend\necho a',
    ]) {
      const abort = new AbortController();
      setTimeout(() => abort.abort(), 20);
      const { log, exit } = await played(text, { signal: abort.signal });
      expect(exit).toBe(130);
      expect(log).not.toContain('echo a');
    }
    const before = new AbortController();
    before.abort();
    expect(await played('echo a', { signal: before.signal })).toMatchObject({ exit: 130, log: [] });
  });
});

describe('a pipeline', () => {
  it('has so many commands under way, and ends them in their order', async () => {
    const ended: number[] = [];
    const host = new FakeHost(async ([, ms]) => {
      await sleep(Number(ms));
      return { out: ms! };
    });
    host.ended = (step) => void ended.push(step.line);
    const { exit } = await played(
      [30, 1, 20, 5, 1, 1].map((ms) => `do ${ms}`).join('\n'),
      { pipeline: 3 },
      host,
    );
    expect({ exit, ended, most: host.most }).toEqual({ exit: 0, ended: [1, 2, 3, 4, 5, 6], most: 3 });
  });

  it('begins nothing new after a failure, and waits for what is under way', async () => {
    let whole = 0;
    const host = new FakeHost(async ([what]) => {
      await sleep(what === 'fail' ? 5 : 30);
      if (what !== 'fail') whole++;
      return what === 'fail' ? fails(6) : {};
    });
    const { log, exit } = await played('fail\na\nb\nc\nd\ne', { pipeline: 3 }, host);
    expect({ log, exit, whole }).toEqual({ log: ['fail', 'a', 'b'], exit: 6, whole: 2 });
  });

  it('is done before anything but a command comes: that is about the last one', async () => {
    const { log, exit } = await played('n\nn\nn\nexpect = 3\ncapture x\necho $x', { pipeline: 8 });
    expect({ exit, last: log.at(-1) }).toEqual({ exit: 0, last: 'echo 3' });
    expect(await played('n\nfail 6\nexpect exit = 6\necho a', { pipeline: 8 })).toMatchObject({
      exit: 0,
      log: ['n', 'fail 6', 'echo a'],
    });
  });
});

/** Text that is handed over piece by piece, when the test says so. */
function hand() {
  const pieces: (string | null)[] = [];
  let wake: () => void = () => {};
  const give = (piece: string | null) => {
    pieces.push(piece);
    wake();
  };
  async function* come(): AsyncGenerator<string> {
    for (;;) {
      while (pieces.length === 0)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      const piece = pieces.shift();
      if (piece === null || piece === undefined) return;
      yield piece;
    }
  }
  return { give, stream: new StepStream(come()) };
}
async function* piecesOf(...pieces: string[]): AsyncGenerator<string> {
  yield* pieces;
}
/** The texts of all steps, and what was wrong. */
async function readAll(stream: StepStream): Promise<string[]> {
  const found: string[] = [];
  for (;;) {
    try {
      const step = await stream.next();
      if (step === null) return found;
      found.push(`${step.line} ${step.text}`);
    } catch (error) {
      found.push((error as Error).message);
    }
  }
}

describe('steps that come piece by piece', () => {
  it('are run as soon as their line is whole', async () => {
    const { give, stream } = hand();
    give('ec');
    give('ho a\necho');
    expect(await stream.next()).toMatchObject({ line: 1, text: 'echo a' });
    const next = stream.next();
    give(' b\n');
    expect(await next).toMatchObject({ line: 2, text: 'echo b' });
    // The last line needs no end.
    give('echo c');
    give(null);
    expect(await stream.next()).toMatchObject({ line: 3, text: 'echo c' });
    expect(await stream.next()).toBeNull();
  });

  it('are whole when their block, quote or continued line is', async () => {
    const { give, stream } = hand();
    give('echo a\nrepeat 2\n');
    // What stands before the block does not wait for its end.
    expect(await stream.next()).toMatchObject({ line: 1, text: 'echo a' });
    const block = stream.next();
    give('echo b\n');
    give('repeat 2\necho c\nend\n');
    give('end\necho d \\\n');
    expect(await block).toMatchObject({ line: 2, kind: 'repeat' });
    const continued = stream.next();
    give("e\n'f\n");
    expect(await continued).toMatchObject({ line: 8, kind: 'command', words: [{}, {}, {}] });
    const quoted = stream.next();
    give("g'\n");
    expect(await quoted).toMatchObject({ line: 10 });
    give(null);
    expect(await stream.next()).toBeNull();
  });

  it('before a line that is wrong are run, and then it is told', async () => {
    expect(await readAll(new StepStream(piecesOf('a\nb\nc | d\ne\n')))).toEqual([
      '1 a',
      '2 b',
      expect.stringMatching(/^line 3: /),
    ]);
    expect(await readAll(new StepStream(piecesOf('a\nexpect .x..y = 1\n')))).toEqual([
      '1 a',
      expect.stringMatching(/^line 2: /),
    ]);
    expect(await readAll(new StepStream(piecesOf('a\nexpect = 1 within soon\n')))).toEqual([
      '1 a',
      expect.stringMatching(/^line 2: /),
    ]);
  });

  it('of a block with a wrong line are not run, and it is told once', async () => {
    expect(await readAll(new StepStream(piecesOf('a\nrepeat 2\nb\nc | d\nend\n', 'e\n')))).toEqual([
      '1 a',
      expect.stringMatching(/^line 4: /),
      '6 e',
    ]);
  });

  it('that are not whole at the end are told, after those before', async () => {
    expect(await readAll(new StepStream(piecesOf('a\nrepeat 2\nb\n')))).toEqual([
      '1 a',
      expect.stringMatching(/^line 2: missing `end`/),
    ]);
    expect(await readAll(new StepStream(piecesOf("a\nb 'c\n")))).toEqual([
      '1 a',
      expect.stringMatching(/^line 2: unclosed quote '/),
    ]);
  });

  it('may be looked at before they are taken', async () => {
    const stream = new StepStream(piecesOf('a\n', 'b\n'));
    expect(await stream.peek()).toMatchObject({ text: 'a' });
    expect(await stream.peek()).toMatchObject({ text: 'a' });
    expect(await readAll(stream)).toEqual(['1 a', '2 b']);
    expect(await stream.peek()).toBeNull();
  });

  it('come to the same however the text is cut', async () => {
    const text =
      '# t\na "b\nc" \\\n d\nrepeat 2\n e; f\n background g\nend\n\nh\nexpect = 1\nsay it\'s so\nbackground\n i\nend\nj';
    const whole = parseScript(text).map((step) => `${step.line} ${step.text}`);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(text.length), { maxLength: 12 }), async (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), text.length];
        const pieces = at.slice(1).map((end, i) => text.slice(at[i], end));
        expect(await readAll(new StepStream(piecesOf(...pieces)))).toEqual(whole);
      }),
      { numRuns: 200 },
    );
  });

  it('are run by an interpreter one by one, and a failure is known before the next line comes', async () => {
    const { give, stream } = hand();
    const host = new FakeHost(usual);
    const running = new Interpreter(host).run(stream);
    give('echo a\n');
    await expect.poll(() => host.log).toEqual(['echo a']);
    give('fail 6\nexpect exit = 6\necho b\nfail 5\n');
    await expect.poll(() => host.log).toEqual(['echo a', 'fail 6', 'echo b', 'fail 5']);
    give('echo c\n');
    expect(await running).toMatchObject({ exit: 5 });
    expect(host.log).not.toContain('echo c');
  });
});

describe('a report as JUnit', () => {
  const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
  const read = (xml: string) => {
    expect(xml.startsWith(declaration)).toBe(true);
    return parseXml(xml.slice(declaration.length));
  };
  const row = (line: number, more = {}) => ({ line, text: `step ${line}`, ok: true, ms: 1500, ...more });
  const report = (steps: ReturnType<typeof row>[]) => ({
    scenario: 'a.muster',
    title: null,
    ok: true,
    exit: 0,
    ms: 3000,
    steps,
  });

  it('has a suite for a scenario and a case for a step', () => {
    const error = new MusterError('expectation-missed', 'expected "<1>", got "&"').toJSON();
    const root = read(
      junitOf([report([row(1, { out: 'x\n' }), row(2, { ok: false, error, err: 'why' })]), report([])]),
    );
    expect(root.name).toBe('testsuites');
    const [suite, empty] = root.children;
    expect(suite!.attributes).toMatchObject({
      name: 'a.muster',
      tests: '2',
      failures: '1',
      errors: '0',
      time: '3.000',
    });
    expect(empty!.attributes).toMatchObject({ tests: '0', failures: '0' });
    const [first, second] = suite!.children;
    expect(first!.attributes).toEqual({ classname: 'a.muster', name: 'line 1: step 1', time: '1.500' });
    expect(first!.children.map(({ name, text }) => [name, text])).toEqual([['system-out', 'x\n']]);
    expect(second!.children.map(({ name }) => name)).toEqual(['failure', 'system-err']);
    expect(second!.children[0]!.attributes).toEqual({ type: 'expectation-missed', message: error.message });
    expect(second!.children[0]!.text).toMatch(/^Took effect: /);
  });

  it('is well-formed whatever a command prints', () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.string({
        unit: fc.constantFrom(
          '<',
          '&',
          ']]>',
          '"',
          "'",
          '\n',
          '\r',
          '\u0000',
          '\u001b',
          '\ud800',
          '\ufffe',
          '😀',
        ),
        maxLength: 20,
      }),
    );
    fc.assert(
      fc.property(anything, anything, anything, (text, out, err) => {
        const root = read(junitOf([report([row(1, { text, out, err })])]));
        expect(everyElement(root).filter(({ name }) => name === 'testcase')).toHaveLength(1);
      }),
      { numRuns: 200 },
    );
  });
});
