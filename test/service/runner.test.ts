import { expect, test } from 'vitest';
import { limits } from '../../src/limits.js';
import { asService } from '../../src/service/definition.js';
import { type Invocation, Services } from '../../src/service/runner.js';

interface Gate {
  readonly open: () => void;
  readonly passed: Promise<void>;
}

function gate(): Gate {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}

function servicesOf(
  handlers: Record<string, unknown>,
  options: { maxInflight?: number; failed?: (error: unknown) => void } = {},
): Services {
  return new Services({
    services: [asService({ name: 'shop', handlers }, 'test')],
    maxInflight: options.maxInflight ?? 4,
    context: (invocation: Invocation) => invocation,
    failed: (_, error) => options.failed?.(error),
  });
}

const call = (method: string, params: unknown = null, timeoutMs = 10_000) => ({
  service: 'shop',
  method,
  params,
  timeoutMs,
});

test('a handler gets parameters and context, and its reply is JSON', async () => {
  const services = servicesOf({
    add: ({ a, b }: { a: number; b: number }, { method }: Invocation) => ({ sum: a + b, method }),
  });
  const reply = await services.call(call('add', { a: 1, b: 2 }));
  expect(reply).toMatchObject({ ok: true, value: '{"sum":3,"method":"add"}' });
  expect(reply.load).toMatchObject({ inflight: 0, queued: 0 });
});

test('no reply is null', async () => {
  const services = servicesOf({ nothing: () => undefined });
  expect(await services.call(call('nothing'))).toMatchObject({ ok: true, value: 'null' });
});

test.each([
  ['throws at once', () => boom()],
  ['rejects', async () => boom()],
])(
  'an error of a handler that %s reaches the caller with its message and code, and the log',
  async (_, handler) => {
    const logged: unknown[] = [];
    const services = servicesOf({ handler }, { failed: (error) => logged.push(error) });
    expect(await services.call(call('handler'))).toMatchObject({
      ok: false,
      code: 'handler-failed',
      message: 'no apples',
      own: 'out-of-stock',
      ran: true,
    });
    expect(logged).toHaveLength(1);
  },
);

function boom(): never {
  throw Object.assign(new Error('no apples'), { code: 'out-of-stock' });
}

test.each([
  ['a BigInt', () => 1n, /as JSON: .*BigInt/],
  ['a function', () => () => 1, /as JSON: it is a function/],
  [
    'a circle',
    () => {
      const circle: Record<string, unknown> = {};
      circle.itself = circle;
      return circle;
    },
    /as JSON: .*circular/i,
  ],
])('a reply of %s is an error that names the method', async (_, handler, message) => {
  const reply = await servicesOf({ handler }).call(call('handler'));
  expect(reply).toMatchObject({ ok: false, code: 'handler-failed', ran: true });
  expect(reply.ok ? '' : reply.message).toMatch(message);
  expect(reply.ok ? '' : reply.message).toContain('shop.handler');
});

test('a reply over the limit is an error, one at the limit is not', async () => {
  const services = servicesOf({ text: (length: number) => 'x'.repeat(length) });
  expect(await services.call(call('text', limits.serviceBytes - 2))).toMatchObject({ ok: true });
  expect(await services.call(call('text', limits.serviceBytes - 1))).toMatchObject({
    ok: false,
    code: 'value-too-large',
    ran: true,
  });
});

test('an unknown service and an unknown method say what there is', async () => {
  const services = servicesOf({ add: () => 1 });
  expect(await services.call({ ...call('add'), service: 'stop' })).toMatchObject({
    code: 'unknown-service',
    message: 'unknown service stop: the services are shop',
    ran: false,
  });
  expect(await services.call(call('subtract'))).toMatchObject({
    code: 'unknown-service',
    message: 'unknown method shop.subtract: the methods of shop are add',
  });
});

test('so many run at once, the others wait in order of arrival', async () => {
  const gates = Array.from({ length: 5 }, gate);
  const began: number[] = [];
  const services = servicesOf(
    {
      wait: async (i: number) => {
        began.push(i);
        await gates[i]?.passed;
        return i;
      },
    },
    { maxInflight: 2 },
  );
  const replies = gates.map((_, i) => services.call(call('wait', i)));
  expect(began).toEqual([0, 1]);
  expect(services.load()).toMatchObject({ inflight: 2, queued: 3 });
  gates[1]?.open();
  await replies[1];
  expect(began).toEqual([0, 1, 2]);
  for (const g of gates) g.open();
  expect((await Promise.all(replies)).every((reply) => reply.ok)).toBe(true);
  expect(began).toEqual([0, 1, 2, 3, 4]);
  expect(services.load()).toMatchObject({ inflight: 0, queued: 0 });
});

test('beyond the queue a request is refused, and nothing has run', async () => {
  const hold = gate();
  const services = servicesOf({ wait: () => hold.passed }, { maxInflight: 1 });
  const taken = Array.from({ length: 1 + limits.serviceQueue }, () => services.call(call('wait')));
  expect(await services.call(call('wait'))).toMatchObject({ ok: false, code: 'busy', ran: false });
  hold.open();
  expect((await Promise.all(taken)).every((reply) => reply.ok)).toBe(true);
});

test('at the deadline the caller is answered and the signal aborted; the place is kept until the handler has ended', async () => {
  const hold = gate();
  let signal: AbortSignal | undefined;
  const services = servicesOf(
    {
      late: async (_: unknown, context: Invocation) => {
        signal = context.signal;
        await hold.passed;
      },
      next: () => 1,
    },
    { maxInflight: 1 },
  );
  expect(await services.call(call('late', null, 20))).toMatchObject({
    ok: false,
    code: 'timeout',
    ran: true,
  });
  expect(signal?.aborted).toBe(true);
  expect(services.load().inflight).toBe(1);
  const next = services.call(call('next'));
  expect(services.load().queued).toBe(1);
  hold.open();
  expect(await next).toMatchObject({ ok: true, value: '1' });
});

test('a request whose time is over before its turn never runs', async () => {
  const hold = gate();
  let ran = 0;
  const services = servicesOf({ wait: () => hold.passed, count: () => ++ran }, { maxInflight: 1 });
  const first = services.call(call('wait'));
  expect(await services.call(call('count', null, 10))).toMatchObject({ ok: false, code: 'busy', ran: false });
  hold.open();
  await first;
  await services.call(call('wait'));
  expect(ran).toBe(0);
});

test('a node that stops takes nothing new, lets what runs end, and aborts what does not', async () => {
  const hold = gate();
  let signal: AbortSignal | undefined;
  const services = servicesOf(
    {
      wait: async (_: unknown, context: Invocation) => {
        signal = context.signal;
        await hold.passed;
        return 'done';
      },
    },
    { maxInflight: 1 },
  );
  const running = services.call(call('wait'));
  const waiting = services.call(call('wait'));
  const stopped = services.stop(60_000);
  expect(await waiting).toMatchObject({ ok: false, code: 'busy', ran: false });
  expect(await services.call(call('wait'))).toMatchObject({ ok: false, code: 'busy', ran: false });
  expect(signal?.aborted).toBe(false);
  hold.open();
  expect(await running).toMatchObject({ ok: true, value: '"done"' });
  await stopped;

  const endless = servicesOf({
    wait: (_: unknown, context: Invocation) =>
      new Promise((resolve) => context.signal.addEventListener('abort', resolve)),
  });
  const ended = endless.call(call('wait'));
  await endless.stop(1);
  expect((await ended).ok).toBe(true);
});
