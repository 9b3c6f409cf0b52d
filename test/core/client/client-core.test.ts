import { describe, expect, test } from 'vitest';
import {
  type Call,
  ClientCore,
  type ClientEvent,
  type Outcome,
} from '../../../src/core/client/client-core.js';
import type { Operation, SessionId } from '../../../src/core/machine/types.js';
import type { ClusterMap } from '../../../src/core/map/types.js';
import type { ClientRequest, ClientResponse, Refusal } from '../../../src/core/messages.js';
import { hashKey, partitionOf } from '../../../src/core/ring/hash.js';
import { limits } from '../../../src/limits.js';

/** Two partitions, led by n1 and n2 unless said otherwise. */
const mapOf = (revision = 1, primaries = ['n1/s', 'n2/s']): ClusterMap =>
  ({ revision, partitions: primaries.map((primary) => ({ primary })) }) as unknown as ClusterMap;

/** Keys of the first partition, and of the second. */
const [here, there] = [0, 1].map((p) => {
  const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
  return keys.filter((key) => partitionOf(hashKey(key), 2) === p);
}) as [string[], string[]];
const [key] = here as [string];

interface Sent {
  readonly node: string;
  readonly rid: number;
  readonly request: ClientRequest;
}

/** A client driven by hand; backoff is as short as it can be. */
class Client {
  now = 1000;
  readonly sent: Sent[] = [];
  readonly outcomes = new Map<number, Outcome>();
  readonly attempts = new Map<number, number>();
  reads = 0;
  readonly core: ClientCore;
  #calls = 0;

  constructor(map: ClusterMap | null = mapOf()) {
    this.core = new ClientCore(map, () => 0);
  }

  step(event: ClientEvent): void {
    this.core.step(event, this.now);
    const { send, done, readMap } = this.core.ready();
    this.sent.push(...send);
    for (const { id, outcome, attempts } of done) {
      expect(this.outcomes.has(id)).toBe(false);
      this.outcomes.set(id, outcome);
      this.attempts.set(id, attempts);
    }
    if (readMap) this.reads++;
  }

  /** Lets time pass, looking every `step` ms. */
  pass(ms: number, step = 10): void {
    for (let t = 0; t < ms; t += step) {
      this.now += step;
      this.step({ type: 'tick' });
    }
  }

  call(
    call: Call extends infer C ? (C extends Call ? Omit<C, 'id' | 'deadline'> : never) : never,
    timeout = 60_000,
  ): number {
    const id = ++this.#calls;
    this.step({ type: 'call', call: { ...call, id, deadline: this.now + timeout } });
    return id;
  }

  write(op: Operation = { type: 'incr', key, by: 1 }, timeout?: number): number {
    return this.call({ type: 'write', op }, timeout);
  }

  get last(): Sent {
    return this.sent.at(-1) as Sent;
  }

  answer(response: ClientResponse, to: Sent = this.last): void {
    this.step({ type: 'response', rid: to.rid, response });
  }

  /** Answers the OPEN that was just sent. */
  opened(session: SessionId = '1.7'): void {
    expect(this.last.request.type).toBe('open');
    this.answer({ ok: true, type: 'open', session });
  }

  refuse(code: Refusal['code'], more: Partial<Refusal> = {}, to: Sent = this.last): void {
    this.answer({ ok: false, code, message: `it is ${code}`, revision: 1, ...more }, to);
  }
}

const done = (value: number): ClientResponse => ({
  ok: true,
  type: 'write',
  result: { ok: true, value, version: 1 },
});

/** A client with a session, which has begun so many writes. */
function writing(count: number): { client: Client; ids: number[] } {
  const client = new Client();
  const ids = [client.write()];
  client.opened();
  while (ids.length < count) ids.push(client.write());
  return { client, ids };
}

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
