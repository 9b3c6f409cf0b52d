import { describe, expect, it } from 'vitest';
import { applyLock, lapse, ofTicket } from '../../../src/core/machine/locks.js';
import { Rows } from '../../../src/core/machine/rows.js';
import type { Row } from '../../../src/core/machine/types.js';
import { limits } from '../../../src/limits.js';

const ask = (rows: Rows, n: number) =>
  applyLock(rows, { type: 'acquire', key: 'door', ttl: 1000, wait: true, permits: 1 }, `1.1.${n}`, {
    seq: n,
    token: n,
  });

describe('the queue of a lock', () => {
  it('has room for so many and no more, and what is refused has changed nothing', () => {
    const rows = new Rows();
    for (let n = 1; n <= limits.lockWaiters + 1; n++) expect(ask(rows, n).ok).toBe(true);
    const before = rows.get('lock', 'door');
    expect(ask(rows, limits.lockWaiters + 2)).toEqual({
      ok: false,
      code: 'lock-held',
      message: `lock door is held, and ${limits.lockWaiters} wait for it already`,
    });
    expect(rows.get('lock', 'door')).toBe(before);
    // It still fits a frame, many times over.
    expect(JSON.stringify(before).length).toBeLessThan(limits.rowsUnits / 4);
    const place = { type: 'leave', key: 'door', ticket: '1.1.1' } as const;
    applyLock(rows, place, '1.1.0', { seq: 5000, token: 5000 });
    expect(rows.get('lock', 'door')?.holders[0]).toMatchObject({ ticket: '1.1.2', token: 5000 });
    expect(ask(rows, 6000).ok).toBe(true);
  });

  it('is told to a ticket as far as it is about it', () => {
    const rows = new Rows();
    for (let n = 1; n <= 5; n++) ask(rows, n);
    const lock = rows.get('lock', 'door')!;
    expect(ofTicket(lock, '1.1.3')).toEqual({
      kind: 'lock',
      permits: 1,
      holders: [],
      queue: [{ ticket: '1.1.3', ttl: 1000 }],
    });
    expect(ofTicket(lock, '1.1.1')).toMatchObject({ holders: [{ token: 1 }], queue: [] });
    expect(ofTicket(lock, '9.9.9')).toMatchObject({ holders: [], queue: [] });
  });
});

type Lock = Extract<Row, { kind: 'lock' }>;

