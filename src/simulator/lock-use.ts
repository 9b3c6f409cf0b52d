import type { Outcome } from '../core/client/client-core.js';
import type { AcquireResult } from '../core/machine/locks.js';
import type { Row } from '../core/machine/types.js';
import { hashKey, partitionOf } from '../core/ring/hash.js';
import type { TxParty } from './tx-party.js';

/** What a user asks a lock for. */
interface Wish {
  readonly key: string;
  readonly ttl: number;
  readonly permits: number;
  readonly asked: number;
}

/** Takes locks and semaphores, and writes under their tokens. */
export class LockUse {
  readonly #user: TxParty;

  constructor(user: TxParty) {
    this.#user = user;
  }

  use(): void {
    const user = this.#user;
    const { locks, permits: most } = user.world.scenario;
    const i = user.random.below(locks);
    const permits = i === 0 ? 1 : most;
    const ttl = user.random.pick([300, 1000, 4000]);
    const wish: Wish = { key: `lock-${i}`, ttl, permits, asked: user.now };
    const wait = user.random.chance(0.8);
    const op = { type: 'acquire' as const, key: wish.key, ttl, wait, permits };
    user.call({ type: 'write', op, deadline: user.now + 5000 }, (outcome) => {
      if (outcome.type !== 'written') {
        user.next();
        return;
      }
      const { token, ticket } = JSON.parse(outcome.result.value as string) as AcquireResult;
      if (token !== null) this.#hold(wish, token, wish.asked);
      else this.#await(wish, ticket, user.now + 6000);
    });
  }

  #await(wish: Wish, ticket: string, until: number): void {
    const user = this.#user;
    const { key } = wish;
    const p = partitionOf(hashKey(key), user.world.scenario.partitions);
    const query = { type: 'await', key, ticket } as const;
    user.call({ type: 'read', p, query, deadline: user.now + 2000 }, (outcome) => {
      const lock = rowOf(outcome);
      const holder = lock?.holders.find((h) => h.ticket === ticket);
      const waits = lock === null || lock?.queue.some((w) => w.ticket === ticket) === true;
      if (holder !== undefined) this.#renew(wish, holder.token);
      else if (user.now < until && !user.stopping && waits) this.#await(wish, ticket, until);
      else {
        const op = { type: 'leave' as const, key, ticket };
        user.call({ type: 'write', op, deadline: user.deadline() }, () => user.next());
      }
    });
  }

  /** When it was granted is not known: only a renewal proves that it is held, from its sending on. */
  #renew(wish: Wish, token: number): void {
    const user = this.#user;
    const sent = user.now;
    const op = { type: 'renew', key: wish.key, token } as const;
    user.call({ type: 'write', op, deadline: sent + wish.ttl }, (outcome) => {
      if (outcome.type === 'written') this.#hold(wish, token, sent);
      else user.next();
    });
  }

  /** Proven from now on until `ttl` after `since`, less what clocks may differ by. */
  #hold({ key, ttl, permits, asked }: Wish, token: number, since: number): void {
    const user = this.#user;
    const from = user.now;
    const until = since + ttl * (1 - 0.02);
    const released = Math.min(until, from + user.random.next() * ttl * 1.2);
    user.count(permits > 1 ? 'semaphores held' : 'held');
    if (released > from)
      user.history.holdings.push({
        client: user.index,
        lock: key,
        permits,
        token,
        asked,
        from,
        until: released,
      });
    // A holder that was paused writes when its time is over, and the fence is what saves the data.
    const write = user.random.chance(0.3) ? until + user.random.next() * 4000 : from;
    const release = (): void => {
      user.world.queue.after(Math.max(0, released - user.now), () => {
        if (user.stopping) return;
        const op = { type: 'release' as const, key, token };
        if (user.random.chance(0.2)) user.next();
        else user.call({ type: 'write', op, deadline: user.deadline() }, () => user.next());
      });
    };
    // At the end of a run nobody waits for what begins only now: its partition may be lost.
    user.world.queue.after(Math.max(0, write - from), () => {
      if (!user.stopping) this.#write(key, token, release);
    });
  }

  #write(lock: string, token: number, go: () => void): void {
    const user = this.#user;
    const key = `fenced-${lock}`;
    const start = user.now;
    const op = { type: 'put' as const, key, value: `${token}`, fence: { name: lock, token } };
    user.change(
      { type: 'write', op, deadline: user.deadline() },
      (how) => {
        const of = { client: user.index, key, token, start, end: how.end };
        if (how.type === 'done')
          user.history.fenced.push({ ...of, outcome: 'ok', version: how.result.version ?? 0 });
        else if (how.type === 'unknown') user.history.fenced.push({ ...of, outcome: 'unknown', version: 0 });
        else if (how.code === 'fenced') {
          user.history.fenced.push({ ...of, outcome: 'fenced', version: 0 });
          user.count('fenced off');
        }
      },
      go,
    );
  }
}

function rowOf(outcome: Outcome): Extract<Row, { kind: 'lock' }> | null | undefined {
  if (outcome.type !== 'read' || outcome.result.type !== 'rows') return null;
  const row = outcome.result.rows[0]?.[1];
  return row?.kind === 'lock' ? row : undefined;
}
