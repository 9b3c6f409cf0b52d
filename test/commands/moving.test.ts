import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { program } from './run.js';
import { World } from './world.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const world = new World();
const elsewhere = new World();
afterAll(async () => {
  await elsewhere.end();
  await world.end();
});

interface Status {
  readonly nodes: readonly {
    id: string;
    state: string;
    pid: number;
    url: string;
    primaries: number;
    backups: number;
  }[];
  readonly partitions: { total: number; serving: number; inSync: number };
}
const ids = (status: Status): string[] => status.nodes.map((n) => n.id);

describe('a cluster whose nodes come and go', () => {
  beforeAll(async () => {
    await world.ok('cluster', 'start', '-n', '3', '--partitions', '16', '--repair-after', '3s');
    for (const name of ['a', 'b', 'c', 'd', 'e']) await world.ok('counter', 'incr', name, '--by', '7');
    await world.ok('kv', 'put', 'greeting', 'hello');
  });

  it('refuses what cannot be, with exit code 2 and nothing changed', async () => {
    const revision = (await world.ok('cluster', 'status')).revision;
    const refused: [string[], string, RegExp][] = [
      [
        ['cluster', 'scale', '2'],
        'usage',
        /invalid node count "2": expected a whole number from 3 \(the replica count\)/,
      ],
      [['cluster', 'scale', 'many'], 'usage', /invalid node count "many": expected a whole number/],
      [['node', 'drain', 'n1'], 'usage', /2 nodes would remain for 3 replicas/],
      [['node', 'drain', 'n1', 'n2', '--degrade'], 'usage', /1 node would remain, a write needs 2/],
      [['node', 'drain', 'n9'], 'unknown-node', /no member "n9"/],
      [['node', 'join', 'n2'], 'node-exists', /node n2 already exists/],
      [['node', 'join', '../x'], 'usage', /invalid node name "\.\.\/x"/],
      [['node', 'join', 'n4', '--weight', '0'], 'usage', /invalid weight of n4 "0"/],
      [['ring', 'rebalance', '--weights', 'n1=0'], 'usage', /weight of n1 must be above 0/],
      [['ring', 'rebalance', '--weights', 'n1=-1'], 'usage', /weight of n1 must be above 0/],
      [['ring', 'plan', '--add', 'n1'], 'node-exists', /node n1 already/],
      [['ring', 'plan', '--remove', 'n1'], 'usage', /2 nodes would remain/],
      [
        ['ring', 'plan', '--add', 'n4', '--max-moved', 'some'],
        'usage',
        /invalid --max-moved "some": expected a share/,
      ],
    ];
    for (const [words, code, message] of refused)
      expect(await world.fails(2, ...words), words.join(' ')).toMatchObject({
        code,
        message: expect.stringMatching(message),
        tookEffect: 'no',
      });
    const status = await world.ok('cluster', 'status');
    expect(status.revision).toBe(revision);
    expect(ids(status)).toEqual(['n1', 'n2', 'n3']);
  });

  it('plans a change without making it, and says by exit code 1 when too much would move', async () => {
    const plan = await world.ok('ring', 'plan', '--add', 'n4');
    expect(plan.copies).toBe(plan.least);
    expect(plan.moves.every((m: { to: string }) => m.to === 'n4')).toBe(true);
    const tight = await world.run('ring', 'plan', '--add', 'n4', '--max-moved', '1%', '--json');
    expect(tight.code).toBe(1);
    expect(JSON.parse(tight.stdout)).toMatchObject({ withinLimit: false, copies: plan.copies });
    expect(ids(await world.ok('cluster', 'status'))).toEqual(['n1', 'n2', 'n3']);
  });

  it('grows as planned: everything in place, no more copied than the plan, every key there', async () => {
    const plan = await world.ok('ring', 'plan', '--add', 'n4', '--add', 'n5');
    const scaled = await world.ok('cluster', 'scale', '5');
    expect(scaled.moves).toMatchObject({
      settled: true,
      planned: { copies: plan.copies },
      done: { copies: plan.copies },
    });
    const status: Status = await world.ok('cluster', 'status');
    expect(status.partitions).toMatchObject({ total: 16, serving: 16, inSync: 16 });
    for (const { id, primaries, backups } of status.nodes) {
      expect(primaries, id).toBeGreaterThanOrEqual(3);
      expect(primaries + backups, id).toBeLessThanOrEqual(10);
    }
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      expect((await world.ok('counter', 'get', name)).value).toBe(7);
    expect(await world.ok('ring', 'show', '--moves')).toMatchObject({ settled: true, cause: 'add n4, n5' });
  });

  it('gives weights their share, live', async () => {
    await world.ok('ring', 'rebalance', '--weights', 'n1=2');
    const owners: { node: string; partitions: number; ideal: number }[] = await world.ok('ring', 'owners');
    for (const { node, partitions, ideal } of owners)
      expect(Math.abs(partitions - ideal * 16), node).toBeLessThan(1);
    await world.ok('ring', 'rebalance', '--weights', 'n1=1');
  });

  it('rebuilds the replicas of a node that stays dead elsewhere, and gives it work again when it comes back', async () => {
    await world.ok('node', 'kill', 'n2');
    await world.ok('wait', '--for', 'rebalanced', '--timeout', '60s');
    const without: Status = await world.ok('cluster', 'status');
    expect(without.nodes.find((n) => n.id === 'n2')).toMatchObject({
      state: 'down',
      primaries: 0,
      backups: 0,
    });
    expect(without.partitions).toMatchObject({ serving: 16, inSync: 16 });
    await world.ok('node', 'start', 'n2');
    await vi.waitFor(
      async () => {
        const back = (await world.ok('cluster', 'status')).nodes.find((n: { id: string }) => n.id === 'n2');
        expect(back).toMatchObject({ state: 'up' });
        expect(back.primaries).toBeGreaterThan(0);
      },
      { timeout: 60_000, interval: 200 },
    );
    await world.ok('wait', '--for', 'rebalanced', '--timeout', '60s');
  });

  it('loses nothing and leaves nothing stuck when the command that scales is killed', async () => {
    const child = spawn(process.execPath, [program, 'cluster', 'scale', '7'], {
      env: { ...process.env, MUSTER_HOME: world.home },
      stdio: 'ignore',
    });
    await vi.waitFor(
      async () => {
        expect((await world.ok('cluster', 'status')).nodes.length).toBe(7);
      },
      { timeout: 30_000, interval: 20 },
    );
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    // Whoever comes next takes up what was left.
    await world.ok('cluster', 'scale', '6');
    const status: Status = await world.ok('cluster', 'status');
    expect(status.nodes.map((n) => n.state)).toEqual(Array(6).fill('up'));
    expect(await world.ok('ring', 'show', '--moves')).toMatchObject({ settled: true });
  });

  it('takes in a node that was started elsewhere, with the token and not without', async () => {
    const [first] = (await world.ok('cluster', 'status')).nodes;
    const address = first.url.slice('ws://'.length);
    const wrong = join(elsewhere.home, 'wrong-token');
    writeFileSync(wrong, 'another-clusters-token\n');
    const join_ = ['node', 'join', 'guest', '--address', address, '--token-file'];
    expect(await elsewhere.fails(3, ...join_, wrong)).toMatchObject({
      code: 'unauthorized',
      tookEffect: 'no',
    });
    expect(elsewhere.folders()).toEqual([]);
    const token = join(world.dir('default'), 'token');
    await elsewhere.ok(...join_, token);
    expect(await elsewhere.fails(2, ...join_, token)).toMatchObject({ code: 'node-exists' });
    const guest = (await world.ok('cluster', 'status')).nodes.find((n: { id: string }) => n.id === 'guest');
    expect(guest).toMatchObject({ state: 'up' });
    expect(guest.primaries + guest.backups).toBeGreaterThan(0);
    expect((await elsewhere.ok('counter', 'get', 'a')).value).toBe(7);
    await elsewhere.ok('node', 'drain', 'guest');
    expect(ids(await world.ok('cluster', 'status'))).not.toContain('guest');
  });

  it('shrinks, and leaves no process or folder of the drained behind', async () => {
    const before: Status = await world.ok('cluster', 'status');
    const drained = await world.ok('cluster', 'scale', '3');
    const status: Status = await world.ok('cluster', 'status');
    expect(status.nodes.length).toBe(3);
    const staying = new Set(status.nodes.map((n) => n.pid));
    expect(drained.drained.length).toBe(before.nodes.length - 3);
    expect(world.processes().sort()).toEqual([...staying].sort());
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      expect((await world.ok('counter', 'get', name)).value).toBe(7);
    expect(await world.ok('kv', 'get', 'greeting')).toMatchObject({ value: 'hello' });
  });

  it('brings back what it had after a stop', async () => {
    await world.ok('cluster', 'stop');
    const status = await world.ok('cluster', 'start');
    expect(status.partitions).toMatchObject({ total: 16, serving: 16 });
    expect((await world.ok('counter', 'get', 'a')).value).toBe(7);
  });
});
