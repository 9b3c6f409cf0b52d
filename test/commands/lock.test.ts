import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { muster } from './run.js';
import { alive, json, processesBelow, World } from './world.js';

const world = new World();
const { run, ok, fails, begin } = world;
beforeAll(async () => void (await ok('cluster', 'start', '-n', '3', '--partitions', '8')), 60_000);
afterAll(() => world.end());

const file = (name: string) => join(world.home, name);
const read = (name: string): string => (existsSync(file(name)) ? readFileSync(file(name), 'utf8') : '');
const holders = async (name: string): Promise<number[]> =>
  (await ok('lock', 'show', name)).holders.map((h: { token: number }) => h.token);
const waiting = async (name: string): Promise<number> => (await ok('lock', 'show', name)).waiting;
const watchdogs = (name: string): number[] => processesBelow(`--muster-lock=default/${name}`);

/** Writes its pid, its child's and its token to a file, and lives until it is killed; SIGTERM does not do. */
const stubborn = (name: string) => [
  'sh',
  '-c',
  `trap "" TERM; sleep 300 & echo "$$ $! $MUSTER_LOCK_TOKEN" > ${file(name)}; wait; wait`,
];
/** What `stubborn` wrote. */
const running = async (name: string): Promise<{ pids: number[]; token: number }> => {
  await expect.poll(() => read(name)).toMatch(/\n/);
  const [leader = 0, child = 0, token = 0] = read(name).split(' ').map(Number);
  return { pids: [leader, child], token };
};
/** For the next holder: says of each pid whether it still runs. */
const lookAt = (pids: readonly number[]) => [
  'sh',
  '-c',
  `for p in ${pids.join(' ')}; do grep -qs "^State:[[:space:]]*[RSDTtI]" /proc/$p/status && echo alive || echo gone; done`,
];

