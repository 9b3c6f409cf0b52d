import { limits } from '../../limits.js';
import { TurnoverMap } from '../../util/turnover.js';
import type { Applied } from '../machine/machine.js';
import type { Command, SessionId } from '../machine/types.js';
import type { ClientResponse, Refusal } from '../messages.js';
import type { LedReplica, ReplicaContext } from './context.js';
import type { InSyncSet } from './in-sync-set.js';
import type { LogEntry } from './log.js';

/** A committed answer that waits until enough replicas are in sync (R5). */
interface Held {
  readonly origins: readonly number[];
  readonly response: ClientResponse;
}

/** What a primary has taken in: from its entry in the log to the answer that its client gets (PROTOCOL.md R4, R5). */
export class Pipeline {
  /** About the size of the entries accepted in this epoch and not yet committed. */
  bytes = 0;
  /** Who waits for which entry. */
  readonly #waiters = new TurnoverMap<number, number[]>();
  /** The uncommitted operations: the first place where a duplicate is looked up. */
  readonly #operations = new TurnoverMap<string, number>();
  #held: Held[] = [];
  readonly #replica: LedReplica;
  readonly #ctx: ReplicaContext;
  readonly #set: InSyncSet;
  readonly #epoch: number;
  readonly #barrierSeq: number;

  constructor(replica: LedReplica, ctx: ReplicaContext, set: InSyncSet, epoch: number, barrierSeq: number) {
    this.#replica = replica;
    this.#ctx = ctx;
    this.#set = set;
    this.#epoch = epoch;
    this.#barrierSeq = barrierSeq;
  }

  get isFull(): boolean {
    const waiting = this.#replica.log.tailSeq - this.#replica.commit;
    return waiting >= this.#ctx.tuning.pipelineEntries || this.bytes >= limits.pipelineBytes;
  }

  /** Adds an entry to the log; those origins get its answer. */
  append(command: Command, origins: readonly number[]): void {
    const entry = this.#replica.appendEntry(command, this.#epoch);
    this.bytes += entry.size;
    if (command.type === 'op') this.#operations.set(`${command.session}:${command.n}`, entry.seq);
    if (origins.length > 0) this.#waiters.set(entry.seq, [...origins]);
    this.#ctx.touch(this.#replica);
  }

  /** Has that operation not been applied yet? Then its answer goes to this origin, too. */
  join(session: SessionId, n: number, origin: number): boolean {
    const seq = this.#operations.get(`${session}:${n}`);
    if (seq === undefined) return false;
    this.#waiters.get(seq)?.push(origin);
    return true;
  }

  /** An entry was applied: its answer goes to whoever waits for it. `full`: the refusal of one more session. */
  applied({ seq, command, size }: LogEntry, applied: Applied, full: () => Refusal): void {
    if (seq > this.#barrierSeq) this.bytes -= size;
    if (command.type === 'op') this.#operations.delete(`${command.session}:${command.n}`);
    const origins = this.#waiters.get(seq);
    this.#waiters.delete(seq);
    if (origins !== undefined) this.reply(origins, responseTo(applied, full));
  }

  /** Answers what is committed as soon as enough are in sync (R5). */
  reply(origins: readonly number[], response: ClientResponse): void {
    if (this.#set.isEnough) for (const origin of origins) this.#ctx.reply(origin, response);
    else this.#held.push({ origins, response });
  }

  /** More may be in sync by now. */
  releaseHeld(): void {
    if (this.#held.length === 0 || !this.#set.isEnough) return;
    const held = this.#held;
    this.#held = [];
    for (const { origins, response } of held) for (const origin of origins) this.#ctx.reply(origin, response);
  }

  /** Nobody else will answer those who wait. */
  end(moved: Refusal): void {
    for (const origins of this.#waiters.values())
      for (const origin of origins) this.#ctx.reply(origin, moved);
    for (const { origins } of this.#held) for (const origin of origins) this.#ctx.reply(origin, moved);
    this.#waiters.clear();
    this.#held = [];
  }
}

function responseTo(applied: Applied, full: () => Refusal): ClientResponse {
  switch (applied.type) {
    case 'op':
    case 'decided':
      return { ok: true, type: 'write', result: applied.result };
    case 'opened':
      return { ok: true, type: 'open', session: applied.session };
    case 'refused-open':
      return full();
    case 'vote':
    case 'closed':
    case 'none':
      return { ok: true, type: 'close' };
  }
}
