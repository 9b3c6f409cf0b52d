import { describe, expect, test } from 'vitest';
import { ClientCore } from '../../../src/core/client/client-core.js';
import type { ClientResponse } from '../../../src/core/messages.js';
import { limits } from '../../../src/limits.js';
import { Client, done, here, key, mapOf, type Sent, there, writing } from './driver.js';

const read = { type: 'read', p: 0, query: { type: 'get', key: 'x' } } as const;
const found: ClientResponse = { ok: true, type: 'read', result: { type: 'get', cell: null } };
const opens = (client: Client): Sent[] => client.sent.filter(({ request }) => request.type === 'open');

/** How long, in ms, until the client sends something more. */
function waitOf(client: Client): number {
  const before = client.sent.length;
  const began = client.now;
  while (client.sent.length === before && client.now - began < 2000) client.pass(1, 1);
  return client.now - began;
}

describe('a client without a map', () => {
  test('asks for one before any call, and again 5 ms later at the earliest', () => {
    const core = new ClientCore(null, () => 0);
    expect(core.ready().readMap).toBe(true);
    const unreadable = (now: number): boolean => {
      core.step({ type: 'map-unreadable' }, now);
      core.step({ type: 'tick' }, now);
      return core.ready().readMap;
    };
    expect([unreadable(4), unreadable(5), unreadable(9), unreadable(10)]).toEqual([false, true, false, true]);
    expect(new ClientCore(mapOf(), () => 0).ready().readMap).toBe(false);
  });

  test.each([key, there[0] as string])('begins a write of %s once, when the map comes', (one) => {
    const client = new Client(null);
    client.write({ type: 'incr', key: one, by: 1 });
    client.step({ type: 'map', map: mapOf() });
    expect(client.sent).toHaveLength(1);
    client.opened();
    expect(client.sent).toHaveLength(2);
    client.answer(done(1));
    const { reads } = client;
    client.pass(1000);
    expect([client.sent.length, client.reads, client.core.idle]).toEqual([2, reads, true]);
  });
});

describe('a map without a primary', () => {
  test('is read again 4 to 8 ms later', () => {
    for (const [random, wait] of [
      [0, 5],
      [1, 8],
    ] as const) {
      const client = new Client(mapOf(1, []), random);
      client.call(read);
      expect(client.reads).toBe(1);
      client.step({ type: 'map-unreadable' });
      client.pass(wait - 1, 1);
      expect(client.reads).toBe(1);
      client.pass(1, 1);
      expect(client.reads).toBe(2);
    }
  });

  test('has a write wait, and leaves a session open that cannot be closed', () => {
    const { client } = writing(1);
    client.refuse('busy');
    client.step({ type: 'map', map: mapOf(2, []) });
    client.pass(100);
    expect([client.sent.length, client.reads]).toEqual([2, 1]);
    client.step({ type: 'map', map: mapOf(3) });
    expect(client.last.request).toMatchObject({ type: 'write', n: 1 });
    client.answer(done(1));
    client.step({ type: 'map', map: mapOf(4, []) });
    client.core.closeSessions();
    client.step({ type: 'tick' });
    expect(client.sent.filter(({ request }) => request.type === 'close')).toEqual([]);
  });

  test('has a session asked for when one has a primary again', () => {
    const client = new Client();
    client.write();
    client.refuse('unavailable');
    client.step({ type: 'map', map: mapOf(2, []) });
    expect([opens(client).length, client.reads]).toEqual([1, 1]);
    client.step({ type: 'map', map: mapOf(3) });
    expect(opens(client)).toHaveLength(2);
  });
});

describe('sessions at the end', () => {
  test('are closed once, and forgotten: the next write opens another', () => {
    const { client } = writing(1);
    client.answer(done(1));
    for (let i = 0; i < 2; i++) client.core.closeSessions();
    client.step({ type: 'tick' });
    expect(client.sent.slice(2).map(({ request }) => request.type)).toEqual(['close']);
    client.write();
    expect(client.last.request.type).toBe('open');
  });

  test('that are not open yet are not closed', () => {
    const client = new Client();
    client.write();
    client.core.closeSessions();
    client.step({ type: 'tick' });
    expect(client.sent.map(({ request }) => request.type)).toEqual(['open']);
  });
});

