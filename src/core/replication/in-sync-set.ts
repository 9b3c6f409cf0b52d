import { limits } from '../../limits.js';
import { sameSet } from '../map/changes.js';
import { nodeOf, type PartitionConfig, type ReplicaId, replicaId } from '../map/types.js';
import { provenAnswers } from '../reachability.js';
import type { LedReplica, ReplicaContext } from './context.js';
import { type LogShipping, nearTail } from './log-shipping.js';
import type { Stream } from './stream.js';

/**
 * Who counts, as the primary sees it: whose acks and leases are required (M of R3), who is to be removed from the in-sync set (R7) and who
 * may be added to it (R8). It proposes; what the map says is decided by the publish.
 */
export class InSyncSet {
  /** M without this replica (R3). */
  #required: Stream[] = [];
  /** When the commit point last moved, or there was nothing to commit; and when that was last looked at. */
  #commitMovedAt: number;
  #watchedAt: number;
  /** When a heartbeat last claimed nothing although this is the primary (R11a). */
  #withheldAt = Number.NEGATIVE_INFINITY;
  /** Removed because it held up the others: not to be added again before this, on this clock, and how often that was. */
  readonly #laggards = new Map<ReplicaId, { readonly until: number; readonly times: number }>();
  readonly #startedAt: number;
  readonly #replica: LedReplica;
  readonly #ctx: ReplicaContext;
  readonly #shipping: LogShipping;
  readonly #advance: () => void;

  /** `advance` is called when fewer are required, so that more may be committed. */
  constructor(replica: LedReplica, ctx: ReplicaContext, shipping: LogShipping, advance: () => void) {
    this.#replica = replica;
    this.#ctx = ctx;
    this.#shipping = shipping;
    this.#advance = advance;
    this.#startedAt = ctx.now;
    this.#commitMovedAt = ctx.now;
    this.#watchedAt = ctx.now;
  }

