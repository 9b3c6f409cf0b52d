import { limits } from '../../limits.js';
import { TurnoverMap, TurnoverSet } from '../../util/turnover.js';
import type { Command, Query } from '../machine/types.js';
import type { LedReplica, ReplicaContext } from './context.js';

type AwaitQuery = Extract<Query, { type: 'await' }>;

/** A ticket's place at a lock. Whatever is in either, no other two make the same. */
const placeOf = (lock: string, ticket: string): string => `${lock.length}:${lock}${ticket}`;

/**
 * Time for locks (PROTOCOL.md section 6): it runs at the primary alone, and enters the log as `lapse`. Also keeps the questions of those
 * who wait in a queue until there is news for them.
 */
export class LockExpiry {
  /** When holders, and those who wait, run out of time, by lock and ticket. */
  readonly #lapses = new TurnoverMap<string, number>();
  readonly #lapsing = new TurnoverSet<string>();
  /** Questions for a place in a queue, kept until there is news. */
  #awaiting: { readonly origin: number; readonly query: AwaitQuery; readonly until: number }[] = [];
  readonly #replica: LedReplica;
  readonly #ctx: ReplicaContext;
  readonly #startedAt: number;
  /** It is the first epoch of the partition: no lock can have been held before. */
  readonly #isFirst: boolean;
  readonly #accept: (command: Command) => void;
  readonly #answer: (origin: number, query: Query) => void;

  constructor(
    replica: LedReplica,
    ctx: ReplicaContext,
    barrierSeq: number,
    accept: (command: Command) => void,
    answer: (origin: number, query: Query) => void,
  ) {
    this.#replica = replica;
    this.#ctx = ctx;
    this.#startedAt = ctx.now;
    this.#isFirst = barrierSeq === 1;
    this.#accept = accept;
    this.#answer = answer;
  }

  /** Gives those who wait for an answer. */
  end(): number[] {
    const origins = this.#awaiting.map(({ origin }) => origin);
    this.#awaiting = [];
    return origins;
  }

  renewed(name: string, token: number): void {
    const holder = this.#replica.machine.rows.get('lock', name)?.holders.find((h) => h.token === token);
    if (holder !== undefined) this.#lapses.set(placeOf(name, holder.ticket), this.#ctx.now + holder.ttl);
  }

  lapsed(lock: string, ticket: string): void {
    this.#lapsing.delete(placeOf(lock, ticket));
    this.answerAwaiting();
  }

  /** Logs the end of those whose time is over. Whoever is new here, or was here when this primary began, gets its full time from now on. */
  tick(): void {
    const { now, rules } = this.#ctx;
    const present = new Set<string>();
    const look = (name: string, ticket: string, ms: number, renewed: number): void => {
      const kind = renewed === 0 ? '?' : '';
      const id = placeOf(name, ticket);
      // A waiter that was granted the lock begins anew.
      const key = `${kind}${id}`;
      present.add(key);
      let at = this.#lapses.get(key);
      if (at === undefined) {
        at = now + (rules.locksOutliveFailover || this.#isFirst ? ms : this.#sinceFailover(ms));
        this.#lapses.set(key, at);
      }
      if (now < at || this.#lapsing.has(id)) return;
      this.#lapsing.add(id);
      this.#accept({ type: 'lapse', lock: name, ticket, renewed });
    };
    for (const [name, { holders, queue }] of this.#replica.machine.rows.of('lock')) {
      for (const { ticket, ttl, renewed } of holders) look(name, ticket, ttl, renewed);
      for (const { ticket } of queue) look(name, ticket, limits.lockWaiterMs, 0);
    }
    for (const key of this.#lapses.keys()) if (!present.has(key)) this.#lapses.delete(key);
  }

  /** Only for the variant that takes a lock found at a failover for expired. */
  #sinceFailover(ms: number): number {
    return this.#ctx.now - this.#startedAt < 200 ? 0 : ms;
  }

  await(origin: number, query: AwaitQuery): void {
    const { now } = this.#ctx;
    // Whoever asks is still there.
    this.#lapses.set(`?${placeOf(query.key, query.ticket)}`, now + limits.lockWaiterMs);
    this.#awaiting.push({ origin, query, until: now + limits.lockAwaitMs });
    this.answerAwaiting();
  }

  /** Answers those who have the lock or no place any more, and those who have waited long enough for news. */
  answerAwaiting(): void {
    if (this.#awaiting.length === 0) return;
    const awaiting = this.#awaiting;
    this.#awaiting = [];
    const { now } = this.#ctx;
    for (const one of awaiting) {
      const lock = this.#replica.machine.rows.get('lock', one.query.key);
      const waits = lock?.queue.some((w) => w.ticket === one.query.ticket) === true;
      if (waits && now < one.until) this.#awaiting.push(one);
      else this.#answer(one.origin, one.query);
    }
  }
}