describe('the wait before a call is made again', () => {
  test('is drawn from half of its bound to all of it', () => {
    for (const [random, waits] of [
      [0, [2, 4, 8, 16, 32, 50]],
      [0.5, [3, 6, 12, 24, 48, 75]],
      [1, [4, 8, 16, 32, 64, 100]],
    ] as const) {
      const client = new Client(mapOf(), random);
      client.call(read);
      const waited = waits.map(() => {
        client.refuse('busy');
        return waitOf(client);
      });
      expect(waited).toEqual(waits);
    }
  });

  test('does not exist when the node knows a newer map: the next tick makes it again', () => {
    const { client } = writing(1);
    client.refuse('moved', { revision: 2 });
    client.step({ type: 'tick' });
    expect(client.sent).toHaveLength(3);
  });

  test('is not begun anew by the same refusal once more', () => {
    const { client } = writing(1);
    client.refuse('busy');
    client.now += 1;
    client.refuse('busy');
    expect(waitOf(client)).toBe(1);
  });

  test('ends when a newer map comes, for sessions too', () => {
    const client = new Client(mapOf(), 1);
    client.write();
    client.refuse('unavailable');
    expect(client.reads).toBe(0);
    client.step({ type: 'map', map: mapOf(2) });
    expect(opens(client)).toHaveLength(2);
    client.refuse('moved', { revision: 3 });
    expect(client.reads).toBe(1);
  });

  test('is that of an OPEN whose connection is lost', () => {
    const client = new Client(mapOf(), 1);
    client.write();
    client.step({ type: 'lost', node: 'n1' });
    expect(waitOf(client)).toBe(4);
    client.step({ type: 'lost', node: 'n1' });
    expect(waitOf(client)).toBe(8);
  });
});

describe('an answer', () => {
  test('that comes after the call was given up changes nothing', () => {
    const { client, ids } = writing(1);
    client.pass(60_000, 1000);
    expect(client.outcomes.get(ids[0] as number)).toMatchObject({ type: 'unknown' });
    client.refuse('session-expired');
    client.write();
    expect(client.last.request).toMatchObject({ type: 'write', session: '1.7', n: 2 });
  });

  test('of another kind than the request is not taken for one', () => {
    const { client } = writing(1);
    client.answer({ ok: true, type: 'open', session: '1.9' });
    expect(client.outcomes.size).toBe(0);
    client.pass(1, 1);
    expect(client.last.request).toMatchObject({ type: 'write', session: '1.7', n: 1 });
    client.answer(done(1));
    const other = new Client();
    other.write();
    other.answer(done(1));
    expect(waitOf(other)).toBe(2);
    expect(opens(other)).toHaveLength(2);
  });

  test('to a read or an abort is its outcome, whatever else is under way', () => {
    const client = new Client();
    const [one, two] = [client.call(read), client.call({ type: 'abort', p: 1, tx: '1:1.1:1' })];
    const [first, second] = client.sent as [Sent, Sent];
    client.answer({ ok: true, type: 'abort', state: 'committed' }, second);
    client.answer(found, first);
    expect([client.outcomes.get(one), client.outcomes.get(two)]).toEqual([
      { type: 'read', result: { type: 'get', cell: null } },
      { type: 'abort', state: 'committed' },
    ]);
  });
});

describe('a connection that is lost', () => {
  test('says nothing of an attempt that was answered: it was refused, and is not in doubt', () => {
    const { client, ids } = writing(1);
    client.refuse('busy');
    client.step({ type: 'lost', node: 'n1' });
    expect(waitOf(client)).toBe(2);
    client.refuse('session-expired');
    client.opened('1.8');
    client.answer(done(1));
    expect(client.outcomes.get(ids[0] as number)).toMatchObject({ type: 'written', id: '0:1.8:1' });
  });

  test('leaves the session as it is', () => {
    const { client } = writing(1);
    client.step({ type: 'lost', node: 'n1' });
    client.write();
    expect(client.last.request).toMatchObject({ type: 'write', session: '1.7', n: 2 });
  });

  test('leaves a session that is opened elsewhere alone', () => {
    const client = new Client();
    client.write();
    client.step({ type: 'lost', node: 'n2' });
    client.opened();
    expect(client.last.request).toMatchObject({ type: 'write', session: '1.7' });
  });
});

