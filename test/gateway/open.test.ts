import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Door } from './door.js';

let door: Door;
beforeEach(async () => {
  door = await new Door().open();
});
afterEach(async () => void (await door.gateway.close()));

/** A request that a node has and does not answer before `answer` is called. */
const underWay = async () => {
  let answer = (): void => {};
  const begun = new Promise<void>((begin) => {
    door.answer = () =>
      new Promise((resolve) => {
        answer = () => resolve('late');
        begin();
      });
  });
  const posted = door.post('/demo/echo', '1');
  posted.catch(() => {});
  await begun;
  return { posted, answer };
};

describe('a gateway', () => {
  it('says where it listens, and that a port is taken', async () => {
    const { url, port } = door.gateway;
    expect(url).toBe(`http://127.0.0.1:${port}`);
    await expect(new Door().open('127.0.0.1', port)).rejects.toMatchObject({
      code: 'port-taken',
      details: { host: '127.0.0.1', port },
    });
    await expect(new Door().open('192.0.2.1')).rejects.toMatchObject({ code: 'usage' });
  });

  it('that ends takes nothing new, and answers what is under way', async () => {
    const { posted, answer } = await underWay();
    expect((await door.ask('GET', '/healthz')).headers.connection).toBe('keep-alive');
    const closed = door.gateway.close();
    await expect(door.ask('GET', '/healthz')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    answer();
    expect(await posted).toMatchObject({ status: 200, text: '"late"', headers: { connection: 'close' } });
    expect(await closed).toBe(0);
  });

  it('that ends does not wait for connections that are kept', async () => {
    const agent = new Agent({ keepAlive: true });
    const asking = request({ port: door.gateway.port, host: '127.0.0.1', path: '/healthz', agent }).end();
    const [response] = await once(asking, 'response');
    response.resume();
    await once(response, 'end');
    const begin = performance.now();
    expect(await door.gateway.close()).toBe(0);
    expect(performance.now() - begin).toBeLessThan(2000);
    agent.destroy();
  });

  it('that ends cuts off what does not end in time, and says how much', async () => {
    const { posted } = await underWay();
    expect(await door.gateway.close(50)).toBe(1);
    await expect(posted).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('goes on when a caller leaves', async () => {
    const begun = new Promise<void>((begin) => {
      door.answer = () => {
        begin();
        return new Promise<null>((resolve) => setImmediate(resolve, null));
      };
    });
    const socket = connect(door.gateway.port, '127.0.0.1');
    socket.write('POST /demo/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n1');
    await begun;
    socket.destroy();
    // A body that breaks off is no request that is under way for ever.
    const half = connect(door.gateway.port, '127.0.0.1');
    half.write('POST /demo/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n1');
    await expect.poll(() => door.metric('muster_gateway_requests_in_flight')).toBe(1);
    half.destroy();
    await expect.poll(() => door.metric('muster_gateway_requests_in_flight')).toBe(0);
    expect(door.failed).toEqual([]);
  });

  it.each([
    ['head', 'POST /demo/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow'],
    ['body', 'POST /demo/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n1'],
  ])('ends a connection whose request does not come to the end of its %s', async (_, part) => {
    const hasty = await new Door().open('127.0.0.1', 0, { headMs: 100, requestMs: 200 });
    try {
      const socket = connect(hasty.gateway.port, '127.0.0.1');
      socket.write(part);
      let said = '';
      socket.setEncoding('utf8').on('data', (text) => {
        said += text;
      });
      await once(socket, 'close');
      expect(said).toContain('408 Request Timeout');
      expect(hasty.calls).toEqual([]);
      await expect.poll(() => hasty.metric('muster_gateway_requests_in_flight')).toBe(0);
    } finally {
      await hasty.gateway.close();
    }
  });
});
