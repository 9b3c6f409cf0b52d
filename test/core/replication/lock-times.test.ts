import { beforeEach, describe, expect, test } from 'vitest';
import type { Row } from '../../../src/core/machine/types.js';
import type { ClientRequest } from '../../../src/core/messages.js';
import { limits } from '../../../src/limits.js';
import { clock } from '../harness.js';
import { ask, entries, type Node, pass, serving, session, stored, write } from '../serving.js';

beforeEach(() => {
  clock.now = 1000;
});

type LockRow = Extract<Row, { kind: 'lock' }>;

describe('a lock', () => {
  const acquire = (n: number, ttl = 1000): ClientRequest =>
    write({ type: 'acquire', key: 'l', ttl, wait: true, permits: 1 }, n);
  const row = (node: Node): LockRow | undefined => node.core.replicas.get(0)?.machine.rows.get('lock', 'l');
  const holders = (node: Node): string[] => row(node)?.holders.map(({ ticket }) => ticket) ?? [];
  const waiting = (node: Node): string[] => row(node)?.queue.map(({ ticket }) => ticket) ?? [];
  const place = (n: number): ClientRequest => ({
    type: 'read',
    p: 0,
    query: { type: 'await', key: 'l', ticket: `${session}.${n}` },
  });

  test('is its holder’s for its full time from the grant, and from each renewal', () => {
    const node = serving();
    ask(node, acquire(1));
    stored(node);
    const token = row(node)?.holders[0]?.token as number;
    pass(node, 975);
    expect(holders(node)).toEqual([`${session}.1`]);
    ask(node, write({ type: 'renew', key: 'l', token }, 2));
    stored(node);
    pass(node, 975);
    expect(holders(node)).toEqual([`${session}.1`]);
    pass(node, 75);
    expect(row(node)).toBeUndefined();
    expect(entries(node).filter((type) => type === 'lapse')).toHaveLength(1);
  });

  test('goes to the next in the queue when its holder’s time is over, who then has its own full time', () => {
    const node = serving();
    ask(node, acquire(1));
    ask(node, acquire(2, 2000));
    stored(node);
    const first = ask(node, place(2));
    pass(node, limits.lockAwaitMs - 25);
    expect(first()).toEqual([]);
    pass(node, 50);
    // A question is answered after a while whatever there is to say.
    expect(first()).toMatchObject([{ ok: true, result: { type: 'rows' } }]);
    const second = ask(node, place(2));
    pass(node, 500);
    expect(holders(node)).toEqual([`${session}.2`]);
    expect(second()).toHaveLength(1);
    pass(node, 1900);
    expect(holders(node)).toEqual([`${session}.2`]);
    pass(node, 200);
    expect(row(node)).toBeUndefined();
  });

  test('whose next one is told at once when it is given back', () => {
    const node = serving();
    ask(node, acquire(1, 60_000));
    ask(node, acquire(2));
    stored(node);
    const answer = ask(node, place(2));
    const token = row(node)?.holders[0]?.token as number;
    ask(node, write({ type: 'release', key: 'l', token }, 3));
    stored(node);
    expect(answer()).toMatchObject([{ ok: true }]);
    expect([holders(node), waiting(node)]).toEqual([[`${session}.2`], []]);
    // Somebody who does not wait is answered at once.
    expect(ask(node, place(7))()).toHaveLength(1);
  });

  test('tells who leaves the queue that it has no place there any more', () => {
    const node = serving();
    ask(node, acquire(1, 60_000));
    ask(node, acquire(2));
    stored(node);
    const answer = ask(node, place(2));
    ask(node, write({ type: 'leave', key: 'l', ticket: `${session}.2` }, 3));
    stored(node);
    expect(answer()).toHaveLength(1);
    expect([holders(node), waiting(node)]).toEqual([[`${session}.1`], []]);
  });

  test('loses from its queue who does not ask for its place any more', () => {
    const node = serving();
    for (const n of [1, 2, 3]) ask(node, acquire(n, 60_000));
    stored(node);
    pass(node, limits.lockWaiterMs - 100);
    const answer = ask(node, place(3));
    expect(waiting(node)).toHaveLength(2);
    pass(node, 200);
    expect(waiting(node)).toEqual([`${session}.3`]);
    pass(node, limits.lockWaiterMs - 500);
    expect(answer()).toHaveLength(1);
    expect(waiting(node)).toEqual([`${session}.3`]);
    pass(node, 500);
    expect([waiting(node), holders(node)]).toEqual([[], [`${session}.1`]]);
  });
});
