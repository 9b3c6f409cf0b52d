import { execFileSync } from 'node:child_process';
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { muster } from './run.js';
import { alive, json, World } from './world.js';

const small = ['-n', '3', '--partitions', '8'];

describe('bad input to a running cluster', { timeout: 60_000 }, () => {
  const world = new World();
  const { run, ok, fails } = world;
  beforeAll(async () => void (await ok('cluster', 'start', ...small)), 60_000);
  afterAll(() => world.end());

  it('is refused with its exit code, and changes nothing', async () => {
    await ok('counter', 'reset', 'full', '--to', String(Number.MAX_SAFE_INTEGER));
    expect(await fails(1, 'counter', 'incr', 'full')).toMatchObject({ code: 'overflow', tookEffect: 'no' });
    expect((await run('counter', 'get', 'full')).stdout).toBe('9007199254740991\n');
    expect(await fails(2, 'counter', 'incr', 'full', '--by', '9007199254740992')).toMatchObject({
      code: 'usage',
    });
    expect(await fails(6, 'kv', 'get', 'full')).toMatchObject({ code: 'wrong-type' });
    expect(await fails(2, 'kv', 'put', 'x'.repeat(513), 'v')).toMatchObject({ code: 'key-invalid' });
    const large = await muster(world.home, ['kv', 'put', 'large', '-', '--json'], {
      input: 'x'.repeat(1024 * 1024 + 1),
    });
    expect(json(large, 2).error).toMatchObject({ code: 'value-too-large', tookEffect: 'no' });
    expect(await fails(1, 'kv', 'get', 'large')).toMatchObject({ code: 'not-found' });
    await ok('kv', 'put', 'once', 'a', '--if-version', '0');
    expect(await fails(6, 'kv', 'put', 'once', 'b', '--if-version', '0')).toMatchObject({ code: 'conflict' });
  });

  it('takes the largest value there may be', async () => {
    const largest = 'ö'.repeat(512 * 1024);
    expect((await muster(world.home, ['kv', 'put', 'largest', '-'], { input: largest })).code).toBe(0);
    expect((await run('kv', 'get', 'largest')).stdout).toBe(`${largest}\n`);
  });

  it('names the nodes there are, refuses what does not fit their state, and does none of several then', async () => {
    expect(await fails(2, 'node', 'kill', 'n9')).toMatchObject({
      code: 'unknown-node',
      message: expect.stringContaining('n1, n2, n3'),
    });
    expect(await fails(2, 'node', 'resume', 'n1')).toMatchObject({ code: 'node-state' });
    await ok('node', 'stop', 'n1');
    expect(await fails(2, 'node', 'stop', 'n2', 'n1')).toMatchObject({
      code: 'node-state',
      details: { node: 'n1' },
    });
    expect(await fails(2, 'node', 'start', 'n1', 'n2')).toMatchObject({
      code: 'node-state',
      details: { node: 'n2' },
    });
    expect((await ok('node', 'list')).map((n: { state: string }) => n.state)).toEqual(['down', 'up', 'up']);
    expect(await ok('node', 'start', 'all')).toMatchObject({ id: 'n1' });
    expect(await ok('node', 'start', 'all')).toEqual([]);
    expect((await run('wait', '--for', 'in-sync')).code).toBe(0);
  });

  it('does not find the cluster’s nodes by a wrong token, nor as a web page', async () => {
    const file = join(world.dir('default'), 'token');
    const token = readFileSync(file, 'utf8').trim();
    writeFileSync(file, 'wrong\n');
    expect(await fails(3, 'counter', 'incr', 'hits', '--timeout', '500ms')).toMatchObject({
      code: 'unauthorized',
      tookEffect: 'no',
    });
    const rows = (await ok('cluster', 'status')).nodes;
    expect(rows[0]).toMatchObject({
      state: 'up',
      reachable: false,
      problem: expect.stringContaining('token'),
    });
    rmSync(file);
    expect(await fails(5, 'counter', 'incr', 'hits')).toMatchObject({
      code: 'metastore-unavailable',
      details: { path: file },
    });
    writeFileSync(file, `${token}\n`);
    const refused = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        const socket = new WebSocket(rows[0].url, { headers });
        socket.once('unexpected-response', (_, response) => resolve(response.statusCode));
        socket.once('open', () => reject(new Error('let in')));
      });
    expect(await refused({ authorization: 'Bearer wrong' })).toBe(401);
    expect(await refused({ authorization: `Bearer ${token}`, origin: 'http://example.org' })).toBe(403);
    expect((await run('counter', 'incr', 'hits')).stdout).toBe('1\n');
  });

  it('of two dead nodes of three: reads go on, writes are unavailable (exit code 5), and come back with them', async () => {
    const [{ primary, backups }] = await ok('ring', 'locate', 'hits');
    await ok('node', 'kill', primary, backups[0]);
    expect(await fails(5, 'counter', 'incr', 'hits', '--timeout', '8s')).toMatchObject({
      code: 'unavailable',
      tookEffect: 'no',
    });
    expect((await run('counter', 'get', 'hits')).stdout).toBe('1\n');
    expect(await fails(4, 'wait', '--for', 'members=3', '--timeout', '100ms')).toMatchObject({
      code: 'timeout',
    });
    await ok('node', 'start', 'all');
    expect((await run('counter', 'incr', 'hits')).stdout).toBe('2\n');
  });
});

