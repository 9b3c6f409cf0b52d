import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MusterError } from '../../src/errors.js';
import { noFaults } from '../../src/faults/plan.js';
import { FaultTransport } from '../../src/faults/transport.js';
import { limits } from '../../src/limits.js';
import { systemRuntime } from '../../src/os/runtime.js';
import type { Connection, NodeHello, Transport } from '../../src/transport/contract.js';
import { createMemoryTransport } from '../../src/transport/memory.js';
import { transportCompliance } from '../transport/compliance.js';
import { connectOptions, Doorman, numbers, Recorder, serverOptions, text } from '../transport/helpers.js';
import { planOf } from './plans.js';

transportCompliance(
  'in memory, under a plan without faults',
  (tuning) => new FaultTransport(createMemoryTransport(tuning)),
);

const cluster = 'c0ffee';
const hello = (id: string): NodeHello => ({ role: 'node', cluster, id, store: `s-${id}`, incarnation: 1 });
const split = planOf('netsplit n1/n2');
const timeoutMs = 2000;

/** How a node dials another. */
const dial = (from: string, to: string, url: string, handler = new Recorder()) =>
  connectOptions(url, handler, { hello: hello(from), expect: hello(to), timeoutMs });

/** n2 listens; n1 and n2 have a transport each, on one network. */
async function listening(random = Math.random) {
  const network = createMemoryTransport();
  const n1 = new FaultTransport(network, { ...systemRuntime, random });
  const n2 = new FaultTransport(network);
  const doorman = new Doorman();
  const server = await n2.listen(serverOptions(doorman, { self: hello('n2') }));
  return { n1, n2, doorman, server, apply: (plan = noFaults) => [n1, n2].map((end) => end.apply(plan)) };
}

/** And n1 is connected to it. */
async function connected(random = Math.random) {
  const world = await listening(random);
  const heard = new Recorder();
  const client = await world.n1.connect(dial('n1', 'n2', world.server.url, heard));
  return {
    ...world,
    client,
    heard,
    remote: world.doorman.connections[0]!,
    remoteHeard: world.doorman.recorders[0]!,
  };
}

/** What became of a promise so far. */
function watch<T>(promise: Promise<T>): { state: 'open' | 'kept' | 'broken'; error?: MusterError } {
  const seen: { state: 'open' | 'kept' | 'broken'; error?: MusterError } = { state: 'open' };
  promise.then(
    () => {
      seen.state = 'kept';
    },
    (error) => {
      seen.state = 'broken';
      seen.error = error;
    },
  );
  return seen;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** Long enough for whatever the network in memory has under way. */
async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await turn();
}

// The network in memory runs on `setImmediate`, which stays real; all that the faults know of time is told by the tests.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

describe('a netsplit between two nodes', () => {
  it('loses what either sends, leaves the connection open, and is over when it heals', async () => {
    const { client, heard, remote, remoteHeard, apply } = await connected();
    const say = (n: number) => [client, remote].map((end) => end.send(text(n)));
    say(1);
    await Promise.all([heard.received(1), remoteHeard.received(1)]);
    apply(split);
    say(2);
    await settle();
    apply();
    say(3);
    await Promise.all([heard.received(2), remoteHeard.received(2)]);
    expect([numbers(heard.messages), numbers(remoteHeard.messages)]).toEqual([
      [1, 3],
      [1, 3],
    ]);
    expect([heard.closedCount, remoteHeard.closedCount]).toEqual([0, 0]);
  });

  it('holds as soon as one of them knows of it, be it the sender or the receiver', async () => {
    for (const knows of ['n1', 'n2'] as const) {
      const { client, heard, remote, remoteHeard, [knows]: end } = await connected();
      end.apply(split);
      client.send(text(1));
      remote.send(text(1));
      await settle();
      expect([...heard.messages, ...remoteHeard.messages]).toEqual([]);
    }
  });

  it('stops what is in the network when the receiver learns of it', async () => {
    const { client, remoteHeard, n2 } = await connected();
    client.send(text(1));
    client.flush();
    n2.apply(split);
    await settle();
    expect(remoteHeard.messages).toEqual([]);
  });

  it('one way loses what the first group sends, and lets the other way arrive', async () => {
    const { client, heard, remote, remoteHeard, apply } = await connected();
    apply(planOf('netsplit n1/n2 --one-way'));
    client.send(text(1));
    remote.send(text(2));
    await heard.received(1);
    await settle();
    expect(remoteHeard.messages).toEqual([]);
  });

  it('does not keep a client from either of them', async () => {
    const { n1, apply, server, doorman } = await listening();
    apply(planOf('netsplit n1/n2', 'drop n2 100%', 'delay n2 1s'));
    const heard = new Recorder();
    const client = await n1.connect(
      connectOptions(server.url, heard, { hello: { role: 'client', cluster } }),
    );
    client.send(text(1));
    doorman.connections[0]!.send(text(2));
    await Promise.all([heard.received(1), doorman.recorders[0]!.received(1)]);
  });

  it('tells both when the connection is closed', async () => {
    const { client, heard, remoteHeard, apply } = await connected();
    apply(split);
    client.close();
    await Promise.all([heard.ended(), remoteHeard.ended()]);
  });
});

