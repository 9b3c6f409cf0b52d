import { describe, expect, test } from 'vitest';
import type { Operation } from '../../../src/core/machine/types.js';
import { limits } from '../../../src/limits.js';
import { Client, done, here, key, type Sent, there, writing } from './driver.js';

describe('a write', () => {
  test('opens a session with the primary first, and is numbered in it', () => {
    const client = new Client();
    const id = client.write();
    expect(client.sent).toMatchObject([{ node: 'n1', request: { type: 'open', p: 0 } }]);
    client.opened();
    expect(client.last).toMatchObject({
      node: 'n1',
      request: { type: 'write', session: '1.7', n: 1, first: 1, op: { type: 'incr', key } },
    });
    client.answer(done(5));
    expect(client.outcomes.get(id)).toEqual({
      type: 'written',
      result: { ok: true, value: 5, version: 1 },
      id: '0:1.7:1',
    });
    expect(client.core.idle).toBe(true);
    client.write();
    expect(client.last.request).toMatchObject({ type: 'write', n: 2, first: 2 });
  });

  test('says up to where the results of earlier ones have come', () => {
    const { client } = writing(3);
    const [, first, second, third] = client.sent as [Sent, Sent, Sent, Sent];
    client.answer(done(1), second);
    client.write();
    expect(client.last.request).toMatchObject({ n: 4, first: 1 });
    client.answer(done(1), first);
    client.write();
    expect(client.last.request).toMatchObject({ n: 5, first: 3 });
    client.answer(done(1), third);
    client.write();
    expect(client.last.request).toMatchObject({ n: 6, first: 4 });
  });

  test('waits while as many are under way as a session may have', () => {
    const { client } = writing(limits.sessionWindow + 2);
    const writes = () => client.sent.filter(({ request }) => request.type === 'write');
    expect(writes()).toHaveLength(limits.sessionWindow);
    const [first, second] = writes() as [Sent, Sent];
    client.answer(done(1), second);
    expect(writes()).toHaveLength(limits.sessionWindow);
    client.answer(done(1), first);
    expect(writes()).toHaveLength(limits.sessionWindow + 2);
  });

  test('of each partition goes to its own primary in its own session', () => {
    const client = new Client();
    client.write();
    client.opened('1.7');
    client.write({ type: 'incr', key: there[0] as string, by: 1 });
    expect(client.last).toMatchObject({ node: 'n2', request: { type: 'open', p: 1 } });
    client.opened('1.9');
    expect(client.last).toMatchObject({ node: 'n2', request: { session: '1.9', n: 1 } });
  });

  test('whose answer says that it cannot be has failed, with the reason', () => {
    for (const code of ['wrong-type', 'overflow', 'conflict', 'lock-held', 'fenced'] as const) {
      const { client, ids } = writing(1);
      client.answer({ ok: true, type: 'write', result: { ok: false, code, message: 'no' } });
      expect(client.outcomes.get(ids[0] as number)).toEqual({ type: 'failed', code, message: 'no' });
    }
    for (const code of ['key-invalid', 'value-too-large', 'bad-message'] as const) {
      const { client, ids } = writing(1);
      client.refuse(code);
      expect(client.outcomes.get(ids[0] as number)).toEqual({
        type: 'failed',
        code,
        message: `it is ${code}`,
      });
    }
  });

  test('whose outcome the partition cannot tell is unknown, by its name', () => {
    const { client, ids } = writing(2);
    client.answer({
      ok: true,
      type: 'write',
      result: { ok: false, code: 'outcome-unknown', message: 'late' },
    });
    expect(client.outcomes.get(ids[1] as number)).toEqual({
      type: 'unknown',
      message: 'late',
      id: '0:1.7:2',
    });
  });

  test('that is refused is sent again under the same number, later each time', () => {
    const { client, ids } = writing(1);
    const waits: number[] = [];
    for (const code of [
      'busy',
      'unavailable',
      'busy',
      'unavailable',
      'busy',
      'busy',
      'busy',
      'busy',
    ] as const) {
      const before = client.sent.length;
      client.refuse(code);
      const began = client.now;
      while (client.sent.length === before) client.pass(1, 1);
      waits.push(client.now - began);
      expect(client.last.request).toMatchObject({ type: 'write', session: '1.7', n: 1 });
    }
    expect(waits).toEqual([2, 4, 8, 16, 32, 50, 50, 50]);
    client.answer({ ok: true, type: 'write', result: { ok: false, code: 'busy', message: 'full' } });
    client.pass(50, 1);
    client.answer(done(1));
    expect([client.outcomes.get(ids[0] as number)?.type, client.attempts.get(ids[0] as number)]).toEqual([
      'written',
      10,
    ]);
  });

  test('that is not answered is made again, and counts once whichever answer comes', () => {
    const { client, ids } = writing(1);
    client.pass(990);
    expect(client.sent).toHaveLength(2);
    client.pass(10);
    expect(client.sent).toHaveLength(3);
    expect(client.sent[2]?.request).toEqual(client.sent[1]?.request);
    // The answer to an attempt that was given up is not looked at.
    client.answer(done(1), client.sent[1]);
    expect(client.outcomes.size).toBe(0);
    client.answer(done(2));
    expect(client.outcomes.get(ids[0] as number)).toMatchObject({ type: 'written', result: { value: 2 } });
    client.answer(done(3));
  });
});

