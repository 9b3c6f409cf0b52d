import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ServiceCallOptions, ServiceRouter } from '../../src/client/api.js';
import { Calls } from '../../src/client/calls.js';
import type { CallAnswer } from '../../src/client/links.js';
import type { ClusterMap } from '../../src/core/map/types.js';
import { MusterError } from '../../src/errors.js';
import { limits } from '../../src/limits.js';
import type { ServiceFailure } from '../../src/wire/service-reply.js';

/** As it comes over the wire. */
const load = [0, 0, 64, 0, 0, 0];
const member = (id: string) => ({
  id,
  store: 's',
  incarnation: 1,
  url: `ws://${id}`,
  state: 'active',
  weight: 1,
});
const mapOf = (ids: readonly string[]): ClusterMap =>
  ({ revision: 1, members: Object.fromEntries(ids.map((id) => [id, member(id)])) }) as unknown as ClusterMap;

interface Sent {
  readonly node: string;
  readonly method: string;
  readonly timeoutMs: number;
  cancelled: boolean;
  answer(answer: CallAnswer): void;
  value(value: unknown): void;
  refuse(failure: ServiceFailure): void;
}

/** Nodes that answer when the test says so. `connected`: requests leave at once. */
class Nodes {
  readonly sent: Sent[] = [];
  readonly unconnected = new Set<string>();
  readonly router: ServiceRouter;
  readonly calls: Calls;

  constructor(ids: readonly string[]) {
    const map = mapOf(ids);
    this.calls = new Calls({
      links: {
        ask: async () => [
          {
            name: 'shop',
            methods: [
              { name: 'buy', idempotent: false },
              { name: 'look', idempotent: true },
            ],
          },
        ],
        call: (node, request, done) => {
          const one: Sent = {
            node,
            method: request.method,
            timeoutMs: request.timeoutMs,
            cancelled: false,
            answer: done,
            value: (value) => done({ kind: 'result', result: { ok: true, value, load } }),
            refuse: (failure) => done({ kind: 'result', result: { ok: false, ...failure, load } }),
          };
          this.sent.push(one);
          return {
            sent: !this.unconnected.has(node),
            cancel: () => {
              one.cancelled = true;
            },
          };
        },
      },
      timeoutMs: 10_000,
      map: () => map,
      refresh: async () => map,
      watch: () => {},
    });
    this.router = this.calls.router({ strategy: 'round-robin', seed: 1 });
  }

  /** Begins a call; gives what becomes of it once it is settled. */
  begin(to: string, options: ServiceCallOptions = {}) {
    const state: { value?: unknown; node?: string; attempts?: number; error?: MusterError } = {};
    const done = this.router.route(to, null, options).then(
      (report) => void Object.assign(state, report),
      (error: MusterError) => {
        state.error = error;
      },
    );
    return { state, done };
  }

  at(i: number): Sent {
    return this.sent[i] as Sent;
  }
}

