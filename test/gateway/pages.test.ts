import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MusterError } from '../../src/errors.js';
import { Door, node } from './door.js';

let door: Door;
beforeEach(async () => {
  door = await new Door().open();
});
afterEach(async () => void (await door.gateway.close()));

const down = (): void => {
  throw new MusterError('unreachable', 'no node answers');
};

describe('what is there for machines', () => {
  it('is an index of what can be called', async () => {
    expect(await door.ask('GET', '/')).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/json', 'x-request-id': expect.any(String) },
      json: {
        services: [
          {
            name: 'demo',
            methods: [
              { name: 'echo', idempotent: true, path: '/demo/echo' },
              { name: 'add', idempotent: false, path: '/demo/add' },
            ],
          },
        ],
      },
    });
  });

  it('is alive while it runs, and ready while a node answers', async () => {
    expect(await door.ask('GET', '/readyz')).toMatchObject({ status: 200, json: { nodes: ['n1', 'n2'] } });
    door.asked = down;
    expect(await door.ask('GET', '/readyz')).toMatchObject({
      status: 503,
      headers: { 'content-type': 'application/problem+json', 'retry-after': '1' },
      json: { code: 'unreachable' },
    });
    expect(await door.ask('GET', '/healthz')).toMatchObject({ status: 200 });
    door.asked = () => {};
    // The router heard nothing of nodes that nobody sends requests to; they are there again all the same.
    door.nodes = [node('n1', { state: 'silent' }), node('n2', { state: 'draining' })];
    expect(await door.ask('GET', '/readyz')).toMatchObject({ status: 200, json: { nodes: ['n1'] } });
    door.nodes = [node('n2', { state: 'draining' })];
    expect(await door.ask('GET', '/readyz')).toMatchObject({ status: 503, json: { code: 'unavailable' } });
  });

  it.each(['/', '/healthz', '/readyz', '/metrics'])('%s is for GET and HEAD', async (path) => {
    expect(await door.ask('HEAD', path)).toMatchObject({ status: 200, text: '' });
    expect(await door.ask('POST', path)).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });

  it('is nothing elsewhere', async () => {
    for (const path of ['/nope', '/a/b/c', '/healthz/'])
      expect(await door.ask('GET', path)).toMatchObject({ status: 404, json: { code: 'not-found' } });
  });
});

describe('GET /metrics', () => {
  it('counts requests by who answered and how, their time, and retries', async () => {
    door.attempts = 3;
    await door.post('/demo/echo', '1');
    door.answer = () =>
      Promise.reject(new MusterError('busy', 'later', { details: { node: 'n2', attempts: 2 } }));
    await door.post('/demo/echo', '1');
    await door.post('/demo/add', '{');
    const requests = (labels: string) => door.metric(`muster_gateway_requests_total{${labels}}`);
    expect(await requests('service="demo",method="echo",node="n1",code="ok"')).toBe(1);
    expect(await requests('service="demo",method="echo",node="n2",code="busy"')).toBe(1);
    expect(await door.metric('muster_gateway_retries_total')).toBe(3);
    const count = (labels: string) => door.metric(`muster_gateway_request_duration_seconds_count{${labels}}`);
    expect(await count('service="demo",method="echo"')).toBe(2);
    const { headers, text } = await door.ask('GET', '/metrics');
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text).toContain('_bucket{le="0.005",service="demo",method="echo"}');
  });

  it('has one label for all that is not there', async () => {
    for (let i = 0; i < 20; i++) {
      await door.post(`/made-up-${i}/x`, '1');
      await door.post(`/demo/made-up-${i}`, '1');
    }
    const { text } = await door.ask('GET', '/metrics');
    expect(text).not.toContain('made-up');
    const labels = 'service="(unknown)",method="(unknown)",node="(none)",code="unknown-service"';
    expect(await door.metric(`muster_gateway_requests_total{${labels}}`)).toBe(40);
  });

  it('shows what is under way', async () => {
    let answer = (): void => {};
    const begun = new Promise<void>((begin) => {
      door.answer = () =>
        new Promise((resolve) => {
          answer = () => resolve(null);
          begin();
        });
    });
    const posted = door.post('/demo/echo', '1');
    await begun;
    expect(await door.metric('muster_gateway_requests_in_flight')).toBe(1);
    answer();
    await posted;
    expect(await door.metric('muster_gateway_requests_in_flight')).toBe(0);
  });

  it('shows the nodes as the router has them, and those alone', async () => {
    door.nodes = [
      node('n1', { state: 'ejected', weight: 2.5, inflight: 4 }),
      node('n2', { state: 'silent' }),
      node('n3', { state: 'draining' }),
    ];
    const of = async (what: string) => {
      const all = ['n1', 'n2', 'n3'].map((id) => door.metric(`muster_gateway_node_${what}{node="${id}"}`));
      return Promise.all(all);
    };
    expect(await of('ejected')).toEqual([1, 0, 0]);
    expect(await of('silent')).toEqual([0, 1, 0]);
    expect(await of('draining')).toEqual([0, 0, 1]);
    expect(await of('weight')).toEqual([2.5, 1, 1]);
    expect(await of('inflight')).toEqual([4, 0, 0]);
    door.nodes = [node('n1')];
    expect(await of('ejected')).toEqual([0, null, null]);
  });
});

describe('web pages', () => {
  const from = (origin: string, host = `127.0.0.1:${door.gateway.port}`) =>
    door.post('/demo/echo', '1', { Origin: origin, Host: host });

  it('of the gateway’s own origin may talk to it', async () => {
    const { port } = door.gateway;
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, 'localhost:9999'])
      expect((await from(`http://${host}`, host)).status, host).toBe(200);
  });

  it('of other origins may not, and get no leave to read', async () => {
    const { port } = door.gateway;
    for (const origin of [
      'https://shop.example',
      'null',
      'http://localhost:1',
      `http://localhost:${port}`,
      `https://127.0.0.1:${port}`,
      'http://127.0.0.1',
      '',
    ]) {
      const answer = await from(origin);
      expect(answer, origin).toMatchObject({
        status: 403,
        headers: { 'x-request-id': expect.any(String) },
        json: { code: 'origin-refused', tookEffect: 'no' },
      });
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
    expect(door.calls).toEqual([]);
  });

  it('whose name was made to point here may not, with an Origin or without', async () => {
    const host = `shop.example:${door.gateway.port}`;
    expect((await from(`http://${host}`, host)).status).toBe(403);
    expect(await door.ask('GET', '/', { headers: { Host: host } })).toMatchObject({
      status: 403,
      json: { code: 'origin-refused' },
    });
  });

  it('may neither where the gateway is open to other machines, which call it as they like', async () => {
    const open = await new Door().open('0.0.0.0');
    try {
      const host = `gateway.internal:${open.gateway.port}`;
      expect((await open.post('/demo/echo', '1', { Host: host })).status).toBe(200);
      expect((await open.post('/demo/echo', '1', { Host: host, Origin: `http://${host}` })).status).toBe(403);
    } finally {
      await open.gateway.close();
    }
  });
});