describe('a lock', () => {
  const holder = (token: number, renewed = token) => ({ ticket: `t${token}`, token, ttl: 100, renewed });
  const waiter = (n: number) => ({ ticket: `t${n}`, ttl: 100 });
  const lock = (permits: number, holders: Lock['holders'], queue: Lock['queue'] = []): Lock => ({
    kind: 'lock',
    permits,
    holders,
    queue,
  });
  const grant = { seq: 90, token: 9 };
  const next = (n: number) => ({ ticket: `t${n}`, ttl: 100, token: 9, renewed: 90 });
  const withLock = (before: Lock | null): Rows => {
    const rows = new Rows();
    if (before !== null) rows.set('door', before);
    return rows;
  };
  const acquire = { type: 'acquire', key: 'door', ttl: 100, wait: true, permits: 1 } as const;
  const ok = (ticket: string, token: number | null, place: number) => ({
    ok: true,
    value: JSON.stringify({ ticket, token, place }),
  });
  const refused = (code: string, message: string) => ({ ok: false, code, message });
  const release = { type: 'release', key: 'door', token: 1 } as const;
  const leave = { type: 'leave', key: 'door', ticket: 't1' } as const;
  const renew = { type: 'renew', key: 'door', token: 1 } as const;
  const [h1, h2] = [holder(1), holder(2)];
  const done = { ok: true, value: true };

  it.each<[string, Lock | null, Parameters<typeof applyLock>[1], object, Lock | null]>([
    ['is free', null, acquire, ok('t7', 9, 0), lock(1, [next(7)])],
    ['has a permit left', lock(2, [h1]), { ...acquire, permits: 2 }, ok('t7', 9, 0), lock(2, [h1, next(7)])],
    ['has none left', lock(1, [h1]), acquire, ok('t7', null, 1), lock(1, [h1], [waiter(7)])],
    [
      'has a queue',
      lock(1, [h1], [waiter(2)]),
      acquire,
      ok('t7', null, 2),
      lock(1, [h1], [waiter(2), waiter(7)]),
    ],
    [
      'is held, and the client does not wait',
      lock(2, [h1, h2]),
      { ...acquire, wait: false, permits: 2 },
      refused('lock-held', 'lock door is held by token 1, token 2'),
      lock(2, [h1, h2]),
    ],
    [
      'has other permits',
      lock(2, [h1]),
      acquire,
      refused('conflict', 'lock door has 2 permits, not 1'),
      lock(2, [h1]),
    ],
    ['is free, and is not waited for', null, { ...acquire, wait: false }, ok('t7', 9, 0), lock(1, [next(7)])],
    [
      'is renewed by one of two',
      lock(2, [h1, h2]),
      renew,
      { ok: true, value: 1 },
      lock(2, [holder(1, 90), h2]),
    ],
    [
      'is renewed with the token of no holder',
      lock(1, [h2]),
      renew,
      refused('lock-lost', 'token 1 does not hold lock door any more'),
      lock(1, [h2]),
    ],
    [
      'is renewed and is free',
      null,
      renew,
      refused('lock-lost', 'token 1 does not hold lock door any more'),
      null,
    ],
    ['is released by its only holder', lock(1, [h1]), release, done, null],
    ['is released by one of two', lock(2, [h2, h1]), release, done, lock(2, [h2])],
    [
      'is released to the first in the queue',
      lock(1, [h1], [waiter(3), waiter(4)]),
      release,
      done,
      lock(1, [next(3)], [waiter(4)]),
    ],
    ['is released to the last in the queue', lock(1, [h1], [waiter(3)]), release, done, lock(1, [next(3)])],
    [
      'is released with the token of no holder',
      lock(1, [h2]),
      release,
      refused('lock-lost', 'token 1 does not hold lock door'),
      lock(1, [h2]),
    ],
    ['is released and is free', null, release, refused('lock-lost', 'token 1 does not hold lock door'), null],
    ['is left by its holder', lock(1, [h1], [waiter(3)]), leave, done, lock(1, [next(3)])],
    [
      'is left by one that waits',
      lock(1, [h2], [waiter(1), waiter(3)]),
      leave,
      done,
      lock(1, [h2], [waiter(3)]),
    ],
    ['is left by the last that waits', lock(1, [h2], [waiter(1)]), leave, done, lock(1, [h2])],
    ['is left by nobody it knows', lock(1, [h2], [waiter(3)]), leave, done, lock(1, [h2], [waiter(3)])],
    ['is left and is free', null, leave, done, null],
  ])('that %s', (_, before, op, result, after) => {
    const rows = withLock(before);
    expect(applyLock(rows, op, 't7', grant)).toEqual(result);
    expect(rows.get('lock', 'door') ?? null).toEqual(after);
  });

  it.each<[string, string, number | null, Lock | null]>([
    ['of the holder, as it was last renewed', 't1', 5, lock(1, [next(3)], [waiter(4)])],
    ['of the holder, before it was renewed', 't1', 4, null],
    ['of the holder, whenever it was renewed', 't1', null, lock(1, [next(3)], [waiter(4)])],
    ['of one that waits', 't3', 0, lock(1, [holder(1, 5)], [waiter(4)])],
    ['of one that waited, and has been granted the lock since', 't1', 0, null],
    ['of one that waits, as if it held', 't3', 1, null],
  ])('takes the lapse of the time %s', (_, ticket, renewed, after) => {
    const before = lock(1, [holder(1, 5)], [waiter(3), waiter(4)]);
    const rows = withLock(before);
    lapse(rows, 'door', ticket, renewed, grant);
    expect(rows.get('lock', 'door')).toEqual(after ?? before);
  });

  it('that is free stays free when a time lapses', () => {
    const rows = withLock(null);
    lapse(rows, 'door', 't1', null, grant);
    expect(rows.size).toBe(0);
  });
});
