import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.js';

const world = new World();
const { run, ok, fails } = world;
const examples = join(import.meta.dirname, '../../examples');

interface Report {
  readonly requests: number;
  readonly ok: number;
  readonly failed: number;
  readonly retries: number;
  readonly strategy: string;
  readonly nodes: readonly { readonly id: string; readonly requests: number; readonly share: number }[];
  readonly value: unknown;
}

const requests = (report: Report): Record<string, number> =>
  Object.fromEntries(report.nodes.map(({ id, requests }) => [id, requests]));

beforeAll(
  async () =>
    void (await ok(
      ...['cluster', 'start', 'shop', '-n', '3', '--partitions', '8', '--max-inflight', '64'],
      ...['--service', join(examples, 'orders.js')],
    )),
  60_000,
);
afterAll(() => world.end());

describe('a service', { timeout: 60_000 }, () => {
  it('runs on every node, beside the one to try', async () => {
    const services: { name: string }[] = await ok('service', 'list');
    expect(services.map(({ name }) => name)).toEqual(['orders', 'demo']);
    expect(services[0]).toEqual({
      name: 'orders',
      methods: [
        { name: 'place', idempotent: false },
        { name: 'stock', idempotent: true },
      ],
    });
  });

  it('uses the counters, locks and transactions of its cluster', async () => {
    await ok('counter', 'incr', 'stock/apples', '--by', '10');
    const order = JSON.stringify({ customer: 'ada', item: 'apples', count: 3 });
    expect((await run('route', 'orders.place', order)).stdout).toBe('{"order":1,"left":7}\n');
    const many: Report = await ok(
      'route',
      'orders.place',
      JSON.stringify({ customer: 'bob', item: 'apples', count: 1 }),
      ...['--count', '7', '--concurrency', '7'],
    );
    expect(many).toMatchObject({ ok: 7, failed: 0 });
    expect(await ok('counter', 'get', 'stock/apples')).toMatchObject({ value: 0 });
    expect(await ok('kv', 'list', '--prefix', 'order/')).toHaveLength(8);
  });

  it('fails with its own message and code, and the exit code says no', async () => {
    const order = JSON.stringify({ customer: 'ada', item: 'apples', count: 3 });
    expect(await fails(1, 'route', 'orders.place', order)).toMatchObject({
      code: 'handler-failed',
      message: 'there are 0 apples left',
      tookEffect: 'unknown',
      details: { service: 'orders', method: 'place', own: 'out-of-stock' },
    });
  });

  it('that nobody has, or that has no such method, is named', async () => {
    expect(await fails(2, 'route', 'shop.open')).toMatchObject({
      code: 'unknown-service',
      message: 'unknown service shop: the services are orders, demo',
    });
    expect(await fails(2, 'route', 'orders.cancel')).toMatchObject({
      message: 'unknown method orders.cancel: the methods of orders are place, stock',
    });
  });

  it('is loaded anew by a rolling restart, during which requests go on', async () => {
    const file = join(world.home, 'greeter.mjs');
    const version = (n: number) =>
      `export default { name: 'greeter', handlers: { hello: { idempotent: true, handle: () => 'version ${n}' } } };`;
    writeFileSync(file, version(1));
    expect(await ok('cluster', 'deploy', file)).toMatchObject({
      services: [{ name: 'orders' }, { name: 'greeter' }],
      restarted: [{ id: 'n1' }, { id: 'n2' }, { id: 'n3' }],
    });
    expect((await run('route', 'greeter.hello')).stdout).toBe('"version 1"\n');
    writeFileSync(file, version(2));
    const going = world.begin('cluster', 'deploy', file);
    let ended = false;
    void going.ended.then(() => {
      ended = true;
    });
    let answered = 0;
    while (!ended) {
      const report: Report = await ok('route', 'greeter.hello', '--count', '50', '--concurrency', '4');
      expect(report.failed, JSON.stringify(report)).toBe(0);
      answered += report.ok;
    }
    expect(await going.ended, going.said()).toBe(0);
    expect(answered).toBeGreaterThan(0);
    const after: Report = await ok('route', 'greeter.hello', '--count', '30');
    expect(after.value).toBe('version 2');
  });

  it.each([
    ['cannot be parsed', 'export default {\n  name: "a",\n  handlers: {{ }\n};', /bad\.mjs:3: SyntaxError/],
    ['throws when imported', '\nthrow new Error("no database");', /bad\.mjs:2: Error: no database/],
    ['exports nothing', 'const a = 1;', /bad\.mjs: no service exported/],
  ])('that %s is refused, and nothing changes', async (_, text, message) => {
    const file = join(world.home, 'bad.mjs');
    writeFileSync(file, text);
    const error = await fails(2, 'cluster', 'deploy', file);
    expect(error).toMatchObject({ code: 'service-invalid', tookEffect: 'no' });
    expect(error.message).toMatch(message);
    expect((await fails(2, 'cluster', 'start', 'other', '--service', file)).message).toMatch(message);
    expect((await ok('cluster', 'list')).map(({ name }: { name: string }) => name)).not.toContain('other');
    expect((await ok('service', 'list')).map(({ name }: { name: string }) => name)).not.toContain('a');
  });
});

