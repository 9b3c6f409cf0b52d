import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.js';

/** A look is a process of its own, and costs what the nodes could use. */
const grace = { timeout: 20_000, interval: 200 };

describe('faults of the network between real nodes', { timeout: 120_000 }, () => {
  const world = new World();
  const { run, ok, fails } = world;
  const partitions = 8;
  beforeAll(
    async () => void (await ok('cluster', 'start', '-n', '3', '--partitions', String(partitions))),
    60_000,
  );
  afterAll(() => world.end());

  interface Row {
    readonly id: string;
    readonly primaries: number;
    readonly backups: number;
  }
  const status = () => ok('cluster', 'status');
  const nodeRow = async (id: string): Promise<Row> =>
    (await status()).nodes.find((row: Row) => row.id === id);
  const planFile = () => join(world.dir('default'), 'faults.json');
  const log = (id: string) => readFileSync(join(world.dir('default'), 'nodes', id, 'log'), 'utf8');
  /** A key whose partition this node is primary of. */
  const keyOf = async (id: string): Promise<string> => {
    const keys = Array.from({ length: 64 }, (_, i) => `k${i}`);
    const found = (await ok('ring', 'locate', ...keys)).find(
      (row: { primary: string }) => row.primary === id,
    );
    return found.key;
  };
  const healed = async () => {
    await ok('fault', 'heal');
    expect(await run('wait', '--for', 'in-sync', '--timeout', '60s')).toMatchObject({ code: 0 });
  };

  it('a netsplit takes the primaries from the node it cuts off, the others count on, and nothing is lost when it heals', async () => {
    const key = await keyOf('n1');
    expect(await ok('counter', 'incr', key)).toEqual({ name: key, value: 1 });
    const made = await ok('fault', 'netsplit', 'n1/n2,n3');
    expect(made).toEqual({
      id: 'f1',
      kind: 'netsplit',
      groups: [['n1'], ['n2', 'n3']],
      oneWay: false,
      text: 'netsplit n1/n2,n3',
      revision: 1,
      confirmed: ['n1', 'n2', 'n3'],
      unconfirmed: [],
    });
    await expect.poll(() => nodeRow('n1'), grace).toMatchObject({ primaries: 0, backups: 0 });
    expect(await ok('counter', 'incr', key)).toEqual({ name: key, value: 2 });
    const { id: _, revision: __, confirmed: ___, unconfirmed: ____, ...shown } = made;
    expect((await status()).faults).toEqual([{ id: 'f1', ...shown }]);
    expect((await run('cluster', 'status')).stdout).toContain('Fault f1: netsplit n1/n2,n3\n');

    // Its process lives, and was never taken for gone: it only lost its place.
    expect(await ok('node', 'list')).toMatchObject([{ id: 'n1', state: 'up', reachable: true }, {}, {}]);

    // Started anew, it is cut off from its first message on: nobody takes it into a partition while the others write.
    await ok('node', 'restart', 'n1');
    expect(await ok('node', 'inspect', 'n1')).toMatchObject({ incarnation: 2, faultRevision: 1 });
    for (let value = 3; value <= 8; value++)
      expect(await ok('counter', 'incr', key)).toEqual({ name: key, value });
    expect(await status()).toMatchObject({ partitions: { serving: partitions, inSync: 0 } });
    expect(await nodeRow('n1')).toMatchObject({ primaries: 0, backups: 0 });

    expect(await ok('fault', 'heal', 'f1')).toMatchObject({
      healed: [{ id: 'f1', text: 'netsplit n1/n2,n3' }],
      revision: 2,
      confirmed: ['n1', 'n2', 'n3'],
    });
    expect(await run('wait', '--for', 'in-sync', '--timeout', '60s')).toMatchObject({ code: 0 });
    expect(await ok('counter', 'get', key)).toEqual({ name: key, value: 8 });
    expect((await status()).faults).toEqual([]);
  });

  it('a netsplit one way takes the primaries from the node that is not heard', async () => {
    const key = await keyOf('n2');
    await ok('fault', 'netsplit', 'n2/n1,n3', '--one-way');
    await expect.poll(() => nodeRow('n2'), grace).toMatchObject({ primaries: 0, backups: 0 });
    expect(await ok('counter', 'incr', key, '--by', '100')).toMatchObject({ name: key });
    await healed();
  });

  it('a node that dies while it is cut off is replaced, too, and comes back when the netsplit is over', async () => {
    const key = await keyOf('n3');
    await ok('fault', 'netsplit', 'n3/n1,n2');
    await ok('node', 'kill', 'n3');
    await ok('counter', 'incr', key);
    await expect.poll(() => nodeRow('n3'), grace).toMatchObject({ primaries: 0 });
    await ok('node', 'start', 'n3');
    await healed();
  });

  it('messages that are late and lost cost time and no count', async () => {
    await ok('fault', 'delay', 'n1', '20ms±10ms');
    await ok('fault', 'drop', 'n2-n3', '20%');
    expect((await run('fault', 'list')).stdout).toMatch(/f\d+ +delay n1 20ms±10ms\nf\d+ +drop n2-n3 20%\n/);
    for (let value = 1; value <= 4; value++)
      expect(await ok('counter', 'incr', 'slow', '--timeout', '20s')).toEqual({ name: 'slow', value });
    await healed();
    expect(await ok('fault', 'list')).toEqual([]);
    expect(await ok('counter', 'get', 'slow')).toEqual({ name: 'slow', value: 4 });
  });

  it('a paused node is told as not confirmed, nobody waits for it, and it applies the fault when it goes on', async () => {
    await ok('node', 'pause', 'n3');
    const { revision, confirmed, unconfirmed } = await ok('fault', 'delay', 'n1-n2', '1ms');
    expect(confirmed).toEqual(['n1', 'n2']);
    expect(unconfirmed).toEqual([{ node: 'n3', why: expect.stringContaining('SIGSTOP') }]);
    await ok('node', 'resume', 'n3');
    await expect.poll(() => ok('node', 'inspect', 'n3'), grace).toMatchObject({ faultRevision: revision });
    await healed();
  });

  it('bad input is refused with exit code 2, and changes nothing', async () => {
    await ok('fault', 'drop', 'n1', '0%');
    const before = readFileSync(planFile(), 'utf8');
    const wrong: [string, string[]][] = [
      ['unknown-node', ['netsplit', 'n1/n9']],
      ['usage', ['netsplit', 'n1/n1,n2']],
      ['usage', ['netsplit', 'n1,n2,n3']],
      ['usage', ['netsplit']],
      ['usage', ['delay', 'n1', '-5ms']],
      ['usage', ['delay', 'n1', 'soon']],
      ['unknown-node', ['delay', 'n1-n9', '5ms']],
      ['usage', ['drop', 'n1', '101%']],
      ['usage', ['drop', 'n1', '-1%']],
      ['usage', ['drop', 'n1']],
      ['usage', ['heal', 'f99']],
    ];
    for (const [code, words] of wrong)
      expect(await fails(2, 'fault', ...words)).toMatchObject({ code, tookEffect: 'no' });
    expect(readFileSync(planFile(), 'utf8')).toBe(before);
    await ok('fault', 'heal');
  });

  it('a fault plan that is damaged is refused, the nodes keep the last good one and say so, and `heal` puts it right', async () => {
    const { revision } = await ok('fault', 'netsplit', 'n1/n2,n3');
    await expect.poll(() => nodeRow('n1'), grace).toMatchObject({ primaries: 0, backups: 0 });
    writeFileSync(planFile(), '{"format":1,"revision":');
    for (const words of [['list'], ['delay', 'n1', '5ms'], ['heal', 'f1']]) {
      expect(await fails(5, 'fault', ...words)).toMatchObject({ code: 'faults-corrupt', tookEffect: 'no' });
    }
    for (const id of ['n1', 'n2', 'n3'])
      await expect.poll(() => log(id), grace).toContain('"code":"faults-corrupt"');
    expect(await status()).toMatchObject({
      faults: [],
      faultProblem: expect.stringContaining('muster fault heal'),
    });
    expect(await ok('node', 'inspect', 'n1')).toMatchObject({ faultRevision: revision });
    expect(await nodeRow('n1')).toMatchObject({ primaries: 0, backups: 0 });
    expect(await ok('fault', 'heal')).toMatchObject({
      revision: revision + 1,
      confirmed: ['n1', 'n2', 'n3'],
    });
    expect(await run('wait', '--for', 'in-sync', '--timeout', '60s')).toMatchObject({ code: 0 });
  });

  it('a plan whose file was removed is over, and the next one is newer than what any node has applied', async () => {
    const { revision } = await ok('fault', 'drop', 'n1', '1%');
    rmSync(planFile());
    const next = await ok('fault', 'drop', 'n2', '1%');
    // The nodes may have seen before that the file was gone.
    expect([1, revision + 1]).toContain(next.revision);
    expect(next.confirmed).toEqual(['n1', 'n2', 'n3']);
    expect((await ok('fault', 'list')).map(({ text }: { text: string }) => text)).toEqual(['drop n2 1%']);
    await healed();
  });

  it('a stopped cluster takes a fault, and its nodes apply it when they start', async () => {
    await ok('cluster', 'stop');
    expect(await ok('fault', 'delay', 'n1', '1ms')).toMatchObject({ confirmed: [], unconfirmed: [] });
    await ok('cluster', 'start');
    const [fault] = await ok('fault', 'list');
    expect(fault).toMatchObject({ text: 'delay n1 1ms' });
    for (const id of ['n1', 'n2', 'n3'])
      expect((await ok('node', 'inspect', id)).faultRevision).toBe(Number(fault.id.slice(1)));
    await healed();
  });
});
