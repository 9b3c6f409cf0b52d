import { type AnyService, asService } from './definition.js';

/** The service that every node has, so that routing can be tried with nothing written. */
export function demoService(node: string): AnyService {
  const number = (params: unknown, name: string, otherwise: number): number => {
    const value = (params as Record<string, unknown> | null)?.[name] ?? otherwise;
    if (typeof value !== 'number' || !(value >= 0))
      throw Object.assign(new Error(`invalid ${name} ${JSON.stringify(value)}: expected a number from 0`), {
        code: 'bad-params',
      });
    return value;
  };
  /** `ms` of the parameters, times what `slow` says of this node: `{"ms": 10, "slow": {"n2": 4}}`. */
  const duration = (params: unknown, otherwise: number): number => {
    const slow = (params as { slow?: unknown } | null)?.slow;
    return number(params, 'ms', otherwise) * (slow === undefined ? 1 : number(slow, node, 1));
  };
  let calls = 0;
  const handlers = {
    echo: {
      idempotent: true,
      handle: (params: unknown) => ({ node, params }),
    },
    /** Waits `ms`, as for a disk or another machine. */
    sleep: {
      idempotent: true,
      handle: (params: unknown, { signal }: { signal: AbortSignal }) =>
        new Promise((resolve, reject) => {
          const timer = setTimeout(() => resolve({ node }), duration(params, 100));
          signal.addEventListener('abort', () => {
            clearTimeout(timer);
            reject(signal.reason);
          });
        }),
    },
    /** Keeps the processor busy for `ms`. */
    work: {
      idempotent: true,
      handle: (params: unknown) => {
        const end = performance.now() + duration(params, 10);
        let rounds = 0;
        while (performance.now() < end) rounds++;
        return { node, rounds };
      },
    },
    /** Fails every so many calls: `rate` of them, 0 to 1, evenly spread. */
    fail: {
      idempotent: true,
      handle: (params: unknown) => {
        const rate = number(params, 'rate', 0.5);
        calls++;
        if (Math.floor(calls * rate) > Math.floor((calls - 1) * rate))
          throw Object.assign(new Error('failed on request'), { code: 'demo-failure' });
        return { node };
      },
    },
  };
  return asService({ name: 'demo', handlers }, 'built-in service');
}