describe('a session', () => {
  test('outlives its primary: the next one knows it', () => {
    const { client } = writing(1);
    client.answer(done(1));
    client.step({ type: 'map', map: mapOf(2, ['n3/s', 'n2/s']) });
    client.write();
    expect(client.last).toMatchObject({ node: 'n3', request: { type: 'write', session: '1.7', n: 2 } });
  });

  test('takes the one call that waits for its window as soon as there is room', () => {
    const { client } = writing(limits.sessionWindow + 1);
    expect(client.sent).toHaveLength(1 + limits.sessionWindow);
    client.answer(done(1), client.sent[1]);
    expect(client.last.request).toMatchObject({ n: limits.sessionWindow + 1, first: 2 });
    expect(client.sent).toHaveLength(2 + limits.sessionWindow);
  });
});

describe('a session that has expired', () => {
  test('is not replaced while nobody needs another', () => {
    const { client, ids } = writing(1);
    client.step({ type: 'lost', node: 'n1' });
    client.pass(2, 1);
    client.refuse('session-expired');
    expect(client.outcomes.get(ids[0] as number)).toMatchObject({ type: 'unknown', id: '0:1.7:1' });
    client.pass(100);
    expect(opens(client)).toHaveLength(1);
  });

  test('is found out by the result of a write as well', () => {
    const { client } = writing(1);
    client.answer({
      ok: true,
      type: 'write',
      result: { ok: false, code: 'session-expired', message: 'gone' },
    });
    expect(client.last.request).toMatchObject({ type: 'open' });
    client.opened('1.8');
    expect(client.last.request).toMatchObject({ type: 'write', session: '1.8', n: 1, first: 1 });
  });

  test('has what was not numbered yet go to its successor alone', () => {
    const { client } = writing(limits.sessionWindow + 2);
    const writes = (): Sent[] => client.sent.filter(({ request }) => request.type === 'write');
    const [first, second] = writes() as [Sent, Sent];
    client.refuse('session-expired', {}, first);
    expect(client.last.request).toMatchObject({ type: 'open' });
    client.answer(done(1), second);
    client.pass(500);
    // Three wait: the two that had no number, and the first.
    expect([opens(client).length, writes().length]).toEqual([2, limits.sessionWindow]);
    client.opened('1.8');
    expect(writes().slice(limits.sessionWindow)).toMatchObject(
      [1, 2, 3].map((n) => ({ request: { session: '1.8', n } })),
    );
  });

  test('leaves a call that waits for its successor without an outcome in doubt', () => {
    const client = new Client();
    const id = client.write(undefined, 500);
    client.opened();
    client.refuse('session-expired');
    client.refuse('unavailable');
    client.pass(500);
    expect(client.outcomes.get(id)).toMatchObject({ type: 'failed' });
  });
});

describe('a deadline', () => {
  test('ends a call at the first tick that is not before it, and a late answer is not looked at', () => {
    const { client, ids } = writing(1);
    client.now += 59_999;
    client.step({ type: 'tick' });
    expect(client.outcomes.size).toBe(0);
    client.now += 1;
    client.step({ type: 'tick' });
    client.answer(done(1));
    expect(client.outcomes.get(ids[0] as number)?.type).toBe('unknown');
    client.pass(5000);
    expect(client.core.idle).toBe(true);
  });

  test('lets the results of what it ended be forgotten', () => {
    const { client } = writing(1);
    client.write({ type: 'incr', key: here[1] as string, by: 1 }, 100);
    client.answer(done(1), client.sent[1]);
    client.pass(100);
    client.write();
    expect(client.last.request).toMatchObject({ n: 3, first: 3 });
  });
});