describe('a lock', { timeout: 60_000 }, () => {
  it('is acquired once, shown, listed, and released by its token alone', async () => {
    const acquired = await run('lock', 'acquire', 'door', '--ttl', '60s');
    expect(acquired).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\n$/) });
    const token = Number(acquired.stdout);
    const view = { name: 'door', permits: 1, holders: [{ token, ttlMs: 60_000 }], waiting: 0 };
    expect(await ok('lock', 'show', 'door')).toEqual(view);
    expect(await ok('lock', 'list')).toEqual([view]);
    expect((await run('lock', 'list')).stdout).toMatch(new RegExp(`^door +${token} +1 m 0 s +1 +0$`, 'm'));
    expect(await fails(6, 'lock', 'acquire', 'door', '--ttl', '1s')).toMatchObject({
      code: 'lock-held',
      tookEffect: 'no',
    });
    expect(await fails(4, 'lock', 'acquire', 'door', '--ttl', '1s', '--wait', '50ms')).toMatchObject({
      code: 'timeout',
      tookEffect: 'no',
      message: expect.stringContaining('lock door is still held'),
    });
    expect(await fails(6, 'lock', 'release', 'door', String(token + 1))).toMatchObject({ code: 'lock-lost' });
    expect(await ok('lock', 'show', 'door')).toEqual(view);
    expect(await ok('lock', 'release', 'door', '--token', String(token))).toEqual({
      name: 'door',
      token,
      released: true,
    });
    expect(await ok('lock', 'show', 'door')).toMatchObject({ holders: [], waiting: 0 });
    expect(await ok('lock', 'list')).toEqual([]);
    expect(await fails(6, 'lock', 'release', 'door', String(token))).toMatchObject({ code: 'lock-lost' });
  });

  it('lives for its time without its holder, and then goes to the next with a greater token', async () => {
    const first = await ok('lock', 'acquire', 'brief', '--ttl', '2s');
    expect(first).toMatchObject({ name: 'brief', token: expect.any(Number) });
    expect(first.expiresInMs).toBeGreaterThan(0);
    expect(first.expiresInMs).toBeLessThanOrEqual(2000);
    const next = await ok('lock', 'acquire', 'brief', '--ttl', '60s', '--wait', '30s');
    expect(next.token).toBeGreaterThan(first.token);
    expect(await holders('brief')).toEqual([next.token]);
  });

  it('with several permits has so many holders', async () => {
    const permits = ['--ttl', '60s', '--permits', '2'];
    const tokens = [await ok('lock', 'acquire', 'seats', ...permits)];
    tokens.push(await ok('lock', 'acquire', 'seats', ...permits));
    expect(await holders('seats')).toEqual(tokens.map(({ token }) => token));
    expect(await fails(6, 'lock', 'acquire', 'seats', ...permits)).toMatchObject({ code: 'lock-held' });
    expect(await fails(6, 'lock', 'acquire', 'seats', '--ttl', '60s')).toMatchObject({ code: 'conflict' });
  });

  it('is granted in the order of the queue', async () => {
    const { token } = await ok('lock', 'acquire', 'queue', '--ttl', '60s');
    const waiters = [];
    for (const i of [1, 2, 3]) {
      const append = ['sh', '-c', `echo ${i} >> ${file('order')}`];
      waiters.push(begin('lock', 'run', 'queue', '--wait', '50s', '--', ...append));
      await expect.poll(() => waiting('queue')).toBe(i);
    }
    expect(read('order')).toBe('');
    await ok('lock', 'release', 'queue', String(token));
    expect(await Promise.all(waiters.map(({ ended }) => ended))).toEqual([0, 0, 0]);
    expect(read('order')).toBe('1\n2\n3\n');
  });

  it('leaves the queue when its waiter is interrupted', async () => {
    const { token } = await ok('lock', 'acquire', 'left', '--ttl', '60s');
    const waiter = begin('lock', 'acquire', 'left', '--ttl', '60s', '--wait', '50s');
    await expect.poll(() => waiting('left')).toBe(1);
    waiter.child.kill('SIGINT');
    expect(await waiter.ended, waiter.said()).toBe(130);
    expect(await ok('lock', 'show', 'left')).toMatchObject({ holders: [{ token }], waiting: 0 });
  });

  it('fences a key: a stale token is refused, a newer one taken, whatever the name of the lock', async () => {
    await ok('kv', 'put', 'fenced', 'new', '--fence', 'a:b:7');
    expect(await fails(6, 'kv', 'put', 'fenced', 'old', '--fence', 'a:b:6')).toMatchObject({
      code: 'fenced',
      tookEffect: 'no',
    });
    await ok('kv', 'put', 'fenced', 'other lock', '--fence', 'a:6');
    await ok('kv', 'put', 'fenced', 'newer', '--fence', 'a:b:8');
    expect((await run('kv', 'get', 'fenced')).stdout).toBe('newer\n');
  });

  it('is not touched by bad input (exit code 2)', async () => {
    const cases: [string[], string, string][] = [
      [['acquire', 'bad', '--ttl', '0'], 'usage', 'invalid lock TTL "0ms"'],
      [['acquire', 'bad', '--ttl=-5s'], 'usage', 'invalid duration "-5s"'],
      [['acquire', 'bad', '--ttl', 'soon'], 'usage', 'invalid duration "soon"'],
      [['acquire', 'bad', '--ttl', '2d'], 'usage', 'invalid lock TTL "172800000ms"'],
      [['acquire', 'bad'], 'usage', '--ttl is required'],
      [['acquire', 'bad', '--ttl', '5s', '--wait=-1s'], 'usage', 'invalid duration "-1s"'],
      [['acquire', 'bad', '--ttl', '5s', '--permits', '0'], 'usage', 'invalid permit count "0"'],
      [['acquire', '', '--ttl', '5s'], 'key-invalid', '1 to 512 bytes'],
      [['release', 'bad'], 'usage', 'expected one token'],
      [['release', 'bad', '1', '--token', '2'], 'usage', 'expected one token'],
      [['release', 'bad', 'x'], 'usage', 'invalid token'],
      [['release', 'bad', '0'], 'usage', 'invalid token'],
      [['show', ''], 'key-invalid', '1 to 512 bytes'],
    ];
    const refused = async ([args, code, said]: (typeof cases)[number]) => {
      const error = await fails(2, 'lock', ...args);
      expect(error, args.join(' ')).toMatchObject({
        code,
        tookEffect: 'no',
        message: expect.stringContaining(said),
      });
    };
    await Promise.all(cases.map(refused));
    expect((await ok('lock', 'list')).map((lock: { name: string }) => lock.name)).not.toContain('bad');
  });

  it('is not read from a --fence that is none (exit code 2)', async () => {
    const put = (fence: string) => fails(2, 'kv', 'put', 'untouched', 'v', '--fence', fence);
    for (const error of await Promise.all(['x', ':1', 'x:', 'x:y', 'x:0'].map(put)))
      expect(error).toMatchObject({ code: 'usage', tookEffect: 'no' });
    expect(await fails(1, 'kv', 'get', 'untouched')).toMatchObject({ code: 'not-found' });
  });
});

