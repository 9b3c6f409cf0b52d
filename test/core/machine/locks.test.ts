import { describe, expect, it } from 'vitest';
import { applyLock, ofTicket } from '../../../src/core/machine/locks.js';
import { Rows } from '../../../src/core/machine/rows.js';
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
