import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromSource, muster } from './run.js';
import { World } from './world.js';

const world = new World();
const { run, ok } = world;
const int = expect.any(Number);
const text = expect.any(String);

describe('the JSON that scripts may rely on (PRODUCT.md)', { timeout: 60_000 }, () => {
  beforeAll(
    async () =>
      void (await ok('cluster', 'start', 'shop', '-n', '3', '--partitions', '8', '--weights', 'n1=2')),
    60_000,
  );
  afterAll(() => world.end());

  it('holds for counters and values', async () => {
    expect(await ok('counter', 'incr', 'hits', '--by', '5')).toEqual({ name: 'hits', value: 5 });
    expect(await ok('counter', 'get', 'hits')).toEqual({ name: 'hits', value: 5 });
    expect(await ok('counter', 'reset', 'hits')).toEqual({ name: 'hits', value: 0 });
    const put = await ok('kv', 'put', 'a', 'b');
    expect(put).toEqual({ key: 'a', value: 'b', version: int });
    expect(await ok('kv', 'get', 'a')).toEqual(put);
  });

  it('holds for the ring', async () => {
    expect(await ok('ring', 'locate', 'a', 'b')).toEqual(
      ['a', 'b'].map((key) => ({ key, hash: int, partition: int, primary: text, backups: [text, text] })),
    );
    const owners = await ok('ring', 'owners');
    expect(owners).toHaveLength(3);
    expect(owners[0]).toMatchObject({ node: 'n1', partitions: 4, share: 0.5, ideal: 0.5 });
  });

  it('holds for status and kill', async () => {
    expect(await ok('cluster', 'status')).toMatchObject({
      cluster: 'shop',
      nodes: ['n1', 'n2', 'n3'].map((id) => ({
        id,
        state: 'up',
        pid: int,
        url: expect.stringMatching(/^ws:\/\/127\.0\.0\.1:\d+$/),
        primaries: int,
        backups: int,
      })),
      partitions: { total: 8, serving: 8, inSync: 8 },
    });
    expect(await ok('node', 'kill', '--role', 'backup', '--of', 'a')).toEqual({ id: text, pid: int });
    expect(await ok('node', 'start', 'all')).toMatchObject({ id: text, pid: int, url: text });
  });

  it('is one value on stdout, with nothing on stderr, also of errors', async () => {
    const ran = await run('kv', 'get', 'none', '--json');
    expect(ran).toMatchObject({ code: 1, stderr: '' });
    expect(JSON.parse(ran.stdout)).toMatchObject({
      error: { code: 'not-found', message: text, tookEffect: 'no', hint: text },
    });
  });

  it('comes from the sources as it comes from the build', async () => {
    const args = ['ring', 'locate', 'a', '--json'];
    const built = await run(...args);
    expect(await muster(world.home, args, { program: fromSource })).toEqual(built);
  });

  it('is for the only cluster there is when nobody says which', async () => {
    expect(await ok('context', 'show')).toEqual({ cluster: 'shop', from: 'only cluster', exists: true });
    const listed = await run('kv', 'list', '--keys-only');
    expect(listed).toMatchObject({ code: 0, stdout: 'a\n' });
  });
});