describe('a start that cannot work', { timeout: 60_000 }, () => {
  const world = new World();
  afterAll(() => world.end());

  it('because a port is taken says which, and leaves nothing behind', async () => {
    const server = createServer();
    // The second node's port: the first starts well, and must be taken back.
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
    );
    const error = await world.fails(2, 'cluster', 'start', ...small, '--port', String(port - 1));
    server.close();
    expect(error).toMatchObject({ code: 'port-taken', tookEffect: 'no' });
    expect(world.folders()).toEqual([]);
    expect(world.processes()).toEqual([]);
  });

  it('with the folder’s disk read-only or not writable says so (exit code 5)', async () => {
    const file = join(world.home, 'file');
    writeFileSync(file, '');
    const ran = await muster(world.home, ['cluster', 'start', '--json'], {
      env: { MUSTER_HOME: join(file, 'x') },
    });
    expect(json(ran, 5).error).toMatchObject({ code: 'metastore-unavailable', tookEffect: 'no' });
  });
});

describe('damage to what lies on disk', { timeout: 120_000 }, () => {
  const world = new World();
  const { run, ok, fails } = world;
  const data = (id: string) => join(world.dir('default'), 'nodes', id, 'data');
  const segment = (id: string) => {
    const folder = join(data(id), 'log');
    return join(
      folder,
      readdirSync(folder)
        .filter((name) => name.endsWith('.seg'))
        .sort()
        .at(-1)!,
    );
  };
  beforeAll(async () => {
    await ok('cluster', 'start', ...small);
    for (let i = 0; i < 8; i++) await ok('kv', 'put', `key${i}`, 'x'.repeat(2000));
    await ok('cluster', 'stop');
  }, 60_000);
  afterAll(() => world.end());

  const readsAll = async () => {
    const rows = await ok('kv', 'list');
    expect(rows.map((row: { key: string }) => row.key)).toEqual(
      Array.from({ length: 8 }, (_, i) => `key${i}`),
    );
  };

  it('in the middle of a log is refused by its node, with the way out; the others serve', async () => {
    const file = segment('n1');
    const byte = openSync(file, 'r+');
    writeSync(byte, Buffer.from([0xff, 0x00, 0xff]), 0, 3, 2000);
    closeSync(byte);
    const error = await fails(5, 'cluster', 'start');
    expect(error).toMatchObject({ code: 'storage-corrupt', tookEffect: 'no', details: { node: 'n1' } });
    expect(error.hint).toContain(data('n1'));
    expect((await run('wait', '--for', 'ready')).code).toBe(0);
    await readsAll();
    const [row] = (await ok('cluster', 'status')).nodes;
    expect(row).toMatchObject({ id: 'n1', state: 'down', problem: expect.stringContaining('Move') });
  });

  it('is mended as the error said: the folder moved away, the node copies its data', async () => {
    renameSync(data('n1'), `${data('n1')}.damaged`);
    expect(await ok('node', 'start', 'n1')).toMatchObject({ id: 'n1' });
    expect((await run('wait', '--for', 'in-sync')).code).toBe(0);
    await ok('node', 'kill', 'n2');
    await readsAll();
    await ok('node', 'start', 'n2');
    expect((await run('wait', '--for', 'in-sync')).code).toBe(0);
  });

  it('at the torn end of a log costs nothing that was acknowledged', async () => {
    await ok('kv', 'put', 'key0', 'last');
    await ok('node', 'kill', 'all');
    // The zeros ahead of the end go, and the last record’s end with them.
    const file = segment('n2');
    const bytes = readFileSync(file);
    let end = statSync(file).size;
    while (end > 0 && bytes[end - 1] === 0) end--;
    truncateSync(file, end - 1);
    await ok('cluster', 'start');
    expect((await run('kv', 'get', 'key0')).stdout).toBe('last\n');
    expect((await run('wait', '--for', 'in-sync')).code).toBe(0);
    await readsAll();
  });

  it('in a roster that names a process which is not ours harms nobody', async () => {
    await ok('cluster', 'stop');
    const stranger = execFileSync('sh', ['-c', 'sleep 60 >/dev/null 2>&1 & echo $!']).toString().trim();
    const file = join(world.dir('default'), 'nodes/n1/process.json');
    const old = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...old, pid: Number(stranger), wanted: 'up' }));
    try {
      expect((await ok('cluster', 'status')).nodes[0]).toMatchObject({ state: 'down', pid: null });
      expect(await fails(2, 'node', 'kill', 'n1')).toMatchObject({ code: 'node-state' });
      expect((await ok('cluster', 'stop')).stopped).toEqual([]);
      await ok('cluster', 'start');
      await ok('cluster', 'destroy', '--yes');
      expect(alive(Number(stranger))).toBe(true);
      expect(world.processes()).toEqual([]);
    } finally {
      process.kill(Number(stranger), 'SIGKILL');
    }
  });
});