describe('lock run', { timeout: 60_000 }, () => {
  it('gives its command the terminal’s streams and the lock’s name and token, and passes its exit code on', async () => {
    const say = 'cat; echo "$MUSTER_LOCK_NAME $MUSTER_LOCK_TOKEN $NODE_CHANNEL_FD"; echo oh >&2; exit 3';
    const ran = await muster(world.home, ['lock', 'run', 'plain', '--', 'sh', '-c', say], { input: 'in ' });
    expect(ran).toMatchObject({
      code: 3,
      stderr: 'oh\n',
      stdout: expect.stringMatching(/^in plain \d+ \n$/),
    });
    expect(await holders('plain')).toEqual([]);
    expect(watchdogs('plain')).toEqual([]);
    expect((await run('lock', 'run', 'plain', '--', 'true')).code).toBe(0);
    expect((await run('lock', 'run', 'plain', '--', 'sh', '-c', 'kill -9 $$')).code).toBe(137);
  });

  it('with --json keeps stdout for its report, and hands words after "--" on as they are', async () => {
    const ran = await run('lock', 'run', 'report', '--json', '--', 'echo', '--json', '--', '-h');
    expect(json(ran)).toEqual({ name: 'report', token: expect.any(Number), exitCode: 0, signal: null });
    expect(ran.stderr).toBe('--json -- -h\n');
  });

  it('never lets two commands overlap', async () => {
    const work = (i: number) =>
      `echo "begin ${i}" >> ${file('turns')}; sleep 0.1; echo "end ${i}" >> ${file('turns')}`;
    const runs = [1, 2, 3, 4].map((i) =>
      begin('lock', 'run', 'turns', '--wait', '50s', '--', 'sh', '-c', work(i)),
    );
    expect(await Promise.all(runs.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);
    const lines = read('turns').trim().split('\n');
    expect(lines).toHaveLength(8);
    for (let i = 0; i < 8; i += 2) expect(lines[i + 1]).toBe(lines[i]!.replace('begin', 'end'));
  });

  it('renews while its command runs, however long', async () => {
    const long = begin('lock', 'run', 'long', '--ttl', '1500ms', '--', ...stubborn('long'));
    const { token, pids } = await running('long');
    // Another waits for twice the time to live, and in vain.
    expect((await run('lock', 'acquire', 'long', '--ttl', '1s', '--wait', '3s')).code).toBe(4);
    expect(await holders('long')).toEqual([token]);
    expect(pids.every(alive)).toBe(true);
    process.kill(-pids[0]!, 'SIGKILL');
    expect(await long.ended, long.said()).toBe(137);
  });

  it('ends what its command left running before the lock goes on', async () => {
    const leave = `trap "" TERM; sleep 300 & echo "$$ $! $MUSTER_LOCK_TOKEN" > ${file('left')}; exit 5`;
    const first = begin('lock', 'run', 'heir', '--grace', '200ms', '--', 'sh', '-c', leave);
    const { pids } = await running('left');
    const next = await run('lock', 'run', 'heir', '--wait', '30s', '--', ...lookAt(pids));
    expect(next).toMatchObject({ code: 0, stdout: 'gone\ngone\n' });
    expect(await first.ended, first.said()).toBe(5);
  });

  it('that cannot run its command says why by its exit code, and holds nothing', async () => {
    await ok('lock', 'acquire', 'taken', '--ttl', '10m');
    writeFileSync(file('plain-file'), 'true', { mode: 0o644 });
    // Found out only when it is tried, with the lock held.
    writeFileSync(file('broken'), '#!/no/such/interpreter\n', { mode: 0o755 });
    const cases: [number, string[], string][] = [
      [124, ['taken', '--', 'touch'], 'is held by'],
      [124, ['taken', '--wait', '50ms', '--', 'touch'], 'is still held after'],
      [125, ['idle', '--ttl', '3s', '--grace', '2s', '--', 'touch'], 'twice --grace plus 200ms'],
      [125, ['idle', '--ttl', '0', '--', 'touch'], '--ttl'],
      [125, ['idle', '--wait=-1s', '--', 'touch'], 'invalid duration "-1s"'],
      [125, ['', '--', 'touch'], '1 to 512 bytes'],
      [125, ['idle', '-c', 'elsewhere', '--', 'touch'], 'unknown cluster "elsewhere"'],
      [125, ['idle', 'touch'], 'after "--"'],
      [127, ['idle', '--', 'no-such-program'], 'program "no-such-program" not found in PATH'],
      [127, ['idle', '--', './no/such'], 'program "./no/such" not found'],
      [127, ['idle', '--', file('plain-file')], 'not executable'],
      [127, ['broken', '--', file('broken')], 'cannot run "'],
    ];
    const refused = async ([code, args, said]: (typeof cases)[number]) => {
      const ran = await run('lock', 'run', ...args, file('touched'));
      expect(ran.stderr, args.join(' ')).toContain(said);
      expect(ran.code, args.join(' ')).toBe(code);
    };
    await Promise.all(cases.map(refused));
    expect(watchdogs('')).toEqual([]);
    expect(existsSync(file('touched'))).toBe(false);
    const held = (await ok('lock', 'list')).map((lock: { name: string }) => lock.name);
    expect(held).toContain('taken');
    expect(held).not.toContain('idle');
    expect(held).not.toContain('broken');
  });

  it('without a command says so (exit code 125)', async () => {
    for (const args of [[], ['--']]) {
      const ran = await run('lock', 'run', 'idle', ...args);
      expect(ran).toMatchObject({ code: 125, stdout: '' });
      expect(ran.stderr).toContain('missing command');
    }
  });
});

describe('signals to lock run', { timeout: 60_000 }, () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s goes to the command, whose exit code counts, and the lock is free',
    async (signal) => {
      const name = `told-${signal}`;
      const script = `trap "echo got >> ${file(name)}; exit 9" ${signal.slice(3)}; echo up >> ${file(name)}; while :; do sleep 0.05; done`;
      const going = begin('lock', 'run', name, '--', 'sh', '-c', script);
      await expect.poll(() => read(name)).toBe('up\n');
      going.child.kill(signal);
      expect(await going.ended, going.said()).toBe(9);
      expect(read(name)).toBe('up\ngot\n');
      expect(await holders(name)).toEqual([]);
      expect(watchdogs(name)).toEqual([]);
    },
  );

  it('Ctrl-C ends a command that does not expect it (exit code 130)', async () => {
    const going = begin(
      'lock',
      'run',
      'plain-int',
      '--',
      'sh',
      '-c',
      `echo up > ${file('plain-int')}; exec sleep 300`,
    );
    await expect.poll(() => read('plain-int')).toBe('up\n');
    going.child.kill('SIGINT');
    expect(await going.ended, going.said()).toBe(130);
    expect(await holders('plain-int')).toEqual([]);
  });

  it('the second one ends the whole group at once', async () => {
    const going = begin('lock', 'run', 'twice', '--', ...stubborn('twice'));
    const { pids } = await running('twice');
    going.child.kill('SIGTERM');
    // Signals close together are one; so it is repeated, slowly, until it counts as another.
    await expect.poll(() => pids.some(alive) && going.child.kill('SIGTERM'), { interval: 500 }).toBe(false);
    expect(await going.ended, going.said()).toBe(137);
    expect(await holders('twice')).toEqual([]);
  });

  it('while it waits for the lock end it, and leave nothing', async () => {
    await ok('lock', 'acquire', 'busy', '--ttl', '60s');
    const going = begin('lock', 'run', 'busy', '--wait', '50s', '--', 'touch', file('busy'));
    await expect.poll(() => waiting('busy')).toBe(1);
    going.child.kill('SIGINT');
    expect(await going.ended, going.said()).toBe(130);
    expect(await waiting('busy')).toBe(0);
    expect(existsSync(file('busy'))).toBe(false);
    expect(watchdogs('busy')).toEqual([]);
  });
});

