import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { World } from './world.js';

const world = new World();
const { run, ok, begin } = world;
afterAll(() => world.end());

const processFiles = (cluster: string): { wanted: string }[] => {
  const nodes = join(world.dir(cluster), 'nodes');
  const ids = existsSync(nodes) ? readdirSync(nodes) : [];
  return ids
    .map((id) => join(nodes, id, 'process.json'))
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')));
};
const launched = (cluster: string) => processFiles(cluster).length;
const toldToEnd = (cluster: string) => processFiles(cluster).filter(({ wanted }) => wanted === 'down').length;

describe('Ctrl-C', { timeout: 60_000 }, () => {
  it('in the middle of creating a cluster takes all of it back (exit code 130)', async () => {
    const start = begin('cluster', 'start', 'early', '-n', '3', '--partitions', '8');
    await expect.poll(() => launched('early')).toBe(3);
    start.child.kill('SIGINT');
    expect(await start.ended, start.said()).toBe(130);
    expect(start.said()).toContain('interrupted');
    expect(world.folders()).toEqual([]);
    expect(world.processes()).toEqual([]);
  });

  it('in the middle of starting one that was there leaves it stopped, with its data', async () => {
    await ok('cluster', 'start', '-n', '3', '--partitions', '8');
    await ok('counter', 'incr', 'hits', '--by', '7');
    await ok('cluster', 'stop');
    rmSync(join(world.dir('default'), 'nodes/n3/process.json'));
    const start = begin('cluster', 'start');
    await expect.poll(() => launched('default')).toBe(3);
    start.child.kill('SIGINT');
    expect(await start.ended, start.said()).toBe(130);
    expect(world.processes()).toEqual([]);
    await ok('cluster', 'start');
    expect((await run('counter', 'get', 'hits')).stdout).toBe('7\n');
  });

  it('in the middle of stopping stops all the same; twice ends the command, and another one finishes', async () => {
    const stop = begin('cluster', 'stop');
    await expect.poll(() => toldToEnd('default') > 0 || stop.child.exitCode !== null).toBe(true);
    stop.child.kill('SIGINT');
    expect([0, 130]).toContain(await stop.ended);
    await ok('cluster', 'stop');
    expect(world.processes()).toEqual([]);
    await ok('cluster', 'start');
    expect((await run('counter', 'get', 'hits')).stdout).toBe('7\n');
  });

  it('in the middle of destroying leaves either the whole cluster, stopped, or nothing', async () => {
    const destroy = begin('cluster', 'destroy', '--yes');
    // Or over already, when this process got no turn meanwhile.
    await expect.poll(() => toldToEnd('default') > 0 || destroy.child.exitCode !== null).toBe(true);
    destroy.child.kill('SIGINT');
    await destroy.ended;
    expect(world.processes()).toEqual([]);
    if (world.folders().includes('default')) {
      await ok('cluster', 'start');
      expect((await run('counter', 'get', 'hits')).stdout).toBe('7\n');
      await ok('cluster', 'destroy', '--yes');
    }
    expect(world.folders()).toEqual([]);
  });
});

describe('kill -9 of the command', { timeout: 60_000 }, () => {
  it('in the middle of a start leaves a cluster that the next start brings up, and no process nobody knows', async () => {
    const start = begin('cluster', 'start', '-n', '3', '--partitions', '8');
    await expect.poll(() => launched('default')).toBeGreaterThan(0);
    start.child.kill('SIGKILL');
    expect(await start.ended).toBe('SIGKILL');
    const again = await run('cluster', 'start');
    // All three had been started: then there is nothing left to do but wait.
    if (again.code !== 0) expect(again.stderr).toContain('is already running (3 nodes)');
    expect((await run('wait', '--for', 'ready')).code).toBe(0);
    expect((await run('counter', 'incr', 'hits')).stdout).toBe('1\n');
    await ok('cluster', 'stop');
    // One whose launcher had no time to write it down ends by itself.
    await expect.poll(() => world.processes()).toEqual([]);
  });

  it('in the foreground ends its nodes with it', async () => {
    const start = begin('cluster', 'start', '--foreground');
    await expect.poll(start.said, { timeout: 20_000 }).toContain('Press Ctrl-C to stop it');
    start.child.kill('SIGKILL');
    await start.ended;
    await expect.poll(() => world.processes(), { timeout: 20_000 }).toEqual([]);
  });

  it('leaves no node that outlives its folder', async () => {
    await ok('cluster', 'start');
    rmSync(world.dir('default'), { recursive: true });
    await expect.poll(() => world.processes(), { timeout: 20_000 }).toEqual([]);
  });
});
