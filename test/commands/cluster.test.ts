import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { muster, program, type Ran } from './run.js';
import { alive } from './world.js';

const home = mkdtempSync(join(tmpdir(), 'muster-e2e-'));
const json = (ran: Ran) => {
  if (ran.code !== 0) throw new Error(`exit code ${ran.code}\n${ran.stdout}${ran.stderr}`);
  return JSON.parse(ran.stdout);
};
const run = (...args: string[]) => muster(home, args);

afterAll(async () => {
  for (const name of readdirSync(join(home, 'clusters'))) await run('cluster', 'destroy', name, '--yes');
  rmSync(home, { recursive: true, force: true });
});

describe('a cluster on real processes', { timeout: 60_000 }, () => {
  let pids: number[] = [];

  beforeAll(async () => {
    const status = json(await run('cluster', 'start', '-n', '3', '--partitions', '16', '--json'));
    pids = status.nodes.map((node: { pid: number }) => node.pid);
  }, 60_000);

  it('is up after start: every partition serves, every node is a live process of its own', async () => {
    const status = json(await run('cluster', 'status', '--json'));
    expect(status).toMatchObject({ cluster: 'default', partitions: { total: 16, serving: 16 } });
    expect(status.nodes.map((n: { state: string }) => n.state)).toEqual(['up', 'up', 'up']);
    expect(new Set(pids).size).toBe(3);
    expect(pids.every(alive)).toBe(true);
  });

  it('keeps its secret and its folder to its user', () => {
    const dir = join(home, 'clusters/default');
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(statSync(join(dir, 'token')).mode & 0o777).toBe(0o600);
  });

  it('counts, and prints the bare value in a pipe', async () => {
    expect(await run('counter', 'incr', 'hits', '--by', '5')).toMatchObject({ code: 0, stdout: '5\n' });
    expect(await run('counter', 'decr', 'hits')).toMatchObject({ code: 0, stdout: '4\n' });
    expect(json(await run('counter', 'get', 'hits', '--json'))).toEqual({ name: 'hits', value: 4 });
    expect(json(await run('counter', 'list', '--json'))).toEqual([{ name: 'hits', value: 4 }]);
  });

  it('stores what standard input says, and tells a key that is not there by exit code 1', async () => {
    expect((await muster(home, ['kv', 'put', 'page', '-'], { input: 'a\nb\n' })).code).toBe(0);
    expect((await run('kv', 'get', 'page')).stdout).toBe('a\nb\n\n');
    const missing = await run('kv', 'get', 'nope', '--json');
    expect(missing.code).toBe(1);
    expect(JSON.parse(missing.stdout).error.code).toBe('not-found');
    expect((await run('kv', 'list', '--ndjson', '--keys-only')).stdout).toBe('{"key":"page"}\n');
    expect((await run('kv', 'delete', 'page')).code).toBe(0);
    expect((await run('kv', 'delete', 'page')).code).toBe(1);
  });

  it('locates a key, and its owners add up to the whole ring', async () => {
    const [row] = json(await run('ring', 'locate', 'hits', '--json'));
    expect(row).toMatchObject({
      key: 'hits',
      partition: expect.any(Number),
      primary: expect.stringMatching(/^n[123]$/),
    });
    expect(row.backups).toHaveLength(2);
    const owners = json(await run('ring', 'owners', '--json'));
    expect(owners.reduce((sum: number, o: { partitions: number }) => sum + o.partitions, 0)).toBe(16);
  });

  it('is refused a second start, also while another command changes it', async () => {
    const again = await run('cluster', 'start', '--json');
    expect([again.code, JSON.parse(again.stdout).error.code]).toEqual([2, 'already-running']);
    const other = await run('cluster', 'start', '-n', '5', '--json');
    expect([other.code, JSON.parse(other.stdout).error.code]).toEqual([2, 'name-taken']);
  });

  it('shows a killed node as a row, serves on, and takes it back', async () => {
    const { id, pid } = json(
      await run('node', 'kill', '--role', 'primary', '--of', 'hits', '--if-safe', '--json'),
    );
    expect(alive(pid)).toBe(false);
    expect(json(await run('counter', 'get', 'hits', '--json'))).toEqual({ name: 'hits', value: 4 });
    const row = json(await run('cluster', 'status', '--json')).nodes.find((n: { id: string }) => n.id === id);
    expect(row).toMatchObject({ state: 'down', reachable: false, pid: null });
    const unsafe = await run(
      'node',
      'kill',
      json(await run('ring', 'locate', 'hits', '--json'))[0].primary,
      '--if-safe',
      '--json',
    );
    expect([unsafe.code, JSON.parse(unsafe.stdout).error.code]).toEqual([1, 'not-safe']);
    expect(json(await run('node', 'start', id, '--json'))).toMatchObject({ id, incarnation: 2 });
    expect((await run('wait', '--for', 'in-sync', '--timeout', '30s')).code).toBe(0);
    expect((await run('wait', '--for', 'members=3')).code).toBe(0);
  });

  it('shows a paused node as paused, and goes on when it is resumed', async () => {
    json(await run('node', 'pause', 'n1', '--json'));
    const row = json(await run('cluster', 'status', '--json')).nodes[0];
    expect(row).toMatchObject({ id: 'n1', state: 'paused', reachable: false });
    json(await run('node', 'resume', 'n1', '--json'));
    expect((await run('wait', '--for', 'in-sync', '--timeout', '30s')).code).toBe(0);
  });

  it('is gone after stop, without a process left, and comes back with its data', async () => {
    const { stopped } = json(await run('cluster', 'stop', '--json'));
    expect(stopped).toHaveLength(3);
    expect(stopped.every((n: { pid: number; killed: boolean }) => !n.killed && !alive(n.pid))).toBe(true);
    const stoppedGet = await run('counter', 'get', 'hits', '--json');
    expect([stoppedGet.code, JSON.parse(stoppedGet.stdout).error.code]).toEqual([3, 'not-running']);
    expect(json(await run('cluster', 'start', '--json')).created).toBe(false);
    expect((await run('counter', 'get', 'hits')).stdout).toBe('4\n');
  });

  it('can be started by the next step of a scenario after a start that failed', async () => {
    const input = 'cluster start two -n 1 --service /missing.mjs\ncluster start two -n 1 --partitions 4\n';
    const ran = await muster(home, ['run', '-', '--keep-going', '--no-color'], { input });
    expect(ran.stdout + ran.stderr).toMatch(
      /✗ cluster start two -n 1 --service[\s\S]*✓ cluster start two -n 1 --partitions 4/,
    );
    expect((await run('cluster', 'destroy', 'two', '--yes')).code).toBe(0);
  });

  it('lives beside another one, of which one of two starts at once is refused', async () => {
    const starts = await Promise.all([
      run('cluster', 'start', 'two', '-n', '1', '--partitions', '4', '--json'),
      run('cluster', 'start', 'two', '-n', '1', '--partitions', '4', '--json'),
    ]);
    expect(starts.map((s) => s.code).sort()).toEqual([0, expect.any(Number)]);
    const refused = starts.find((s) => s.code !== 0)!;
    expect(['cluster-busy', 'already-running']).toContain(JSON.parse(refused.stdout).error.code);
    expect((await muster(home, ['counter', 'get', 'hits'], { env: { MUSTER_CLUSTER: 'two' } })).stdout).toBe(
      '0\n',
    );
    expect(json(await run('cluster', 'list', '--json')).map((c: { name: string }) => c.name)).toEqual([
      'default',
      'two',
    ]);
    expect((await run('cluster', 'destroy', 'two')).code).toBe(2);
    expect((await run('cluster', 'destroy', 'two', '--yes')).code).toBe(0);
    expect(existsSync(join(home, 'clusters/two'))).toBe(false);
  });

  it('in the foreground shows logs, starts a killed node again, and leaves nothing behind on Ctrl-C', async () => {
    const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
    const child = spawn(
      process.execPath,
      [program, 'cluster', 'start', 'fg', '-n', '1', '--partitions', '4', '--foreground'],
      {
        env: { ...env, MUSTER_HOME: home },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let said = '';
    child.stderr.on('data', (data) => {
      said += data;
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    await expect.poll(() => said, { timeout: 20_000 }).toContain('Press Ctrl-C to stop it');
    const { pid } = json(await run('node', 'kill', 'n1', '-c', 'fg', '--json'));
    await expect.poll(() => said, { timeout: 10_000 }).toContain('restarting');
    expect((await run('wait', '--for', 'ready', '-c', 'fg')).code).toBe(0);
    const row = json(await run('node', 'list', '-c', 'fg', '--json'))[0];
    expect(row.pid).not.toBe(pid);
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(alive(row.pid)).toBe(false);
  });
});
