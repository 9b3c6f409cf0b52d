import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { muster, program } from './run.js';
import { json, World } from './world.js';

const world = new World();
const { run, ok, fails } = world;
const id = expect.stringMatching(/^\d+:\d+\.\d+:\d+$/);
const tx = (text: string, ...more: string[]) => run('tx', 'run', '-c', text, ...more);
const report = async (code: number, text: string, ...more: string[]) =>
  json(await tx(text, '--json', ...more), code);

interface Part {
  readonly id: string;
  readonly partition: number;
  readonly node: string;
  readonly role: string;
  readonly state: string;
}
const list = (): Promise<Part[]> => ok('tx', 'list');

/** Begins a command and leaves it going. */
function begin(...args: string[]) {
  const child: ChildProcess = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, MUSTER_HOME: world.home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (data) => (stdout += data));
  child.stderr?.on('data', (data) => (stderr += data));
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('close', (code, signal) => resolve(signal ?? code)),
  );
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}

/** What is paused, once its runner has said so. */
async function paused(going: ReturnType<typeof begin>): Promise<{ id: string; anchor: Part }> {
  await expect.poll(going.stderr).toContain('is prepared and not decided');
  const [, found] = /transaction (\S+) is prepared/.exec(going.stderr()) ?? [];
  const anchor = (await list()).find((part) => part.id === found && part.role === 'coordinator');
  return { id: found as string, anchor: anchor as Part };
}

/** Keys of as many different partitions, by what the cluster says. */
async function spread(prefix: string, count: number): Promise<string[]> {
  const names = Array.from({ length: 60 }, (_, i) => `${prefix}${i}`);
  const rows: { key: string; partition: number }[] = await ok('ring', 'locate', ...names);
  const found = new Map(rows.map(({ key, partition }) => [partition, key]));
  expect(found.size).toBeGreaterThanOrEqual(count);
  return [...found.values()].slice(0, count);
}

beforeAll(async () => void (await ok('cluster', 'start', '-n', '3', '--partitions', '16')), 60_000);
afterAll(() => world.end());

