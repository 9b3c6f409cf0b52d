import { promoted } from '../map/changes.js';
import { nodeOf, type PartitionConfig, type ReplicaId, replicaId } from '../map/types.js';
import { provenAnswers } from '../reachability.js';
import type { ReplicaContext } from './context.js';
import type { Grants } from './grants.js';
import type { ReplicaLog } from './log.js';
import type { LogCheck } from './log-check.js';

/** What a replica has to say of itself when it wants to be primary. */
export interface Candidate {
  readonly config: PartitionConfig;
  readonly promised: number;
  readonly log: ReplicaLog;
  readonly grants: Grants;
  readonly check: LogCheck;
  isMe(replica: ReplicaId): boolean;
}

/** When a replica asks to be primary of a new epoch (PROTOCOL.md R9, R9a, R9b, R12a). The map decides whether it becomes so. */
export class Candidacy {
  /** Not before this, on this clock, for the sake of order: the primary gets time to start, others of higher rank go first. */
  #notBefore: number;
  /** Drawn once for each configuration, in [0, 1). */
  #jitter: number;
  /** Since when the primary of an epoch has been proven gone, on this clock. */
  #primaryGone: { readonly epoch: number; readonly at: number } | null = null;
  readonly #startedAt: number;
  readonly #replica: Candidate;
  readonly #ctx: ReplicaContext;

  constructor(replica: Candidate, ctx: ReplicaContext, startedAt: number) {
    this.#replica = replica;
    this.#ctx = ctx;
    this.#startedAt = startedAt;
    this.#notBefore = startedAt + ctx.timings.graceMs;
    this.#jitter = ctx.random();
  }

  /** Another is primary of a new epoch. */
  onOtherPrimary({ handover }: PartitionConfig): void {
    this.#jitter = this.#ctx.random();
    // Who was handed the epoch is as good as it gets: it may only not have heard yet.
    const { beaconMs, graceMs } = this.#ctx.timings;
    this.#notBefore = this.#ctx.now + (handover === null ? beaconMs * 2 : graceMs);
  }

  /** The configuration with this replica as primary, when it is time to ask for it; else null. */
  proposedConfig(): PartitionConfig | null {
    const { config, promised } = this.#replica;
    // It could not make its barrier durable, and would keep those from leading whose disks answer.
    if (this.#ctx.isDiskSlow) return null;
    if (this.#replica.isMe(config.primary)) {
      if (!this.reachesEnough()) return null;
      // A restarted primary always promotes itself to a new epoch before it serves.
      return config.epoch >= promised && this.#mayLead() ? promoted(config, config.primary) : null;
    }
    if (!this.#wantsPromotion()) return null;
    const mine = config.inSync.find((r) => this.#replica.isMe(r)) ?? this.#ctx.me;
    return promoted(config, mine);
  }

  /** R9, with R12a. */
  #wantsPromotion(): boolean {
    const { config, promised, grants } = this.#replica;
    const ctx = this.#ctx;
    // First what says no while all is well: every replica is asked at every tick.
    if (!this.graceIsOver() || config.epoch < promised) return false;
    if (!config.inSync.some((r) => this.#replica.isMe(r))) return false;
    const primaryGone = ctx.isReplicaGone(config.primary);
    const rank = this.#rank();
    // To take over from one that may well be alive, links have to be proven good.
    if (!this.reachesEnough(primaryGone ? 1 : provenAnswers)) return false;
    if (!this.#mayLead() || this.#leavesTooFew()) return false;
    if (primaryGone) return rank === 0 || ctx.now >= this.#goneSince() + (rank * ctx.timings.beaconMs) / 4;
    // Not proven gone: leave it the grace once more after each new epoch, and let the others of higher rank go first.
    const jitter = (rank + this.#jitter) * ctx.timings.beaconMs * 0.5;
    return ctx.now >= Math.max(this.#notBefore, grants.last(() => false) + this.#graceMs) + jitter;
  }

  /**
   * R9b: would fewer than min-in-sync be left without the primary, which is there and answers? Then nothing would be gained: it stalls,
   * and the map would forget that its disk is one of those that hold everything.
   */
  #leavesTooFew(): boolean {
    const ctx = this.#ctx;
    const { primary, inSync, epoch } = this.#replica.config;
    if (!ctx.rules.promoteNeedsReach || inSync.length > ctx.map.settings.minInSync) return false;
    const member = ctx.map.members[nodeOf(primary)];
    if (member === undefined || !ctx.isReachable(member.id)) return false;
    const { id: node, store, incarnation } = member;
    return this.#replica.grants.hasGranted({ node, store, incarnation }, epoch);
  }

  /** R9a: is this log whole, as far as can be known? */
  #mayLead(): boolean {
    const ctx = this.#ctx;
    const { check, log } = this.#replica;
    if (check.trust === 'checked') return true;
    if (check.trust === 'damaged' ? !ctx.rules.damagedAsksAll : !ctx.rules.startsUnchecked) return true;
    const { graceMs, beaconMs } = ctx.timings;
    const isGone = (replica: ReplicaId): boolean => ctx.isReplicaGone(replica);
    const until = this.#startedAt + graceMs;
    return check.mayLead(log.end, this.othersInSync(), isGone, ctx.now, until, 5 * beaconMs);
  }

  /** The others that may hold what this log lacks: a store that was replaced never answers again. */
  othersInSync(): ReplicaId[] {
    const { members } = this.#ctx.map;
    return this.#replica.config.inSync.filter(
      (r) => !this.#replica.isMe(r) && r === replicaId(nodeOf(r), members[nodeOf(r)]?.store ?? ''),
    );
  }

  /**
   * R9b: together with those it reaches, are there enough to take writes? Else it would lead alone, and keep those who are enough from
   * doing so. Where all others are proven gone nobody is kept from anything, and it can at least answer reads.
   */
  reachesEnough(answers = 1): boolean {
    const ctx = this.#ctx;
    if (!ctx.rules.promoteNeedsReach) return true;
    const { target, inSync } = this.#replica.config;
    let reached = 1;
    let perhaps = 0;
    for (const node of new Set([...target, ...inSync.map(nodeOf)])) {
      if (node === ctx.node) continue;
      // One that has never been started is no one to wait for.
      if (ctx.isNodeGone(node) || ctx.map.members[node]?.incarnation === 0) continue;
      if (ctx.isReachable(node, answers)) reached++;
      else perhaps++;
    }
    if (reached >= ctx.map.settings.minInSync || perhaps === 0) return true;
    ctx.probe();
    return false;
  }

  get #graceMs(): number {
    const { rules, timings } = this.#ctx;
    return rules.promoteWaitsGrace ? timings.graceMs : timings.beaconMs * 2;
  }

  /** Has everyone who was told that it is primary lost its leases, or its life? (R9, R10, R12a) */
  graceIsOver(): boolean {
    const last = this.#replica.grants.last((process) => this.#ctx.isGone(process));
    return this.#ctx.now >= last + this.#graceMs;
  }

  #goneSince(): number {
    const { epoch } = this.#replica.config;
    if (this.#primaryGone?.epoch !== epoch) this.#primaryGone = { epoch, at: this.#ctx.now };
    return this.#primaryGone.at;
  }

  /** How many in-sync replicas stand before this one in the order of placement. */
  #rank(): number {
    const { target, inSync, primary } = this.#replica.config;
    let rank = 0;
    for (const node of target) {
      if (node === this.#ctx.node) return rank;
      const replica = inSync.find((r) => nodeOf(r) === node);
      if (replica !== undefined && replica !== primary && !this.#ctx.isReplicaGone(replica)) rank++;
    }
    return rank;
  }
}