const lost = (sent: boolean): CallAnswer => ({
  kind: 'lost',
  sent,
  error: new Error('the connection broke'),
});
const busy: ServiceFailure = { code: 'busy', message: 'full', ran: false };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const three = () => new Nodes(['n1', 'n2', 'n3']);
/** Lets promises go on. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

describe('what was certainly not run', () => {
  test.each([
    ['refused as busy', (s: Sent) => s.refuse(busy)],
    ['lost before it was sent', (s: Sent) => s.answer(lost(false))],
    [
      'refused by the connection’s own bound',
      (s: Sent) => s.answer({ kind: 'error', error: new MusterError('busy', 'too many') }),
    ],
  ])('%s, is sent to another node, whatever it is', async (_, fail) => {
    const nodes = three();
    const { state, done } = nodes.begin('shop.buy');
    await settle();
    fail(nodes.at(0));
    expect(nodes.sent).toHaveLength(2);
    expect(nodes.at(1).node).not.toBe(nodes.at(0).node);
    nodes.at(1).value(7);
    await done;
    expect(state).toMatchObject({ value: 7, attempts: 2, node: nodes.at(1).node });
  });

  test('by a node that does not have the service yet, is tried at each other node once', async () => {
    const nodes = three();
    const { state, done } = nodes.begin('shop.buy');
    await settle();
    for (let i = 0; i < 3; i++)
      nodes.at(i).refuse({ code: 'unknown-service', message: 'unknown service shop', ran: false });
    await done;
    expect(nodes.sent.map(({ node }) => node).sort()).toEqual(['n1', 'n2', 'n3']);
    expect(state.error).toMatchObject({ code: 'unknown-service', tookEffect: 'no' });
  });

  test('did not leave for a second, is taken back and sent elsewhere', async () => {
    const nodes = three();
    nodes.unconnected.add('n1').add('n2');
    const { state, done } = nodes.begin('shop.buy');
    await settle();
    const first = nodes.at(0);
    nodes.unconnected.clear();
    if (first.node === 'n3') return; // It left at once: nothing to show.
    vi.advanceTimersByTime(limits.serviceAttemptMs + 50);
    expect(first.cancelled).toBe(true);
    expect(nodes.sent).toHaveLength(2);
    nodes.at(1).value('late');
    await done;
    expect(state.value).toBe('late');
  });

  test('because nobody could be reached in time, is a timeout without effect', async () => {
    const nodes = new Nodes(['n1']);
    nodes.unconnected.add('n1');
    const { state, done } = nodes.begin('shop.buy', { timeoutMs: 500 });
    await settle();
    vi.advanceTimersByTime(600);
    await done;
    expect(state.error).toMatchObject({ code: 'timeout', tookEffect: 'no' });
    expect(nodes.at(0).cancelled).toBe(true);
  });
});

describe('what may have run', () => {
  test.each([
    ['the connection is lost', (s: Sent) => s.answer(lost(true))],
    ['the answer makes no sense', (s: Sent) => s.answer({ kind: 'result', result: 'what' })],
  ])('and is not idempotent, is of unknown outcome when %s', async (_, fail) => {
    const nodes = three();
    const { state, done } = nodes.begin('shop.buy');
    await settle();
    fail(nodes.at(0));
    await done;
    expect(nodes.sent).toHaveLength(1);
    expect(state.error).toMatchObject({ code: 'outcome-unknown', tookEffect: 'unknown' });
  });

  test('and is not idempotent, is not sent again however long it takes', async () => {
    const nodes = three();
    const { state, done } = nodes.begin('shop.buy', { timeoutMs: 8000 });
    await settle();
    vi.advanceTimersByTime(7900);
    expect(nodes.sent).toHaveLength(1);
    vi.advanceTimersByTime(200);
    await done;
    expect(state.error).toMatchObject({ code: 'outcome-unknown' });
  });

  test('and is idempotent, is sent to another node when the connection is lost', async () => {
    const nodes = three();
    const { state, done } = nodes.begin('shop.look');
    await settle();
    nodes.at(0).answer(lost(true));
    nodes.at(1).value('seen');
    await done;
    expect(state).toMatchObject({ value: 'seen', attempts: 2 });
  });

  test('and is idempotent, is asked of another node after a second, and the first answer counts', async () => {
    const nodes = three();
    const { state, done } = nodes.begin('shop.look');
    await settle();
    vi.advanceTimersByTime(limits.serviceAttemptMs - 100);
    expect(nodes.sent).toHaveLength(1);
    vi.advanceTimersByTime(200);
    expect(nodes.sent).toHaveLength(2);
    nodes.at(0).value('after all');
    nodes.at(1).value('too late');
    await done;
    expect(state).toMatchObject({ value: 'after all', node: nodes.at(0).node, attempts: 2 });
  });

  test('is what its caller says, if the caller says it', async () => {
    const nodes = three();
    const first = nodes.begin('shop.buy', { idempotent: true });
    await settle();
    nodes.at(0).answer(lost(true));
    expect(nodes.sent).toHaveLength(2);
    nodes.at(1).value(1);
    await first.done;
    const second = nodes.begin('shop.look', { idempotent: false });
    await settle();
    nodes.at(2).answer(lost(true));
    await second.done;
    expect(second.state.error).toMatchObject({ code: 'outcome-unknown' });
  });
});

test('an error of a handler is the answer: it is not tried elsewhere', async () => {
  const nodes = three();
  const { state, done } = nodes.begin('shop.look');
  await settle();
  nodes.at(0).refuse({ code: 'handler-failed', message: 'no apples', ran: true, own: 'out-of-stock' });
  await done;
  expect(nodes.sent).toHaveLength(1);
  expect(state.error).toMatchObject({
    code: 'handler-failed',
    message: 'no apples',
    tookEffect: 'unknown',
    details: { own: 'out-of-stock', node: nodes.at(0).node },
  });
});

test('when all are busy the budget ends the trying, and the error says that nothing was done', async () => {
  const nodes = three();
  const { state, done } = nodes.begin('shop.buy');
  await settle();
  for (let i = 0; i < 500 && state.error === undefined; i++) {
    nodes.sent[i]?.refuse(busy);
    await settle();
  }
  await done;
  expect(state.error).toMatchObject({ code: 'busy', tookEffect: 'no' });
  expect(nodes.sent.length).toBeGreaterThan(3);
});

test('a hedge asks another node as soon as the first is slower than most', async () => {
  const nodes = three();
  for (let i = 0; i < 40; i++) {
    const { done } = nodes.begin('shop.look');
    await settle();
    vi.advanceTimersByTime(30);
    nodes.sent.at(-1)?.value(i);
    await done;
  }
  const before = nodes.sent.length;
  const { state, done } = nodes.begin('shop.look', { hedge: 0.95 });
  await settle();
  vi.advanceTimersByTime(20);
  expect(nodes.sent.length).toBe(before + 1);
  vi.advanceTimersByTime(60);
  expect(nodes.sent.length).toBe(before + 2);
  nodes.sent.at(-1)?.value('hedged');
  await done;
  expect(state).toMatchObject({ value: 'hedged', attempts: 2 });
});

test('the node is told how long its caller goes on waiting', async () => {
  const nodes = three();
  const { done } = nodes.begin('shop.look', { timeoutMs: 5000 });
  await settle();
  vi.advanceTimersByTime(limits.serviceAttemptMs + 50);
  expect(nodes.at(0).timeoutMs).toBe(5000);
  expect(nodes.at(1).timeoutMs).toBeLessThanOrEqual(5000 - limits.serviceAttemptMs);
  nodes.at(1).value(1);
  await done;
});

test('closing the client ends what is under way', async () => {
  const nodes = three();
  const { state, done } = nodes.begin('shop.buy');
  await settle();
  nodes.calls.close();
  await done;
  expect(state.error).toMatchObject({ code: 'usage' });
});
