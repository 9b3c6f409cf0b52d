import { afterEach, describe, expect, it, vi } from 'vitest';
import { acquireLock, type LockCalls } from '../../src/client/locks.js';
import { PartitionMachine } from '../../src/core/machine/machine.js';
import type { Operation } from '../../src/core/machine/types.js';
import { MusterError } from '../../src/errors.js';
import { systemRuntime } from '../../src/os/runtime.js';

const timeout = (): MusterError => new MusterError('timeout', 'no answer');
const unknown = (): MusterError => new MusterError('outcome-unknown', 'no answer');

interface Sent {
  readonly op: Operation;
  readonly timeoutMs: number | undefined;
}

/**
 * The calls on one partition's real state machine. `before` and `after` run around each write that is applied; what they throw is the
 * call's rejection, so `after` makes one that was applied and not answered.
 */
class OnePartition implements LockCalls {
  readonly timeoutMs = 5000;
  readonly runtime = systemRuntime;
  readonly machine = new PartitionMachine(1);
  readonly writes: Sent[] = [];
  readonly #session: `${number}.${number}`;
  #n = 0;
  before: (op: Operation) => void = () => {};
  after: (op: Operation) => void = () => {};
  beforeRead: () => void = () => {};

  constructor() {
    const opened = this.machine.apply({ epoch: 1, seq: 1, command: { type: 'open', gen: 1 } });
    if (opened.type !== 'opened') throw new Error(opened.type);
    this.#session = opened.session;
  }

