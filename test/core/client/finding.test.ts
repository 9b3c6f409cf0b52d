import { describe, expect, test } from 'vitest';
import { Client, done, key, mapOf, type Sent, there, writing } from './driver.js';

describe('a session', () => {
  test('that cannot be opened is tried for again, later each time, and the calls wait', () => {
    const client = new Client();
    const id = client.write({ type: 'incr', key, by: 1 }, 500);
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      const before = client.sent.length;
      client.refuse('unavailable');
      const began = client.now;
      while (client.sent.length === before) client.pass(1, 1);
      waits.push(client.now - began);
    }
    expect(waits).toEqual([2, 4, 8, 16]);
    client.pass(500);
    expect(client.outcomes.get(id)).toEqual({
      type: 'failed',
      code: 'unavailable',
      message: 'it is unavailable',
    });
    // What nobody waits for any more is not sent.
    client.opened();
    expect(client.last.request.type).toBe('open');
    client.write();
    expect(client.last.request).toMatchObject({ type: 'write', n: 1 });
  });

  test('whose OPEN is not answered is asked for again, and is the one that was answered', () => {
    const client = new Client();
    client.write();
    client.pass(990);
    expect(client.sent).toHaveLength(1);
    client.pass(10);
    expect(client.sent).toHaveLength(2);
    client.answer({ ok: true, type: 'open', session: '1.3' }, client.sent[0]);
    expect(client.sent).toHaveLength(2);
    client.opened('1.4');
    expect(client.last.request).toMatchObject({ session: '1.4' });
  });

  test('that has expired is replaced, for what was certainly not done', () => {
    const { client, ids } = writing(3);
    const [, first, second, third] = client.sent as [Sent, Sent, Sent, Sent];
    // The second may have been done.
    client.refuse('moved', { mayHaveRun: true }, second);
    client.refuse('session-expired', {}, first);
    expect(client.last.request).toMatchObject({ type: 'open' });
    client.refuse('session-expired', {}, third);
    client.opened('1.8');
    expect(client.sent.slice(-2).map(({ request }) => request)).toMatchObject([
      { session: '1.8', n: 1 },
      { session: '1.8', n: 2 },
    ]);
    client.pass(20);
    const again = client.sent.find(
      ({ request }) =>
        request.type === 'write' &&
        request.session === '1.7' &&
        request.n === 2 &&
        request !== second.request,
    );
    expect(again).toBeDefined();
    client.refuse('session-expired', {}, again);
    expect(client.outcomes.get(ids[1] as number)).toEqual({
      type: 'unknown',
      message: 'the session ended before the outcome was known',
      id: '0:1.7:2',
    });
  });

  test('is closed at the end if nothing of it is under way', () => {
    const client = new Client();
    client.write();
    client.opened();
    client.answer(done(1));
    client.write({ type: 'incr', key: there[0] as string, by: 1 });
    client.opened('1.9');
    client.core.closeSessions();
    client.step({ type: 'tick' });
    const closes = client.sent.filter(({ request }) => request.type === 'close');
    expect(closes).toMatchObject([{ node: 'n1', request: { type: 'close', p: 0, session: '1.7' } }]);
  });
});

describe('the map', () => {
  test('is read before anything else when there is none, and what waited is begun', () => {
    const client = new Client(null);
    const id = client.write();
    const read = client.call({ type: 'read', p: 1, query: { type: 'get', key: 'x' } });
    expect([client.sent, client.reads]).toEqual([[], 1]);
    client.pass(100);
    expect(client.reads).toBe(1);
    client.step({ type: 'map-unreadable' });
    client.pass(10);
    expect(client.reads).toBe(2);
    client.step({ type: 'map', map: mapOf() });
    expect(client.core.map?.revision).toBe(1);
    client.pass(20);
    expect(client.sent.map(({ node, request }) => [node, request.type]).sort()).toEqual([
      ['n1', 'open'],
      ['n2', 'read'],
    ]);
    expect(client.outcomes.has(id) || client.outcomes.has(read)).toBe(false);
  });

  test('is read again when a node says that it leads no more, and the call goes to the new primary', () => {
    const { client } = writing(1);
    client.refuse('moved', { revision: 2 });
    expect(client.reads).toBe(1);
    const before = client.sent.length;
    client.step({ type: 'map', map: mapOf(2, ['n3/s', 'n2/s']) });
    expect(client.sent).toHaveLength(before + 1);
    expect(client.last).toMatchObject({ node: 'n3', request: { session: '1.7', n: 1 } });
  });

  test('that a node did not have yet either is read, and the call tried again a little later', () => {
    const { client } = writing(1);
    client.refuse('moved', { revision: 1 });
    expect(client.reads).toBe(1);
    client.pass(1, 1);
    expect(client.sent).toHaveLength(2);
    client.pass(1, 1);
    expect(client.sent).toHaveLength(3);
  });

  test('is not read for another refusal, whatever revision the node has', () => {
    const { client } = writing(1);
    client.refuse('busy', { revision: 9 });
    expect(client.reads).toBe(0);
  });

  test('that shows another primary has what is under way sent there; an older one changes nothing', () => {
    const { client, ids } = writing(1);
    client.step({ type: 'map', map: mapOf(1, ['n9/s', 'n2/s']) });
    expect(client.sent).toHaveLength(2);
    client.step({ type: 'map', map: mapOf(2) });
    expect(client.sent).toHaveLength(2);
    client.step({ type: 'map', map: mapOf(3, ['n3/s', 'n2/s']) });
    expect(client.last).toMatchObject({ node: 'n3', request: { n: 1 } });
    expect(client.sent).toHaveLength(3);
    // The first attempt may have been taken in.
    client.refuse('session-expired');
    expect(client.outcomes.get(ids[0] as number)).toMatchObject({ type: 'unknown' });
  });

  test('that shows another primary has a session opened there at once', () => {
    const client = new Client();
    client.write();
    client.step({ type: 'map', map: mapOf(2, ['n3/s', 'n2/s']) });
    expect(client.last).toMatchObject({ node: 'n3', request: { type: 'open', p: 0 } });
    expect(client.sent).toHaveLength(2);
  });

  test('is looked for when answers take long, and again only after a while', () => {
    const { client } = writing(1);
    client.pass(290);
    expect(client.reads).toBe(0);
    client.pass(10);
    expect(client.reads).toBe(1);
    client.step({ type: 'map', map: mapOf() });
    client.pass(300);
    expect(client.reads).toBe(1);
    client.pass(10);
    expect(client.reads).toBe(2);
  });

  test('without a primary has calls wait for a newer one', () => {
    const client = new Client(mapOf(1, []));
    const id = client.call({ type: 'read', p: 0, query: { type: 'get', key: 'x' } });
    expect([client.sent, client.reads]).toEqual([[], 1]);
    client.step({ type: 'map', map: mapOf(2) });
    expect(client.last).toMatchObject({ node: 'n1', request: { type: 'read' } });
    expect(client.outcomes.has(id)).toBe(false);
  });
});
