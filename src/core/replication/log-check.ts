import type { ReplicaId } from '../map/types.js';

/**
 * How far the log that a process found on its disk may be relied on.
 * `checked`: it holds everything committed, as a primary has shown, or there was nothing to find.
 * `unchecked`: the disk says that nothing is missing, and a disk that was put back to an older state says so too.
 * `damaged`: something that may have been acknowledged is missing: the end of the log was cut, or a primary found it shorter than
 * what it had counted.
 */
export type LogTrust = 'checked' | 'unchecked' | 'damaged';

/** The end of a log: later epochs come after earlier ones, then longer logs after shorter ones (the Raft thesis, §3.6.1). */
export interface LogEnd {
  readonly epoch: number;
  readonly seq: number;
}

export const isLonger = (a: LogEnd, b: LogEnd): boolean =>
  a.epoch > b.epoch || (a.epoch === b.epoch && a.seq > b.seq);

/** An unchecked log yields to a longer one for this long, in ms, after its patience: its owner may be unable to lead. */
const yieldMs = 3000;

/**
 * Finds out, after a start, whether this log holds everything committed, before its replica may lead (R9a; protocol-aware
 * recovery: Alagappan et al., FAST 2018). The log of any replica in sync that lost nothing does, so one that goes as far
 * as all others does too. It must not decide who leads: that is R9's.
 */
export class LogCheck {
  trust: LogTrust;
  /** The question whose answers count: another for each configuration, or answers could be older than who is in sync. */
  #question: number | null = null;
  #askedAt = Number.NEGATIVE_INFINITY;
  readonly #answers = new Map<ReplicaId, LogEnd & { readonly at: number }>();
  /** Checked once everything up to here is durable. */
  #through: number | null = null;

  constructor(trust: LogTrust) {
    this.trust = trust;
  }

  get done(): boolean {
    return this.trust === 'checked';
  }

  /** Entries that were counted are missing. */
  foundDamaged(): void {
    this.trust = 'damaged';
    this.#through = null;
  }

  /** The log is a primary's up to `seq`, and that primary's epoch has begun before: checked when that is durable. */
  agreesThrough(seq: number): void {
    if (!this.done && (this.#through === null || seq < this.#through)) this.#through = seq;
  }

  /** Everything up to `seq` is on this disk. True when the log is checked by that. */
  durable(seq: number): boolean {
    if (this.done || this.#through === null || seq < this.#through) return false;
    this.trust = 'checked';
    return true;
  }

  /** The configuration has changed: earlier answers say nothing of it. */
  reconfigured(): void {
    this.#question = null;
    this.#answers.clear();
    this.#askedAt = Number.NEGATIVE_INFINITY;
  }

  /** The number of the question to send to the others now; null: not yet again. `fresh` makes a number never used before. */
  ask(now: number, everyMs: number, fresh: () => number): number | null {
    if (now - this.#askedAt < everyMs) return null;
    this.#askedAt = now;
    this.#question ??= fresh();
    return this.#question;
  }

  answered(from: ReplicaId, question: number, end: LogEnd, now: number): void {
    if (question === this.#question) this.#answers.set(from, { ...end, at: now });
  }

  /**
   * May its replica lead, whose log ends at `mine`? A damaged log only when all others of the in-sync set have said within `freshMs` that
   * theirs go no further. An unchecked one waits for those that can answer until `patienceEnds`, and yields to a longer log as
   * long as its owner goes on answering, up to a bound.
   */
  mayLead(
    mine: LogEnd,
    others: readonly ReplicaId[],
    isGone: (replica: ReplicaId) => boolean,
    now: number,
    patienceEnds: number,
    freshMs: number,
  ): boolean {
    if (this.done) return true;
    return others.every((replica) => {
      const answer = this.#answers.get(replica);
      const isFresh = answer !== undefined && now - answer.at < freshMs;
      if (this.trust === 'damaged') return isFresh && !isLonger(answer, mine);
      if (answer === undefined) return isGone(replica) || now >= patienceEnds;
      return !isLonger(answer, mine) || !isFresh || now >= patienceEnds + yieldMs;
    });
  }
}