describe('a strategy', { timeout: 60_000 }, () => {
  it('spreads requests by turns, by weights and by key', async () => {
    const turns: Report = await ok('route', 'demo.echo', '--count', '300', '--strategy', 'round-robin');
    expect(requests(turns)).toEqual({ n1: 100, n2: 100, n3: 100 });
    const weights: Report = await ok(
      ...['route', 'demo.echo', '--count', '400', '--strategy', 'weighted', '--weights', 'n1=2'],
    );
    expect(requests(weights)).toEqual({ n1: 200, n2: 100, n3: 100 });
    const key: Report = await ok(
      ...['route', 'demo.echo', '--count', '50', '--concurrency', '1', '--strategy', 'hash', '--key', 'ada'],
    );
    expect(Object.values(requests(key)).sort()).toEqual([0, 0, 50]);
  });

  it('that is expected to, and does not, ends with 1', async () => {
    const asked = ['route', 'demo.echo', '--count', '300', '--strategy', 'round-robin', '--expect'];
    expect((await run(...asked, 'n1=33±2%')).code).toBe(0);
    const missed = await run(...asked, 'n1=50±5%,n2=33+-2');
    expect(missed.code).toBe(1);
    expect(missed.stderr).toContain('n1: expected 50.0 % ± 5.0 % of the requests, got 33.3 %');
    expect(missed.stderr).not.toContain('n2 answered');
  });

  it('of one’s own is a module', async () => {
    const mine = join(world.home, 'mine.mjs');
    writeFileSync(mine, 'export default (candidates) => candidates.at(-1).id;');
    const report: Report = await ok('route', 'demo.echo', '--count', '20', '--strategy', mine);
    expect(requests(report)).toEqual({ n1: 0, n2: 0, n3: 20 });
    writeFileSync(mine, 'export default () => "nobody";');
    expect(await fails(2, 'route', 'demo.echo', '--strategy', mine)).toMatchObject({ code: 'usage' });
    writeFileSync(mine, 'export const a = 1;');
    expect((await fails(2, 'route', 'demo.echo', '--strategy', mine)).message).toContain(
      'expected a default export',
    );
    expect((await fails(2, 'route', 'demo.echo', '--strategy', './nowhere.js')).message).toContain(
      'nowhere.js',
    );
  });

  it('can be compared with others, and explained', async () => {
    const reports: Report[] = await ok(
      'route',
      'demo.echo',
      '--count',
      '60',
      '--compare',
      'random,round-robin,two-choices',
    );
    expect(reports.map(({ strategy }) => strategy).sort()).toEqual(['random', 'round-robin', 'two-choices']);
    const explained = await run('route', 'demo.echo', '--explain');
    for (const id of ['n1', 'n2', 'n3']) expect(explained.stdout).toContain(id);
    expect(explained.stdout).toContain('→');
  });

  it.each([
    [['demo.echo', '--strategy', 'best'], /invalid strategy "best"/],
    [['demo.echo', '{"a":'], /invalid parameters "\{"a":": expected valid JSON/],
    [['demo'], /invalid method "demo": expected SERVICE\.METHOD/],
    [['demo.echo', '--expect', 'n1'], /invalid expected share "n1"/],
    [['demo.echo', '--weights', 'n9=2'], /unknown node "n9" in --weights: the nodes are n1, n2, n3/],
    [['demo.echo', '--weights', 'n1=0'], /weight/],
  ])('%j is refused', async (args, message) => {
    const error = await fails(2, 'route', ...args);
    expect(error.message).toMatch(message);
    expect(error.tookEffect).toBe('no');
  });
});

describe('a node that', { timeout: 60_000 }, () => {
  it('is killed costs retries, and no idempotent request', async () => {
    const going = world.begin(
      'route',
      'demo.sleep',
      '{"ms":5}',
      '--count',
      '1500',
      '--concurrency',
      '16',
      '--json',
    );
    await ok('node', 'kill', 'n2');
    expect(await going.ended, going.said()).toBe(0);
    const report: Report = JSON.parse(going.said());
    expect(report).toMatchObject({ ok: 1500, failed: 0 });
    await ok('node', 'start', 'n2');
  });

  it('is paused is routed around', async () => {
    await ok('node', 'pause', 'n3');
    const report: Report = await ok('route', 'demo.echo', '--count', '600', '--concurrency', '8');
    await ok('node', 'resume', 'n3');
    expect(report).toMatchObject({ ok: 600, failed: 0 });
    expect(requests(report).n3).toBe(0);
  });
});