describe('a transaction', { timeout: 60_000 }, () => {
  it('over several partitions is committed: what it read, what it wrote, and its report', async () => {
    const [a, b, c, d] = await spread('commit-', 4);
    await ok('counter', 'incr', c!, '--by', '3');
    await ok('kv', 'put', d!, 'here before');
    expect(
      await report(
        0,
        `check ${c} = 3; get ${d}; get ${a}; put ${a} "a value"; incr ${b} 5; decr ${c}; delete ${d}`,
      ),
    ).toEqual({
      id,
      outcome: 'committed',
      reason: null,
      message: null,
      attempts: 1,
      reads: [
        { key: d, value: 'here before', version: expect.any(Number) },
        { key: a, value: null, version: 0 },
      ],
    });
    expect((await run('kv', 'get', a!)).stdout).toBe('a value\n');
    expect((await run('counter', 'get', b!)).stdout).toBe('5\n');
    expect((await run('counter', 'get', c!)).stdout).toBe('2\n');
    expect((await run('kv', 'get', d!)).code).toBe(1);
    await expect.poll(list).toEqual([]);
  });

  it('in a pipe prints what it read, line by line in the order of its statements, and nothing else', async () => {
    const [a, b, c] = await spread('pipe-', 3);
    await tx(`put ${b} "two words"; incr ${a} 7; put 'key with space' "line\\nbreak"`);
    const ran = await tx(`get ${b}; get ${a}; get ${c}; get "key with space"`);
    expect(ran).toMatchObject({
      code: 0,
      stdout: `${b} two words\n${a} 7\n${c}\n"key with space" "line\\nbreak"\n`,
    });
    expect(ran.stderr).toMatch(/^committed \d+:\S+\n$/);
    expect(await tx(`get ${a}`, '--quiet')).toEqual({ code: 0, stdout: `${a} 7\n`, stderr: '' });
  });

  it('whose check fails is aborted with the reason (exit code 6), and nothing of it is written', async () => {
    const [a, b, c] = await spread('check-', 3);
    await ok('counter', 'incr', b!, '--by', '2');
    expect(await report(6, `put ${a} 1; check ${b} = 3; incr ${c}`)).toMatchObject({
      id,
      outcome: 'aborted',
      reason: 'check',
      message: `${b} is 2`,
      reads: [],
    });
    const ran = await tx(`put ${a} 1; check ${b} = "2"; incr ${c}`);
    expect(ran).toMatchObject({ code: 6, stdout: '' });
    expect(ran.stderr).toContain(`Error: aborted (check): ${b} is 2`);
    expect(ran.stderr).toContain('Took effect: no.');
    expect((await run('kv', 'get', a!)).code).toBe(1);
    expect((await run('counter', 'get', c!)).stdout).toBe('0\n');
    expect((await run('counter', 'get', b!)).stdout).toBe('2\n');
  });

  it('checks versions and absence, and says why a type or a bound refuses it', async () => {
    const [a, b] = await spread('version-', 2);
    const { version } = await ok('kv', 'put', a!, 'x');
    await report(0, `check ${a} @${version}; check ${b} = nothing; put ${a} y`);
    expect(await report(6, `check ${a} @${version}; incr ${b}`)).toMatchObject({ reason: 'stale' });
    expect(await report(6, `check ${a} = nothing; incr ${b}`)).toMatchObject({ reason: 'check' });
    expect(await report(6, `incr ${a}; incr ${b}`)).toMatchObject({ reason: 'wrong-type' });
    await ok('counter', 'reset', b!, '--to', '9007199254740991');
    expect(await report(6, `put ${a} z; incr ${b}`)).toMatchObject({ reason: 'overflow' });
    expect((await run('kv', 'get', a!)).stdout).toBe('y\n');
  });

  it('comes from a file and from standard input as well', async () => {
    const [a, b] = await spread('file-', 2);
    const file = join(world.home, 'both.tx');
    writeFileSync(file, `# two keys\nincr ${a} 2\nincr ${b} 3 # more\n`);
    expect(await ok('tx', 'run', file)).toMatchObject({ outcome: 'committed' });
    const input = `incr ${a} 10\r\nincr ${b} 10\r\n`;
    for (const args of [['-'], []])
      expect((await muster(world.home, ['tx', 'run', ...args], { input })).code).toBe(0);
    expect((await run('counter', 'get', a!)).stdout).toBe('22\n');
    expect((await run('counter', 'get', b!)).stdout).toBe('23\n');
  });

  it('shows its protocol: a picture, and as JSON every step with its node', async () => {
    const keys = await spread('trace-', 3);
    const text = keys.map((key) => `incr ${key}`).join('; ');
    const { id: done, trace } = await report(0, text, '--trace');
    const of = (what: string) => trace.filter((step: { what: string }) => step.what === what);
    expect(of('came')).toHaveLength(1);
    expect(of('decided')).toMatchObject([{ yes: true, node: expect.stringMatching(/^n[123]$/) }]);
    const among = (what: string) => new Set(of(what).map((step: { p: number }) => step.p)).size;
    expect(['prepare', 'vote', 'finish', 'finished'].map(among)).toEqual([2, 3, 2, 2]);
    // Its client is told when all have voted, and not only when that is decided.
    const order: string[] = trace.map((step: { what: string }) => step.what);
    expect(of('answered')).toMatchObject([
      { yes: true, at: Math.max(...of('vote').map((v: { at: number }) => v.at)) },
    ]);
    expect(order.indexOf('answered')).toBeLessThan(order.indexOf('decided'));
    const shown = await ok('tx', 'show', done);
    expect(shown).toMatchObject({ id: done, state: 'committed', parts: [] });
    expect(shown.trace).toEqual(trace);
    const { stdout } = await tx(text, '--trace');
    expect(stdout).toMatch(/client +n[123] +n[123] +n[123]\n/);
    for (const label of ['run', 'prepare', 'prepared #', 'yes #', 'commit #', 'committed', 'finished'])
      expect(stdout).toContain(label);
  });

  it('on one partition took one log entry and no prepare, and cannot be paused', async () => {
    const ran = await tx('incr alone', '--trace');
    expect(ran).toMatchObject({ code: 0, stdout: '' });
    expect(ran.stderr).toMatch(
      /all keys are in partition \d+ on n[123]: committed with one log entry, without a prepare phase/,
    );
    expect(await report(0, 'incr alone', '--trace')).toMatchObject({ outcome: 'committed', trace: [] });
    expect(await fails(2, 'tx', 'run', '-c', 'incr alone', '--pause-at', 'prepared')).toMatchObject({
      code: 'usage',
      message: expect.stringContaining('several partitions'),
    });
    expect((await run('counter', 'get', 'alone')).stdout).toBe('2\n');
  });
});