describe('a transaction', () => {
  const items = (keys: readonly string[]) => keys.map((one) => ({ type: 'incr' as const, key: one, by: 1 }));
  const tx = (keys: readonly string[]): Operation => ({
    type: 'tx',
    key: keys[0] as string,
    items: items(keys),
  });
  test('over several partitions goes to the coordinator, one of a single partition is a write', () => {
    const { client } = writing(1);
    client.write(tx([key, here[1] as string]));
    expect(client.last.request).toMatchObject({ type: 'write', n: 2 });
    client.call({ type: 'write', op: tx([key, there[0] as string]), at: 77, pauseAt: 'prepared' });
    expect(client.last.request).toMatchObject({ type: 'tx', n: 3, at: 77, pauseAt: 'prepared' });
    client.call({ type: 'write', op: tx([key, here[1] as string, there[0] as string]), at: 78 });
    expect(client.last.request).toMatchObject({ type: 'tx', n: 4, at: 78 });
    expect(client.last.request).not.toHaveProperty('pauseAt');
  });
  test('is paused once: not again when it may have been', () => {
    const { client } = writing(1);
    client.call({ type: 'write', op: tx([key, there[0] as string]), pauseAt: 'decided' });
    client.refuse('busy');
    client.pass(10);
    expect(client.last.request).toMatchObject({ type: 'tx', at: 0, pauseAt: 'decided' });
    client.pass(1000);
    expect(client.last.request).toMatchObject({ type: 'tx', at: 0 });
    expect(client.last.request).not.toHaveProperty('pauseAt');
  });
  test('is ended where somebody asks for it', () => {
    const client = new Client();
    const id = client.call({ type: 'abort', p: 1, tx: '1:1.1:1' });
    expect(client.sent).toMatchObject([{ node: 'n2', request: { type: 'abort', p: 1, tx: '1:1.1:1' } }]);
    client.answer({ ok: true, type: 'abort', state: 'aborting' });
    expect(client.outcomes.get(id)).toEqual({ type: 'abort', state: 'aborting' });
  });
});