describe('a lock that can no longer be proved held', { timeout: 60_000 }, () => {
  it.each(['SIGSTOP', 'SIGKILL'] as const)(
    'because its holder got %s is the next one’s only after the whole group is gone, and the old token is refused',
    async (signal) => {
      const name = `holder-${signal}`;
      const old = begin('lock', 'run', name, '--ttl', '2s', '--grace', '200ms', '--', ...stubborn(name));
      const { pids, token } = await running(name);
      await ok('kv', 'put', name, 'old', '--fence', `${name}:${token}`);
      const script = `${lookAt(pids)[2]}; echo "$MUSTER_LOCK_TOKEN"`;
      const next = begin('lock', 'run', name, '--wait', '30s', '--', 'sh', '-c', script);
      await expect.poll(() => waiting(name)).toBe(1);
      expect(pids.every(alive)).toBe(true);
      old.child.kill(signal);
      expect(await next.ended, next.said()).toBe(0);
      const [leader, child, newer] = next.said().trim().split('\n');
      expect([leader, child]).toEqual(['gone', 'gone']);
      expect(Number(newer)).toBeGreaterThan(token);
      await ok('kv', 'put', name, 'new', '--fence', `${name}:${newer}`);
      expect(await fails(6, 'kv', 'put', name, 'late', '--fence', `${name}:${token}`)).toMatchObject({
        code: 'fenced',
      });
      expect((await run('kv', 'get', name)).stdout).toBe('new\n');
      if (signal === 'SIGSTOP') {
        old.child.kill('SIGCONT');
        expect(await old.ended, old.said()).toBe(126);
        expect(old.said()).toContain(`lock ${name} was lost`);
      } else expect(await old.ended).toBe('SIGKILL');
      await expect.poll(() => watchdogs(name)).toEqual([]);
    },
  );

  it('because somebody else released it ends the command (exit code 126)', async () => {
    const going = begin(
      'lock',
      'run',
      'robbed',
      '--ttl',
      '3s',
      '--grace',
      '200ms',
      '--',
      ...stubborn('robbed'),
    );
    const { pids, token } = await running('robbed');
    await ok('lock', 'release', 'robbed', String(token));
    expect(await going.ended, going.said()).toBe(126);
    expect(going.said()).toContain('does not hold lock robbed any more');
    expect(pids.some(alive)).toBe(false);
    expect(watchdogs('robbed')).toEqual([]);
  });

  it('because what watches over the command was killed ends the command, and is released (exit code 125)', async () => {
    const going = begin('lock', 'run', 'blind', '--grace', '200ms', '--', ...stubborn('blind'));
    const { pids } = await running('blind');
    const [watchdog] = watchdogs('blind');
    process.kill(watchdog!, 'SIGKILL');
    expect(await going.ended, going.said()).toBe(125);
    expect(pids.some(alive)).toBe(false);
    expect(await holders('blind')).toEqual([]);
  });

  it('because every node was killed ends the command in time (exit code 126)', async () => {
    const name = 'lonely';
    const script = `trap "echo told >> ${file(name)}; exit 0" TERM; echo up >> ${file(name)}; while :; do sleep 0.05; done`;
    const going = begin('lock', 'run', name, '--ttl', '3s', '--', 'sh', '-c', script);
    await expect.poll(() => read(name)).toBe('up\n');
    await ok('node', 'kill', 'all');
    expect(await going.ended, going.said()).toBe(126);
    expect(read(name)).toBe('up\ntold\n');
    expect(going.said()).toContain('not renewed in time');
    expect(world.processes()).toEqual([]);
  });
});