  get #config(): PartitionConfig {
    return this.#replica.config;
  }

  // ---- who is required now

  /** The map, a candidate or a publish has changed. */
  setRequired(): void {
    const { inSync } = this.#config;
    const pending = this.#ctx.rules.shrinkAfterConfirm ? null : this.#replica.pending;
    this.#required = [];
    for (const stream of this.#shipping.streams.values()) {
      if (inSync.includes(stream.replica)) {
        stream.candidate = false;
        stream.inSyncSince ??= this.#ctx.now;
        this.#ctx.copies.release(stream);
        if (pending === null || pending.inSync.includes(stream.replica)) this.#required.push(stream);
      } else {
        stream.inSyncSince = null;
        if (stream.candidate) this.#required.push(stream);
      }
    }
  }

  /** Up to which entry all that are required have everything on disk, this replica included. */
  durableEverywhere(): number {
    let point = this.#replica.durable;
    if (this.#ctx.rules.replyAfterReplication)
      for (const stream of this.#required) point = Math.min(point, stream.match);
    return point;
  }

  /** Does every other member of M promise, as of now, not to act in another epoch? */
  holdsLeases(): boolean {
    for (const stream of this.#required) if (!this.holdsLease(stream)) return false;
    return true;
  }

  holdsLease(stream: Stream): boolean {
    return stream.holdsLease(this.#ctx.now, this.#ctx.timings.leaseMs);
  }

  /** R5, counting a removal that is not confirmed yet as done. */
  get isEnough(): boolean {
    if (!this.#ctx.rules.minInSync) return true;
    const count = Math.min(
      this.#config.inSync.length,
      this.#replica.pending?.inSync.length ?? Number.POSITIVE_INFINITY,
    );
    return count >= this.#ctx.map.settings.minInSync;
  }

  /** How many replicas in sync, this one included, have been heard within the grace: no other can be waited for with any hope. */
  get answering(): number {
    if (!this.#ctx.rules.minInSync) return Number.POSITIVE_INFINITY;
    let count = 1;
    for (const { replica, candidate } of this.#required)
      if (!candidate && !this.#isSilentFor(replica, this.#ctx.timings.graceMs)) count++;
    return count;
  }

  // ---- what the map should say

  /** The in-sync set that this primary would like (R7, R8); null when the map's is right. */
  proposedConfig(): PartitionConfig | null {
    const ctx = this.#ctx;
    const config = this.#config;
    const present = config.inSync.filter((r) => this.#replica.isMe(r) || !this.#shouldRemove(r));
    const keep = this.#withoutLaggards(present);
    if (keep.length < config.inSync.length && keep.length < ctx.map.settings.minInSync) {
      // Below min-in-sync only repair and reads go on: give the members, or a better connected primary, more time.
      if (config.inSync.some((r) => !keep.includes(r) && !this.#isSilentFor(r, 2 * ctx.timings.graceMs)))
        return null;
      // And who is cut off leaves it to those who are enough (R9b).
      if (!this.#replica.reachesEnough(provenAnswers)) return null;
    }
    const inSync = this.#retire(keep);
    for (const stream of this.#shipping.streams.values()) {
      if (!config.inSync.includes(stream.replica) && this.#mayAdd(stream)) inSync.push(stream.replica);
    }
    return sameSet(inSync, config.inSync) ? null : { ...config, inSync };
  }

  #shouldRemove(replica: ReplicaId): boolean {
    if (this.#ctx.isReplicaGone(replica) || this.#isSilentFor(replica, this.#ctx.timings.leaseMs))
      return true;
    const since = this.#shipping.streams.get(replica)?.stalledSince ?? null;
    return since !== null && this.#ctx.now - since >= this.#ctx.timings.stallMs;
  }

  #isSilentFor(replica: ReplicaId, ms: number): boolean {
    const stream = this.#shipping.streams.get(replica);
    if (stream === undefined) return true;
    const { now, timings } = this.#ctx;
    let heard = Math.max(stream.leaseFrom, this.#startedAt);
    // One that was not asked for a lease cannot have granted any.
    if (now - this.#withheldAt < timings.leaseMs + timings.beaconMs)
      heard = Math.max(heard, this.#ctx.answeredAt(stream.node));
    return now - heard >= ms;
  }

  /** Of those that hold up the others, as many may go as leave enough to take writes. */
  #withoutLaggards(present: readonly ReplicaId[]): readonly ReplicaId[] {
    let spare = present.length - this.#ctx.map.settings.minInSync;
    return present.filter((replica) => !this.#isLaggard(replica) || spare-- <= 0);
  }

  #isLaggard(replica: ReplicaId): boolean {
    return this.#ctx.now < (this.#laggards.get(replica)?.until ?? 0);
  }

  /** Section 2, step 3: when all that placement wants are in sync, the others leave, this primary excepted. */
  #retire(keep: readonly ReplicaId[]): ReplicaId[] {
    const { target } = this.#config;
    if (!target.includes(this.#ctx.node)) return [...keep];
    const wanted = keep.filter((r) => target.includes(nodeOf(r)));
    const whole = target.every((node) => {
      const member = this.#ctx.map.members[node];
      return member !== undefined && keep.includes(replicaId(node, member.store));
    });
    if (!this.#ctx.rules.addBeforeRemove) return wanted;
    return whole && wanted.length >= this.#ctx.map.settings.minInSync ? wanted : [...keep];
  }

  /** R8: first the candidate is required, then, once it holds every committed entry and a lease, it may be published. */
  #mayAdd(stream: Stream): boolean {
    const { rules } = this.#ctx;
    if (rules.growAfterBarrier && !this.#shipping.serving) return false;
    const { log, commit } = this.#replica;
    if (!rules.growNeedsMatch) return stream.state === 'replicate';
    const alive = this.#mayBeCandidate(stream);
    if (stream.state !== 'replicate' || stream.match < log.tailSeq - nearTail || !alive) {
      if (stream.candidate && this.#replica.pending === null) {
        stream.candidate = false;
        this.setRequired();
        this.#advance();
      }
      return false;
    }
    if (!stream.candidate) {
      stream.candidate = true;
      this.#ctx.copies.release(stream);
      this.setRequired();
    }
    return stream.match >= commit;
  }

  /** It is there, and would not hold up those who are in sync. */
  #mayBeCandidate(stream: Stream): boolean {
    return this.holdsLease(stream) && !this.#ctx.isReplicaGone(stream.replica) && !this.#isKeptOut(stream);
  }

  /** It has held up the others, and those in sync can do without it for now. */
  #isKeptOut({ replica }: Stream): boolean {
    return this.#isLaggard(replica) && this.#config.inSync.length >= this.#ctx.map.settings.minInSync;
  }

  /** A candidate that was never asked for and has died must not hold up those who are in sync. */
  dropDeadCandidates(): void {
    if (this.#replica.pending !== null) return;
    let dropped = false;
    for (const stream of this.#shipping.streams.values()) {
      if (!stream.candidate || this.#mayBeCandidate(stream)) continue;
      stream.candidate = false;
      dropped = true;
    }
    if (dropped) this.setRequired();
  }

  // ---- progress

  onCommit(): void {
    this.#commitMovedAt = this.#ctx.now;
  }

  /**
   * Commits come as fast as the slowest of M. One that for seconds holds up what all others have, though it answers heartbeats, is removed
   * as if it were silent, and kept out for a while (R7).
   */
  watchLaggards(): void {
    const { now } = this.#ctx;
    const replica = this.#replica;
    const elapsed = Math.min(now - this.#watchedAt, 4 * limits.tickMs);
    this.#watchedAt = now;
    // A new primary may have to wait for leases of others to run out (R10): nobody holds it up.
    if (replica.commit === replica.log.tailSeq || !replica.graceIsOver()) this.#commitMovedAt = now;
    const stuck = now - this.#commitMovedAt >= limits.lagMs / 8 && replica.durable > replica.commit;
    const behind = stuck ? this.#required.filter((stream) => stream.match <= replica.commit).length : 0;
    // Those that could go: what all are slow with is nobody's fault.
    const spare = this.#required.length + 1 - this.#ctx.map.settings.minInSync;
    for (const stream of this.#required) {
      const blocks = behind > 0 && behind <= spare && stream.match <= replica.commit;
      stream.blockedMs = blocks ? stream.blockedMs + elapsed : Math.max(0, stream.blockedMs - elapsed / 4);
      if (stream.blockedMs < limits.lagMs || !this.#ctx.rules.laggardsLeave) continue;
      stream.blockedMs = 0;
      const times = (this.#laggards.get(stream.replica)?.times ?? 0) + 1;
      const until = now + Math.min(times, 3) * limits.lagReturnMs;
      this.#laggards.set(stream.replica, { until, times });
    }
  }

  /**
   * May heartbeats say that this is the primary (R11a)? Not while it has been able to commit nothing for long: then another is to have
   * the chance. After a while it tries again: there may be nobody who can do better.
   */
  mayClaim(): boolean {
    if (!this.#ctx.rules.claimsNeedAnswers) return true;
    const stuckMs = this.#ctx.now - this.#commitMovedAt;
    const { graceMs } = this.#ctx.timings;
    return stuckMs < limits.lagMs || stuckMs % (limits.lagMs + 2 * graceMs) < limits.lagMs;
  }

  onClaimWithheld(): void {
    this.#withheldAt = this.#ctx.now;
  }
}