describe('a connect over a cut link', () => {
  it('hangs until its time is over, and does not say that nobody listens there', async () => {
    const { n1, server } = await listening();
    await server.close();
    n1.apply(split);
    const seen = watch(n1.connect(dial('n1', 'n2', server.url)));
    await vi.advanceTimersByTimeAsync(timeoutMs - 1);
    await settle();
    expect(seen.state).toBe('open');
    await vi.advanceTimersByTimeAsync(1);
    expect(seen).toMatchObject({ state: 'broken', error: { code: 'timeout', details: { url: server.url } } });
    expect(seen.error!.details.refused).toBeUndefined();
  });

  it('tells that nobody listens there when there is no netsplit', async () => {
    const { n1, server } = await listening();
    await server.close();
    n1.apply(planOf('netsplit n1/n3', 'drop n1-n2 100%'));
    await expect(n1.connect(dial('n1', 'n2', server.url))).rejects.toMatchObject({
      code: 'unreachable',
      details: { refused: true },
    });
  });

  it('goes on when the link heals in time', async () => {
    const { n1, server, doorman } = await listening();
    n1.apply(split);
    const connection = n1.connect(dial('n1', 'n2', server.url));
    await settle();
    expect(doorman.connections).toEqual([]);
    n1.apply(noFaults);
    (await connection).send(text(1));
    await doorman.recorders[0]!.received(1);
  });

  it('succeeds in the direction that is left, and hears of no refusal from the one that is cut', async () => {
    const { n1, server, doorman } = await listening();
    n1.apply(planOf('netsplit n2/n1 --one-way'));
    (await n1.connect(dial('n1', 'n2', server.url))).send(text(1));
    await doorman.recorders[0]!.received(1);
    await server.close();
    const seen = watch(n1.connect(dial('n1', 'n2', server.url)));
    await vi.advanceTimersByTimeAsync(timeoutMs - 1);
    await settle();
    expect(seen.state).toBe('open');
    await vi.advanceTimersByTimeAsync(1);
    expect(seen.error).toMatchObject({ code: 'timeout' });
  });

  it('keeps to itself a refusal that comes when the link has just been cut, and tries anew when it heals', async () => {
    let refuse = (): void => {};
    let tries = 0;
    const stub: Transport = {
      listen: () => Promise.reject(new Error('not here')),
      connect: () =>
        new Promise((_, reject) => {
          tries++;
          refuse = () => reject(new MusterError('unreachable', 'refused', { details: { refused: true } }));
        }),
    };
    const n1 = new FaultTransport(stub);
    const seen = watch(n1.connect(dial('n1', 'n2', 'ws://127.0.0.1:1')));
    await settle();
    n1.apply(split);
    refuse();
    await settle();
    expect([seen.state, tries]).toEqual(['open', 1]);
    n1.apply(noFaults);
    await settle();
    expect([seen.state, tries]).toEqual(['open', 2]);
    refuse();
    await settle();
    expect(seen.error).toMatchObject({ details: { refused: true } });
  });
});

/** A connection of n1 to n2 that writes down when it sends what. */
async function recording(random: () => number) {
  const sent: { at: number; n: number }[] = [];
  const inner: Connection = {
    peer: hello('n2'),
    send: (message) => void sent.push({ at: performance.now(), n: JSON.parse(message).params.n }),
    flush: () => {},
    queued: 0,
    close: () => {},
  };
  const transport: Transport = {
    listen: () => Promise.reject(new Error('not here')),
    connect: () => Promise.resolve(inner),
  };
  const n1 = new FaultTransport(transport, { ...systemRuntime, random });
  return { n1, sent, connection: await n1.connect(dial('n1', 'n2', 'ws://127.0.0.1:1')) };
}