  /** Applied at once, by whomever. Throws its failure. */
  apply(op: Operation) {
    const n = ++this.#n;
    const command = { type: 'op', session: this.#session, n, first: n, op } as const;
    const applied = this.machine.apply({ epoch: 1, seq: this.machine.seq + 1, command });
    if (applied.type !== 'op') throw new Error(applied.type);
    const { result } = applied;
    if (!result.ok)
      throw new MusterError(result.code === 'not-applied' ? 'unavailable' : result.code, result.message, {
        tookEffect: 'no',
      });
    return result;
  }

  /** The time of the holder is over. */
  lapse(): void {
    const { ticket, renewed } = this.holders[0]!;
    this.machine.apply({
      epoch: 1,
      seq: this.machine.seq + 1,
      command: { type: 'lapse', lock: 'door', ticket, renewed },
    });
  }

  get holders() {
    return this.machine.rows.get('lock', 'door')?.holders ?? [];
  }

  async write(op: Operation, options: { timeoutMs?: number }) {
    this.writes.push({ op, timeoutMs: options.timeoutMs });
    this.before(op);
    const result = this.apply(op);
    this.after(op);
    return result;
  }

  async read(_: string | number, query: Parameters<LockCalls['read']>[1]) {
    this.beforeRead();
    return this.machine.query(query);
  }

  async partitions(): Promise<number> {
    return 1;
  }
}

/** Somebody holds the lock when it is asked for, and releases it when the place in the queue is first asked after. */
function queued(): OnePartition {
  const calls = new OnePartition();
  calls.apply({ type: 'acquire', key: 'door', ttl: 60_000, wait: false, permits: 1 });
  const { token } = calls.holders[0]!;
  calls.beforeRead = () => {
    calls.beforeRead = () => {};
    calls.apply({ type: 'release', key: 'door', token });
  };
  return calls;
}

const ttlMs = 60_000;
const acquire = (calls: LockCalls) => acquireLock(calls, 'door', { ttlMs, waitMs: 10_000 });
const failing =
  (type: Operation['type'], error: () => MusterError) =>
  (op: Operation): void => {
    if (op.type === type) throw error();
  };

describe('a lock got in its queue', () => {
  it('is held once its renewal is answered', async () => {
    const calls = queued();
    const held = await acquire(calls);
    expect(calls.holders).toMatchObject([{ token: held.token }]);
    expect(calls.writes.map(({ op }) => op.type)).toEqual(['acquire', 'renew']);
    await held.release();
    expect(calls.holders).toEqual([]);
  });

  it.each([
    ['was not applied', 'before'],
    ['was applied', 'after'],
  ] as const)('is given back when no answer to the renewal came, which %s', async (_, when) => {
    const calls = queued();
    calls[when] = failing('renew', unknown);
    await expect(acquire(calls)).rejects.toMatchObject({
      code: 'unavailable',
      tookEffect: 'no',
      retryable: true,
      message: expect.stringContaining('it was released'),
    });
    expect(calls.holders).toEqual([]);
  });

  it('keeps the code of a renewal that was certainly not done', async () => {
    const calls = queued();
    calls.before = failing('renew', timeout);
    await expect(acquire(calls)).rejects.toMatchObject({ code: 'timeout', tookEffect: 'no' });
    expect(calls.holders).toEqual([]);
  });

  it('goes to the next in the queue when it is given back', async () => {
    const calls = queued();
    calls.before = (op) => {
      if (op.type !== 'renew') return;
      calls.apply({ type: 'acquire', key: 'door', ttl: 60_000, wait: true, permits: 1 });
      throw unknown();
    };
    await expect(acquire(calls)).rejects.toMatchObject({ code: 'unavailable' });
    const renewal = calls.writes.map(({ op }) => op).find((op) => op.type === 'renew')!;
    expect(calls.holders).toHaveLength(1);
    expect(calls.holders[0]!.token).toBeGreaterThan(renewal.token);
  });

  it('is said to stay taken when it can not be given back', async () => {
    const calls = queued();
    calls.before = (op) => {
      failing('renew', timeout)(op);
      failing('release', timeout)(op);
    };
    await expect(acquire(calls)).rejects.toMatchObject({
      code: 'outcome-unknown',
      tookEffect: 'unknown',
      message: expect.stringContaining(`${ttlMs} ms`),
    });
    expect(calls.holders).toHaveLength(1);
  });

  it('asks for no longer than a call may take, nor than its time to live', async () => {
    for (const [ttl, most] of [
      [ttlMs, 5000],
      [300, 300],
    ] as const) {
      const calls = queued();
      calls.before = failing('renew', timeout);
      await expect(acquireLock(calls, 'door', { ttlMs: ttl, waitMs: 10_000 })).rejects.toThrow();
      const bounds = calls.writes.filter(({ op }) => op.type !== 'acquire');
      expect(bounds.map(({ op, timeoutMs }) => [op.type, timeoutMs])).toEqual([
        ['renew', most],
        ['release', most],
      ]);
    }
  });

  it('is not got when its time was over before the renewal', async () => {
    const calls = queued();
    calls.before = (op) => {
      if (op.type === 'renew') calls.lapse();
    };
    await expect(acquire(calls)).rejects.toMatchObject({
      code: 'lock-held',
      tookEffect: 'no',
      message: expect.stringContaining('expired before the grant could be confirmed'),
    });
    // There is nothing to give back.
    expect(calls.writes.map(({ op }) => op.type)).toEqual(['acquire', 'renew']);
  });

  it('is left, granted or not, when its place can not be asked after', async () => {
    const calls = queued();
    const grant = calls.beforeRead;
    calls.beforeRead = () => {
      grant();
      throw new MusterError('value-too-large', 'the answer is larger than a frame');
    };
    await expect(acquire(calls)).rejects.toMatchObject({ code: 'value-too-large' });
    expect(calls.holders).toEqual([]);
  });
});

describe('a machine that sleeps', () => {
  afterEach(() => void vi.restoreAllMocks());

  /** Clocks of which only the wall clock goes on while the machine sleeps. */
  function clocks() {
    let [mono, wall] = [1000, 1_700_000_000_000];
    vi.spyOn(performance, 'now').mockImplementation(() => mono);
    vi.spyOn(Date, 'now').mockImplementation(() => wall);
    return {
      run: (ms: number): void => {
        mono += ms;
        wall += ms;
      },
      sleep: (ms: number): void => {
        wall += ms;
      },
    };
  }
  const left = (held: { validUntil: number }): number => held.validUntil - performance.now();
  const certainMs = ttlMs * 0.98;

  it('while its acquire is under way has the lock from the sending on, by the wall clock', async () => {
    const { run, sleep } = clocks();
    const calls = new OnePartition();
    calls.after = () => {
      run(1000);
      sleep(30_000);
    };
    const held = await acquireLock(calls, 'door', { ttlMs });
    expect(left(held)).toBe(certainMs - 31_000);
    calls.after = () => {};
    await held.release();
  });

  it('for longer than the time to live while its acquire is under way does not have it', async () => {
    const { sleep } = clocks();
    const calls = new OnePartition();
    calls.after = () => sleep(ttlMs);
    const held = await acquireLock(calls, 'door', { ttlMs });
    expect(held.signal.aborted).toBe(true);
    expect(held.signal.reason).toMatchObject({ code: 'lock-lost' });
  });

  it('while its renewal out of the queue is under way has the lock from that sending on', async () => {
    const { run, sleep } = clocks();
    const calls = queued();
    calls.after = (op) => {
      run(1000);
      if (op.type === 'renew') sleep(30_000);
    };
    const held = await acquire(calls);
    expect(left(held)).toBe(certainMs - 31_000);
    await held.release();
  });

  it('while it has the lock has it for less', async () => {
    const { sleep } = clocks();
    const calls = new OnePartition();
    const held = await acquireLock(calls, 'door', { ttlMs });
    sleep(30_000);
    expect(left(held)).toBe(certainMs - 30_000);
    await held.renew();
    expect(left(held)).toBe(certainMs);
    await held.release();
  });

  it('renews when a third of the time has passed on either clock', async () => {
    const { sleep } = clocks();
    const calls = new OnePartition();
    const held = await acquireLock(calls, 'door', { ttlMs });
    sleep(ttlMs / 2);
    held.keep();
    await vi.waitFor(() => expect(left(held)).toBe(certainMs));
    expect(calls.writes.map(({ op }) => op.type)).toEqual(['acquire', 'renew']);
    await held.release();
  });
});
