import { limits } from '../../limits.js';
import { handedOver } from '../map/changes.js';
import { nodeOf, type PartitionConfig, type ReplicaId, replicaId } from '../map/types.js';
import type { ClientRequest } from '../messages.js';
import type { LedReplica, ReplicaContext } from './context.js';
import type { InSyncSet } from './in-sync-set.js';
import { type LogShipping, nearTail } from './log-shipping.js';
import type { Stream } from './stream.js';

/** A hand-over under way (section 2): nothing new is admitted, what was is drained, then it is published, then nothing is read. */
interface Yielding {
  readonly to: ReplicaId;
  readonly since: number;
  /** The publish has been handed out: from now on another may act. */
  published: boolean;
}

/** A request, and who asked. */
export interface Parked {
  readonly origin: number;
  readonly request: ClientRequest;
}

/** How long a publish waits for hand-overs that have just begun, so that they can be in it, in ms. */
const drainMs = 50;

/**
 * Makes another replica primary, as placement wants it, without a moment in which two may act (PROTOCOL.md section 2, step 2). Keeps what
 * clients ask meanwhile, and also what they ask before a new primary is ready.
 */
export class Handover {
  #yielding: Yielding | null = null;
  /** No hand-over before this, on this clock: the last one failed. */
  #notBefore = 0;
  /** What came in during a hand-over, or before this new primary was ready, in order. */
  #parked: Parked[] = [];
  readonly #startedAt: number;
  readonly #epoch: number;
  readonly #replica: LedReplica;
  readonly #ctx: ReplicaContext;
  readonly #shipping: LogShipping;
  readonly #set: InSyncSet;

  constructor(
    replica: LedReplica,
    ctx: ReplicaContext,
    epoch: number,
    shipping: LogShipping,
    set: InSyncSet,
  ) {
    this.#replica = replica;
    this.#ctx = ctx;
    this.#epoch = epoch;
    this.#shipping = shipping;
    this.#set = set;
    this.#startedAt = ctx.now;
  }

  /** It is under way. */
  get isOn(): boolean {
    return this.#yielding !== null;
  }

  /** Its publish has been handed out: another may act by now. */
  get isPublished(): boolean {
    return this.#yielding?.published === true;
  }

  /** It has just begun, and is about to be ready for its publish. */
  get isDraining(): boolean {
    const yielding = this.#yielding;
    return yielding !== null && this.#ctx.now - yielding.since < drainMs && !this.isDrained();
  }

  /** Is that replica to be primary next? */
  isTo(replica: ReplicaId): boolean {
    return this.#yielding?.to === replica;
  }

  /** Who ought to be primary instead of this replica, as placement has it, and could be immediately; null: nobody. */
  #successor(): Stream | null {
    const ctx = this.#ctx;
    const { target } = this.#replica.config;
    if (target[0] === ctx.node) return null;
    for (const [rank, node] of target.entries()) {
      // Once it is in the placement itself, a primary yields to the first choice only.
      if (rank > 0 && target.includes(ctx.node)) return null;
      const member = ctx.map.members[node];
      const stream = member && this.#shipping.streams.get(replicaId(node, member.store));
      if (stream === undefined || !this.#set.holdsLease(stream) || ctx.isReplicaGone(stream.replica))
        continue;
      // A store's first start has granted nothing to anyone; any other counts as a grant, and would have to wait for R10.
      const patience = member?.incarnation === 1 ? 0 : ctx.timings.graceMs * (1 + 2 * ctx.timings.drift);
      const since = stream.state === 'replicate' ? stream.inSyncSince : null;
      if (since === null || ctx.now - since < Math.max(patience, limits.handoverAfterMs)) {
        // While the first choice is on its way, yielding to another would only make it two hand-overs.
        if (rank === 0 && stream.stalledSince === null) return null;
        continue;
      }
      if (stream.match >= this.#replica.log.tailSeq - nearTail) return stream;
    }
    return null;
  }

  /** Should one begin now? `finish` is called before nothing more is admitted. */
  consider(finish: () => void): void {
    const ctx = this.#ctx;
    if (!this.#shipping.serving || this.#replica.pending !== null) return;
    if (this.#replica.config.epoch !== this.#epoch) return;
    if (ctx.quiesced || ctx.now < this.#notBefore || !this.#set.isEnough) return;
    for (const stream of this.#shipping.streams.values()) if (stream.candidate) return;
    const to = this.#successor();
    if (to === null || !ctx.mayYield()) return;
    finish();
    this.#yielding = { to: to.replica, since: ctx.now, published: false };
    ctx.reconsider();
  }

  /** It takes so long that clients must not wait for it any more. */
  get isStuck(): boolean {
    return this.#yielding !== null && this.#ctx.now - this.#yielding.since >= limits.handoverMs;
  }

  /** Everything admitted is committed, and the successor has it. */
  isDrained(): boolean {
    const { log, commit } = this.#replica;
    const stream = this.#yielding === null ? undefined : this.#shipping.streams.get(this.#yielding.to);
    return stream !== undefined && commit === log.tailSeq && stream.match === log.tailSeq;
  }

  /** What the map should say; null: it is not drained, or its successor has gone. */
  proposedConfig(): PartitionConfig | null {
    if (this.#yielding === null || !this.isDrained()) return null;
    const { to } = this.#yielding;
    const { node, store, incarnation, map } = this.#ctx;
    const member = map.members[nodeOf(to)];
    if (member === undefined || replicaId(member.id, member.store) !== to) return null;
    return handedOver(this.#replica.config, to, member.incarnation, { node, store, incarnation });
  }

  onPublishSent(): void {
    if (this.#yielding !== null) this.#yielding.published = true;
  }

  /** The publish did not take effect. True: it has to be given up; when only another's publish came first, it is tried again. */
  isFailed(): boolean {
    const yielding = this.#yielding;
    if (yielding?.published !== true) return false;
    if (!this.#mayTryAgain(yielding)) return true;
    yielding.published = false;
    return false;
  }

  #mayTryAgain({ since, to }: Yielding): boolean {
    return this.#ctx.now - since < limits.handoverMs / 2 && this.#successor()?.replica === to;
  }

  /** The hand-over did not come about: this replica is primary still. */
  giveUp(): void {
    this.#yielding = null;
    this.#notBefore = this.#ctx.now + limits.handoverMs;
  }

  // ---- what clients ask meanwhile

  /**
   * What becomes of a request that comes now: `handle` it, keep it until the hand-over has ended or this new primary is ready
   * (`parked`), or `refuse` it. During a hand-over a read is answered as long as nobody else can act.
   */
  park(origin: number, request: ClientRequest): 'handle' | 'parked' | 'refuse' {
    const since = this.#yielding?.since ?? this.#startedAt;
    if (this.#yielding?.published === false && request.type === 'read') return 'handle';
    if (this.#ctx.now - since >= limits.handoverMs) return this.#yielding === null ? 'handle' : 'refuse';
    if (this.#parked.length >= this.#ctx.tuning.pipelineEntries) return 'refuse';
    this.#parked.push({ origin, request });
    return 'parked';
  }

  /** Gives what was kept, in order, and keeps it no longer. */
  takeParked(): readonly Parked[] {
    const parked = this.#parked;
    this.#parked = [];
    return parked;
  }

  get hasParked(): boolean {
    return this.#parked.length > 0;
  }

  get whyParked(): string {
    return this.#yielding === null
      ? 'the primary is new and not ready yet'
      : 'the partition is being handed over to another primary';
  }
}