describe('bad input to `tx`', { timeout: 60_000 }, () => {
  it.each([
    [
      ['run', '-c', 'put a 1\nptu b 2'],
      'line 2, column 1: invalid statement "ptu": expected one of check, get, put, delete, incr, decr; did you mean "put"?',
    ],
    [['run', '-c', ''], 'line 1, column 1: expected a statement'],
    [['run', '-c', 'get a', 'file'], '-c STATEMENTS cannot be combined with a file'],
    [['run', 'no-such-file'], 'cannot read no-such-file: no such file'],
    [['run', '.'], 'it is a folder'],
    [['run', '-c', 'get a', '--pause-at', 'begun'], '--pause-at'],
    [['show', 'x'], 'invalid transaction ID "x"'],
    [['resolve', 'x', '--abort'], 'invalid transaction ID "x"'],
    [['resolve', '1:1.1:1'], '--abort is required'],
    [['show'], 'missing argument: id'],
  ])('is a usage error: %j', async (args, message) => {
    expect(await fails(2, 'tx', ...args)).toMatchObject({
      code: 'usage',
      message: expect.stringContaining(message),
      tookEffect: 'no',
      hint: `See \`muster tx ${args[0]} --help\`.`,
    });
  });

  it('of more statements than there may be says where they are too many', async () => {
    const input = Array.from({ length: 11_024 }, (_, i) => `incr many-${i}\n`).join('');
    const ran = await muster(world.home, ['tx', 'run', '-', '--json'], { input });
    expect(json(ran, 2).error.message).toBe(
      'line 1025, column 1: too many statements: expected at most 1024',
    );
    expect(await ok('counter', 'list', '--prefix', 'many-')).toEqual([]);
  });

  it('of a transaction that is not there is answered with exit code 1', async () => {
    expect(await fails(1, 'tx', 'show', '1:99.99:1')).toMatchObject({ code: 'unknown-tx', tookEffect: 'no' });
    expect(await fails(1, 'tx', 'resolve', '1:99.99:1', '--abort')).toMatchObject({
      code: 'unknown-tx',
      message: expect.stringContaining('is not open'),
    });
  });
});