describe('a delay', () => {
  it('lets every message arrive within its bounds of when it was sent, and in order, whatever the jitter draws', async () => {
    const draws = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 8 }), fc.double({ min: 0, max: 0.999, noNaN: true })),
    );
    await fc.assert(
      fc.asyncProperty(draws, async (messages) => {
        const random = messages.map(([, draw]) => draw);
        const { n1, sent, connection } = await recording(() => random.shift() ?? 0);
        n1.apply(planOf('delay n1 50ms±20ms'));
        const sentAt: number[] = [];
        for (const [n, [gap]] of messages.entries()) {
          await vi.advanceTimersByTimeAsync(gap);
          sentAt.push(performance.now());
          connection.send(text(n));
        }
        await vi.advanceTimersByTimeAsync(71);
        expect(sent.map(({ n }) => n)).toEqual(messages.map((_, n) => n));
        for (const { at, n } of sent) {
          expect(at - sentAt[n]!).toBeGreaterThanOrEqual(30);
          // One more: a timer counts whole ms.
          expect(at - sentAt[n]!).toBeLessThanOrEqual(71);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('reaches the other side late, both ways', async () => {
    const { client, heard, remote, remoteHeard, apply } = await connected();
    apply(planOf('delay n1 50ms'));
    client.send(text(1));
    remote.send(text(2));
    await vi.advanceTimersByTimeAsync(49);
    await settle();
    expect([...heard.messages, ...remoteHeard.messages]).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await Promise.all([heard.received(1), remoteHeard.received(1)]);
  });

  it('that ends lets go at once of what it holds, in order and before what is sent then', async () => {
    const { n1, sent, connection } = await recording(() => 0.5);
    n1.apply(planOf('delay n1 1s'));
    connection.send(text(1));
    connection.send(text(2));
    n1.apply(planOf('delay n1 5ms'));
    connection.send(text(3));
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(5);
    expect(sent.map(({ n }) => n)).toEqual([1, 2, 3]);
    n1.apply(planOf('delay n1 1s'));
    connection.send(text(4));
    n1.apply(noFaults);
    connection.send(text(5));
    expect(sent.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
  });

  it.each([
    ['a netsplit', 'netsplit n1/n2'],
    ['a netsplit on top of it', 'delay n1 1s; netsplit n1/n2'],
  ])('loses what it holds to %s', async (_, lines) => {
    const { n1, sent, connection } = await recording(() => 0.5);
    n1.apply(planOf('delay n1 1s'));
    connection.send(text(1));
    n1.apply(planOf(...lines.split('; ')));
    expect(connection.queued).toBe(0);
    n1.apply(planOf('delay n1 1s'));
    connection.send(text(2));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent.map(({ n }) => n)).toEqual([2]);
  });

  it('loses what it holds when the connection is closed', async () => {
    const { n1, sent, connection } = await recording(() => 0.5);
    n1.apply(planOf('delay n1 1s'));
    connection.send(text(1));
    connection.close();
    expect(connection.queued).toBe(0);
    connection.send(text(2));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent).toEqual([]);
  });

  it('holds no more than a connection may queue, and loses what comes on top', async () => {
    const { n1, sent, connection } = await recording(() => 0.5);
    n1.apply(planOf('delay n1 10m'));
    const large = text(0, 'x'.repeat(limits.valueBytes));
    const fit = Math.floor(limits.connectionQueueBytes / large.length);
    for (let i = 0; i < fit + 5; i++) connection.send(large);
    expect(connection.queued).toBe(fit * large.length);
    n1.apply(noFaults);
    expect(sent).toHaveLength(fit);
    expect(connection.queued).toBe(0);
  });
});

describe('a drop', () => {
  it('loses the messages that the die says, whole, and leaves their neighbours in the frame', async () => {
    let draw = 0;
    // 0.00, 0.01, 0.02, … one after the other: of a hundred draws, five are below 5 %.
    const { client, remoteHeard, apply } = await connected(() => (draw++ % 100) / 100);
    apply(planOf('drop n1-n2 5%'));
    for (let n = 0; n < 200; n++) client.send(text(n));
    await remoteHeard.received(190);
    const lost = [0, 1, 2, 3, 4, 100, 101, 102, 103, 104];
    const arrived = Array.from({ length: 200 }, (_, n) => n).filter((n) => !lost.includes(n));
    expect(numbers(remoteHeard.messages)).toEqual(arrived);
    expect(remoteHeard.messages[0]).toEqual(JSON.parse(text(5)));
  });

  it('of 100 % loses everything, and of 0 % nothing', async () => {
    const { client, remoteHeard, apply } = await connected();
    apply(planOf('drop n1 100%'));
    for (let n = 0; n < 100; n++) client.send(text(n));
    apply(planOf('drop n1 0%'));
    for (let n = 100; n < 200; n++) client.send(text(n));
    await remoteHeard.received(100);
    expect(numbers(remoteHeard.messages)).toEqual(Array.from({ length: 100 }, (_, n) => 100 + n));
  });
});
