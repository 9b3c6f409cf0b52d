import { limits } from '../../limits.js';
import type { Rows } from './rows.js';
import type { Holder, Operation, OpResult, Row } from './types.js';

type Lock = Extract<Row, { kind: 'lock' }>;
type LockOperation = Extract<Operation, { type: 'acquire' | 'renew' | 'release' | 'leave' }>;

const refused = (code: 'lock-held' | 'lock-lost' | 'conflict', message: string): OpResult => ({
  ok: false,
  code,
  message,
});

/** The entry that may grant a lock, and the token that it gives then. */
export interface Grant {
  readonly seq: number;
  readonly token: number;
}

/** What the operation's result says, as JSON in its value. */
export interface AcquireResult {
  readonly ticket: string;
  /** null: it waits in the queue. */
  readonly token: number | null;
  /** Its place in the queue, from 1; 0: it holds the lock. */
  readonly place: number;
}

const answer = (value: AcquireResult): OpResult => ({ ok: true, value: JSON.stringify(value) });

/**
 * Locks with a queue, and semaphores, which are locks with several permits. A token is the number of the
 * entry that granted it, so that each is greater than all before. Time is not looked at here: it enters as `lapse`.
 */
export function applyLock(rows: Rows, op: LockOperation, ticket: string, { token, seq }: Grant): OpResult {
  const lock = rows.get('lock', op.key);
  switch (op.type) {
    case 'acquire': {
      if (lock !== undefined && lock.permits !== op.permits)
        return refused('conflict', `lock ${op.key} has ${lock.permits} permits, not ${op.permits}`);
      const { holders, queue } = lock ?? { holders: [], queue: [] };
      const { ttl, permits } = op;
      if (holders.length < permits) {
        rows.set(op.key, {
          kind: 'lock',
          permits,
          holders: [...holders, { ticket, token, ttl, renewed: seq }],
          queue,
        });
        return answer({ ticket, token, place: 0 });
      }
      if (!op.wait) return refused('lock-held', `lock ${op.key} is held by ${names(holders)}`);
      // The row is copied with every change, and has to fit a frame.
      if (queue.length >= limits.lockWaiters)
        return refused('lock-held', `lock ${op.key} is held, and ${queue.length} wait for it already`);
      rows.set(op.key, { kind: 'lock', permits, holders, queue: [...queue, { ticket, ttl }] });
      return answer({ ticket, token: null, place: queue.length + 1 });
    }
    case 'renew': {
      if (lock === undefined || !lock.holders.some((h) => h.token === op.token))
        return refused('lock-lost', `token ${op.token} does not hold lock ${op.key} any more`);
      const holders = lock.holders.map((h) => (h.token === op.token ? { ...h, renewed: seq } : h));
      rows.set(op.key, { ...lock, holders });
      return { ok: true, value: op.token };
    }
    case 'release': {
      const holder = lock?.holders.find((h) => h.token === op.token);
      if (lock === undefined || holder === undefined)
        return refused('lock-lost', `token ${op.token} does not hold lock ${op.key}`);
      drop(rows, op.key, lock, holder.ticket, { token, seq });
      return { ok: true, value: true };
    }
    case 'leave': {
      if (lock !== undefined) drop(rows, op.key, lock, op.ticket, { token, seq });
      return { ok: true, value: true };
    }
  }
}

/** What there is of a lock for one ticket: thousands may ask for their places at once. */
export function ofTicket(lock: Lock, ticket: string): Lock {
  const mine = (one: { readonly ticket: string }): boolean => one.ticket === ticket;
  const { kind, permits, holders, queue } = lock;
  return { kind, permits, holders: holders.filter(mine), queue: queue.filter(mine) };
}

/**
 * A holder's time, or a waiter's, is over; unless a renewal, or the grant, came into the log before: whoever decided on the lapse
 * had not seen it yet.
 */
export function lapse(rows: Rows, name: string, ticket: string, renewed: number | null, grant: Grant): void {
  const lock = rows.get('lock', name);
  if (lock === undefined) return;
  const last = lock.holders.find((h) => h.ticket === ticket)?.renewed ?? 0;
  if (renewed === null || last === renewed) drop(rows, name, lock, ticket, grant);
}

/** Takes the ticket out, as holder or from the queue; the next in the queue gets what is free, in the same entry. */
function drop(rows: Rows, name: string, lock: Lock, ticket: string, { token, seq }: Grant): void {
  const holders = lock.holders.filter((h) => h.ticket !== ticket);
  const queue = lock.queue.filter((w) => w.ticket !== ticket);
  const next = holders.length < lock.permits ? queue.shift() : undefined;
  if (next !== undefined) holders.push({ ...next, token, renewed: seq });
  if (holders.length === 0 && queue.length === 0) rows.delete('lock', name);
  else rows.set(name, { ...lock, holders, queue });
}

const names = (holders: readonly Holder[]): string => holders.map((h) => `token ${h.token}`).join(', ');