describe('a read', () => {
  const read = { type: 'read', p: 1, query: { type: 'get', key: 'x' } } as const;
  test('needs no session, and is answered', () => {
    const client = new Client();
    const id = client.call(read);
    expect(client.sent).toMatchObject([{ node: 'n2', request: read }]);
    client.answer({ ok: true, type: 'read', result: { type: 'get', cell: null } });
    expect(client.outcomes.get(id)).toEqual({ type: 'read', result: { type: 'get', cell: null } });
  });
  test('that is not answered has failed, for it changes nothing', () => {
    const client = new Client();
    const id = client.call(read, 2500);
    client.pass(2490);
    expect(client.outcomes.size).toBe(0);
    expect(client.sent).toHaveLength(3);
    client.pass(10);
    expect(client.outcomes.get(id)).toEqual({
      type: 'failed',
      code: 'timeout',
      message: 'no answer came in time',
    });
    expect(client.core.idle).toBe(true);
  });
});

describe('a connection that is lost', () => {
  test('has what was sent on it made again, which may have been done; the rest goes on', () => {
    const { client, ids } = writing(1);
    const read = client.call({ type: 'read', p: 0, query: { type: 'get', key: 'x' } });
    client.call({ type: 'read', p: 1, query: { type: 'get', key: 'x' } });
    const before = client.sent.length;
    client.step({ type: 'lost', node: 'n1' });
    expect([client.sent.length, client.reads]).toEqual([before, 1]);
    client.pass(2, 1);
    expect(client.sent.slice(before).map(({ node, request }) => [node, request.type])).toEqual([
      ['n1', 'write'],
      ['n1', 'read'],
    ]);
    client.answer({ ok: true, type: 'read', result: { type: 'get', cell: null } });
    expect(client.outcomes.has(read)).toBe(true);
    client.refuse('session-expired', {}, client.sent[before]);
    expect(client.outcomes.get(ids[0] as number)).toMatchObject({ type: 'unknown' });
  });

  test('has the session asked for again', () => {
    const client = new Client();
    client.write();
    client.step({ type: 'lost', node: 'n2' });
    client.pass(10);
    expect(client.sent).toHaveLength(1);
    client.step({ type: 'lost', node: 'n1' });
    client.pass(10);
    expect(client.sent).toHaveLength(2);
  });
});

describe('a deadline', () => {
  test('leaves what may have been done unknown, and what was refused failed with the last reason', () => {
    const { client } = writing(0);
    const under = client.write(undefined, 100);
    const [refused, moved] = [client.write(undefined, 100), client.write(undefined, 100)];
    const sent = client.sent.slice(-3) as [Sent, Sent, Sent];
    const read = client.call({ type: 'read', p: 0, query: { type: 'get', key: 'x' } }, 100);
    client.refuse('unavailable');
    client.now += 99;
    client.refuse('busy', {}, sent[1]);
    client.refuse('moved', {}, sent[2]);
    client.now += 1;
    client.step({ type: 'tick' });
    expect(client.outcomes.get(under)).toEqual({
      type: 'unknown',
      message: 'no answer came in time',
      id: '0:1.7:2',
    });
    expect(client.outcomes.get(refused)).toEqual({ type: 'failed', code: 'busy', message: 'it is busy' });
    expect(client.outcomes.get(moved)).toEqual({ type: 'failed', code: 'timeout', message: 'it is moved' });
    expect(client.outcomes.get(read)).toEqual({
      type: 'failed',
      code: 'unavailable',
      message: 'it is unavailable',
    });
  });

  test('leaves what was lost before it was refused unknown', () => {
    const { client, ids } = writing(1);
    client.step({ type: 'lost', node: 'n1' });
    client.pass(2, 1);
    client.refuse('busy');
    client.now += 60_000;
    client.step({ type: 'tick' });
    expect(client.outcomes.get(ids[0] as number)).toMatchObject({ type: 'unknown' });
  });

  test('of a call that never left has it fail', () => {
    const client = new Client(null);
    const id = client.write(undefined, 100);
    client.pass(100);
    expect(client.outcomes.get(id)).toEqual({
      type: 'failed',
      code: 'timeout',
      message: 'no answer came in time',
    });
    expect(client.attempts.get(id)).toBe(0);
  });
});