describe('a paused transaction', { timeout: 60_000 }, () => {
  it('is told with what to do next, is in doubt, and is aborted by `tx resolve`: nothing of it is written', async () => {
    const [a, b, c] = await spread('resolve-', 3);
    const going = begin('tx', 'run', '-c', `put ${a} 1; incr ${b}; get ${c}`, '--pause-at', 'prepared');
    const { id: held, anchor } = await paused(going);
    for (const next of [
      `muster tx show ${held}`,
      'muster tx list --in-doubt',
      `muster node kill ${anchor.node}`,
      `muster tx resolve ${held} --abort`,
    ])
      expect(going.stderr()).toContain(next);
    const doubt: Part[] = await ok('tx', 'list', '--in-doubt');
    expect(doubt.map((part) => [part.id, part.role, part.state])).toEqual([
      [held, 'participant', 'in-doubt'],
      [held, 'participant', 'in-doubt'],
    ]);
    expect(await ok('tx', 'show', held)).toMatchObject({
      state: 'pending',
      anchor: anchor.partition,
      node: anchor.node,
      parts: { length: 3 },
    });
    expect((await run('tx', 'list')).stdout).toMatch(/^ID +PARTITION +NODE +ROLE +STATE +KEYS\n/);

    expect(await ok('tx', 'resolve', held, '--abort')).toEqual({ id: held, outcome: 'aborting' });
    expect(await going.ended).toBe(6);
    expect(going.stderr()).toContain('aborted (asked)');
    await expect.poll(list).toEqual([]);
    expect((await run('kv', 'get', a!)).code).toBe(1);
    expect((await run('counter', 'get', b!)).stdout).toBe('0\n');
    expect(await ok('tx', 'show', held)).toMatchObject({ state: 'aborted', parts: [] });
  });

  it('stays paused when its runner is stopped by Ctrl-C (exit code 130)', async () => {
    const [a, b] = await spread('left-', 2);
    const going = begin('tx', 'run', '-c', `put ${a} 1; incr ${b}`, '--pause-at', 'prepared');
    const { id: held } = await paused(going);
    going.child.kill('SIGINT');
    expect(await going.ended).toBe(130);
    expect(going.stderr()).toContain(`${held} stays paused`);
    expect((await list()).map((part) => part.id)).toEqual([held, held]);
    await ok('tx', 'resolve', held, '--abort');
    await expect.poll(list).toEqual([]);
  });

  it('is reported as unknown when its time is up (exit code 7), with the id to ask about', async () => {
    const [a, b] = await spread('unknown-', 2);
    const args = ['--pause-at', 'prepared', '--timeout', '2s'];
    const told = await report(7, `put ${a} 1; incr ${b}`, ...args);
    expect(told).toMatchObject({ id, outcome: 'unknown', reads: [], reason: null });
    expect(await ok('tx', 'show', told.id)).toMatchObject({ state: 'pending' });
    await ok('tx', 'resolve', told.id, '--abort');
    await expect.poll(list).toEqual([]);
    expect((await run('kv', 'get', a!)).code).toBe(1);
  });

  it('whose coordinator is killed ends by itself, all or nothing', async () => {
    const [a, b, c] = await spread('killed-', 3);
    const args = ['-c', `put ${a} 1; incr ${b}; incr ${c}`, '--pause-at', 'prepared', '--json'];
    const going = begin('tx', 'run', ...args);
    // The runner says nothing with --json: the list tells.
    await expect.poll(async () => (await list()).filter((part) => part.state === 'in-doubt').length).toBe(2);
    const { node } = (await list()).find((part) => part.role === 'coordinator') as Part;
    await ok('node', 'kill', node);
    const code = await going.ended;
    const { outcome } = JSON.parse(going.stdout());
    expect([
      [0, 'committed'],
      [6, 'aborted'],
    ]).toContainEqual([code, outcome]);
    const wrote = outcome === 'committed';
    await expect.poll(async () => (await run('kv', 'get', a!)).code).toBe(wrote ? 0 : 1);
    for (const key of [b, c]) expect((await run('counter', 'get', key!)).stdout).toBe(wrote ? '1\n' : '0\n');
    await expect.poll(list).toEqual([]);
    await ok('node', 'start', 'all');
  });

  it('that all have prepared is committed by the next coordinator, though nobody asks for it any more', async () => {
    await run('wait', '--for', 'in-sync');
    const [a, b, c] = await spread('orphan-', 3);
    const going = begin('tx', 'run', '-c', `put ${a} 1; incr ${b}; incr ${c}`, '--pause-at', 'prepared');
    const { id: held, anchor } = await paused(going);
    const votes = async (): Promise<unknown> =>
      (await ok('tx', 'show', held)).trace.filter(({ what }: { what: string }) => what === 'vote').length;
    await expect.poll(votes).toBe(3);
    going.child.kill('SIGINT');
    expect(await going.ended).toBe(130);
    await ok('node', 'kill', anchor.node as string);
    await expect.poll(list).toEqual([]);
    expect((await run('kv', 'get', a!)).stdout).toBe('1\n');
    for (const key of [b, c]) expect((await run('counter', 'get', key!)).stdout).toBe('1\n');
    await ok('node', 'start', 'all');
  });

  it('at its decision is answered while its participants are in doubt; a decision is never overridden', async () => {
    await run('wait', '--for', 'in-sync');
    const [a, b] = await spread('decided-', 2);
    const done = await report(0, `put ${a} 1; incr ${b}`, '--pause-at', 'decided');
    expect(done).toMatchObject({ id, outcome: 'committed', inDoubt: [expect.any(Number)] });
    expect(await fails(6, 'tx', 'resolve', done.id, '--abort')).toMatchObject({
      code: 'tx-committed',
      message: `transaction ${done.id} is committed`,
    });
    const { node, state } = await ok('tx', 'show', done.id);
    expect(state).toBe('committed');
    // A new coordinator finds the decision in its log, and tells it.
    await ok('node', 'kill', node);
    await expect.poll(list).toEqual([]);
    expect((await run('kv', 'get', a!)).stdout).toBe('1\n');
    expect((await run('counter', 'get', b!)).stdout).toBe('1\n');
    await ok('node', 'start', 'all');
  });
});
