import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.js';

describe('a map folder put back to an older set', { timeout: 90_000 }, () => {
  const world = new World();
  const { ok, run, fails } = world;
  const dir = join(world.home, 'clusters', 'default');
  const [map, old] = [join(dir, 'map'), join(world.home, 'old-map')];
  const putBack = (): void => {
    rmSync(map, { recursive: true });
    cpSync(old, map, { recursive: true });
  };
  beforeAll(async () => {
    await ok('cluster', 'start', '-n', '3', '--partitions', '4');
    cpSync(map, old, { recursive: true });
    // A primary is replaced, and counts without knowing.
    await ok('node', 'kill', 'n1');
    await ok('counter', 'incr', 'hits');
    await ok('node', 'start', 'n1');
    await ok('wait', '--for', 'in-sync');
  }, 60_000);
  afterAll(() => world.end());
  const error = {
    code: 'metastore-rolled-back',
    hint: expect.stringContaining('`muster cluster start default`'),
  };

  it('is told by every command, serves nothing, and is mended by `cluster start` while nodes run', async () => {
    putBack();
    expect(await fails(5, 'counter', 'incr', 'hits')).toMatchObject(error);
    expect(await fails(5, 'wait', '--for', 'in-sync')).toMatchObject(error);
    expect(await fails(5, 'ring', 'rebalance')).toMatchObject(error);
    const log = (): string => readFileSync(join(dir, 'nodes', 'n2', 'log'), 'utf8');
    await expect.poll(log, { timeout: 10_000 }).toContain('"code":"metastore-rolled-back"');
    // Each node finds out by itself.
    const status = async (): Promise<string> => (await run('cluster', 'status')).stdout;
    await expect.poll(status, { timeout: 20_000 }).toContain('0 of 4 available');
    expect(await status()).toContain('Warning: cluster map in');
    const started = await run('cluster', 'start');
    expect([started.code, started.stderr]).toEqual([
      0,
      expect.stringMatching(/restored revision \d+ from the copies of the nodes/),
    ]);
    expect((await run('counter', 'incr', 'hits')).stdout).toBe('2\n');
    expect(await ok('cluster', 'status')).toMatchObject({ mapProblem: null });
  });

  it('stops a node from starting, and is mended by `cluster start` when all are stopped', async () => {
    await ok('cluster', 'stop');
    putBack();
    expect(await fails(5, 'node', 'start', 'n1')).toMatchObject(error);
    expect(await ok('cluster', 'start')).toMatchObject({ created: false });
    expect((await run('counter', 'incr', 'hits')).stdout).toBe('3\n');
  });
});
