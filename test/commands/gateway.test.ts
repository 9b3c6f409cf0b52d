import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Going, World } from './world.js';

const world = new World();
const { ok, fails, begin } = world;
beforeAll(async () => void (await ok('cluster', 'start', '-n', '3', '--partitions', '8')), 60_000);
afterAll(() => world.end());

/** Begins a gateway on a port that the system picks; gives where it listens. */
async function open(...flags: string[]): Promise<{ going: Going; url: string }> {
  const going = begin('gateway', '--port', '0', ...flags);
  await expect.poll(() => going.said()).toMatch(/http:\/\/127\.0\.0\.1:\d+/);
  return { going, url: /http:\/\/127\.0\.0\.1:\d+/.exec(going.said())![0] };
}

const post = (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

/** The sum of all lines of a metric. */
async function metric(url: string, name: string): Promise<number> {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n');
  const values = lines.filter((line) => line.startsWith(name)).map((line) => Number(line.split(' ').at(-1)));
  return values.reduce((sum, value) => sum + value, 0);
}

describe('gateway', { timeout: 60_000 }, () => {
  it('serves the methods of the cluster over HTTP, also while a node is killed', async () => {
    const { going, url } = await open('--json');
    const line = { url, port: Number(new URL(url).port) };
    expect(going.said()).toBe(`${JSON.stringify(line)}\n`);

    const index = await (await fetch(url)).json();
    const echo = { name: 'echo', idempotent: true, path: '/demo/echo' };
    expect(index).toEqual({ services: [{ name: 'demo', methods: expect.arrayContaining([echo]) }] });
    expect((await fetch(`${url}/readyz`)).status).toBe(200);

    const before = await metric(url, 'muster_gateway_requests_total{');
    const answer = await post(`${url}/demo/echo`, { hello: 1 }, { 'X-Request-Id': 'mine' });
    const node = answer.headers.get('x-muster-node');
    expect(node).toMatch(/^n[123]$/);
    expect(answer.headers.get('x-request-id')).toBe('mine');
    expect(await answer.json()).toEqual({ node, params: { hello: 1 } });
    expect(await metric(url, 'muster_gateway_requests_total{')).toBe(before + 1);

    expect(await (await post(`${url}/demo/fail`, { rate: 1 })).json()).toMatchObject({
      status: 422,
      code: 'handler-failed',
      own: 'demo-failure',
    });
    const late = await post(`${url}/demo/sleep`, { ms: 5000 }, { 'X-Request-Timeout': '100ms' });
    expect(await late.json()).toMatchObject({ status: 504, code: 'timeout' });

    // Requests go on from before the kill until well after it.
    const answers: { status: number; node: string | null }[] = [];
    let killedAfter: number | null = null;
    const worker = async (): Promise<void> => {
      while (killedAfter === null || answers.length < Math.max(200, killedAfter + 100)) {
        const { status, headers } = await post(`${url}/demo/sleep`, { ms: 10 });
        answers.push({ status, node: headers.get('x-muster-node') });
      }
    };
    const workers = Promise.all(Array.from({ length: 8 }, worker));
    await expect.poll(() => answers.some((one) => one.node === 'n2')).toBe(true);
    await ok('node', 'kill', 'n2');
    killedAfter = answers.length;
    await workers;
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(answers.slice(-50).map((one) => one.node)).not.toContain('n2');
    expect((await fetch(`${url}/readyz`)).status).toBe(200);

    going.child.kill('SIGINT');
    expect(await going.ended, going.said()).toBe(0);
    expect(going.said()).toBe(`${JSON.stringify(line)}\n`);
  });

  it('answers what is under way when it is told to end (exit code 0)', async () => {
    const { going, url } = await open();
    const posted = post(`${url}/demo/sleep`, { ms: 1000 });
    await expect.poll(() => metric(url, 'muster_gateway_requests_in_flight')).toBe(1);
    going.child.kill('SIGTERM');
    const answer = await posted;
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ node: expect.any(String) });
    expect(await going.ended, going.said()).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('ends at once when it is told twice (exit code 130)', async () => {
    const { going, url } = await open();
    post(`${url}/demo/sleep`, { ms: 9000 }).catch(() => {});
    await expect.poll(() => metric(url, 'muster_gateway_requests_in_flight')).toBe(1);
    going.child.kill('SIGINT');
    await expect.poll(() => going.said()).toContain('interrupt again to stop immediately');
    going.child.kill('SIGINT');
    expect(await going.ended, going.said()).toBe(130);
  });

  it('refuses what it cannot do', async () => {
    const { going, url } = await open();
    expect(await fails(2, 'gateway', '--port', new URL(url).port)).toMatchObject({ code: 'port-taken' });
    for (const [args, said] of [
      [['--host', '0.0.0.0'], '--allow-remote'],
      [['--port', '65536'], '0 to 65535'],
      [['--strategy', 'best'], 'best'],
      [['--weights', 'n1=0'], 'above 0'],
    ] as const)
      expect(await fails(2, 'gateway', ...args)).toMatchObject({
        code: 'usage',
        message: expect.stringContaining(said),
      });
    expect(await fails(2, 'gateway', '--weights', 'n9=2')).toMatchObject({ code: 'unknown-node' });
    going.child.kill('SIGTERM');
    expect(await going.ended).toBe(0);
  });
});
