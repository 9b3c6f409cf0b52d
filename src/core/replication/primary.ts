import { limits } from '../../limits.js';
import type { Applied } from '../machine/machine.js';
import type { Command } from '../machine/types.js';
import { type NodeId, type PartitionConfig, type Process, type ReplicaId, replicaId } from '../map/types.js';
import type { ClientRequest, PeerMessage } from '../messages.js';
import { type TxHost, TxLead } from '../transaction/tx-lead.js';
import { Admission } from './admission.js';
import type { LedReplica, ReplicaContext } from './context.js';
import { Handover } from './handover.js';
import { InSyncSet } from './in-sync-set.js';
import { LockExpiry } from './lock-expiry.js';
import type { LogEntry } from './log.js';
import { LogShipping } from './log-shipping.js';
import { Pipeline } from './pipeline.js';
import { type Desk, Requests } from './requests.js';
import type { Stream } from './stream.js';

/**
 * What a replica does while it is primary of an epoch: takes requests in, gives them their order, commits, and answers (PROTOCOL.md R2 to
 * R11). How the log gets to the others, who is in sync, hand-overs, locks and transactions have rooms of their own; this one binds them.
 */
export class Primary {
  readonly epoch: number;
  /** The barrier of this epoch; nothing is served before it is committed. */
  readonly barrierSeq: number;
  readonly startedAt: number;
  #ended = false;
  readonly #replica: LedReplica;
  readonly #ctx: ReplicaContext;
  readonly #shipping: LogShipping;
  readonly #set: InSyncSet;
  readonly #handover: Handover;
  readonly #locks: LockExpiry;
  readonly #pipeline: Pipeline;
  readonly #admission: Admission;
  readonly #tx: TxLead;
  readonly #requests: Requests;

  constructor(replica: LedReplica, ctx: ReplicaContext) {
    this.#replica = replica;
    this.#ctx = ctx;
    const { epoch } = replica.config;
    this.epoch = epoch;
    this.barrierSeq = replica.log.tailSeq + 1;
    this.startedAt = ctx.now;
    this.#shipping = new LogShipping(replica, ctx, epoch, this.barrierSeq);
    this.#set = new InSyncSet(replica, ctx, this.#shipping, () => this.advance());
    this.#handover = new Handover(replica, ctx, epoch, this.#shipping, this.#set);
    this.#pipeline = new Pipeline(replica, ctx, this.#set, epoch, this.barrierSeq);
    this.#admission = new Admission(replica, ctx, this.#set, this.#pipeline);
    this.#locks = new LockExpiry(
      replica,
      ctx,
      this.barrierSeq,
      (command) => this.#accept(command, []),
      (origin, query) => this.#requests.answerRead(origin, query),
    );
    this.#tx = new TxLead(this.#txHost());
    this.#requests = new Requests(replica, ctx, this.#desk());
  }

  #desk(): Desk {
    const primary = this;
    return {
      set: this.#set,
      admission: this.#admission,
      pipeline: this.#pipeline,
      locks: this.#locks,
      tx: this.#tx,
      get serving() {
        return primary.serving;
      },
      accept: (command, origins) => primary.#accept(command, origins),
      again: (origin, request) => primary.handle(origin, request),
    };
  }

  #txHost(): TxHost {
    const primary = this;
    const ctx = this.#ctx;
    const replica = this.#replica;
    return {
      p: replica.p,
      epoch: this.epoch,
      since: this.startedAt,
      rules: ctx.rules,
      get partitions() {
        return ctx.map.partitions.length;
      },
      get now() {
        return ctx.now;
      },
      get machine() {
        return replica.machine;
      },
      get open() {
        return primary.serving && !primary.#handover.isOn && !primary.#ended;
      },
      get enoughInSync() {
        return primary.enoughInSync;
      },
      current: () => !primary.#handover.isPublished && primary.holdsLeases(),
      mayWrite: () => primary.#requests.mayWrite(),
      noRoom: (growth) => primary.#admission.noRoom(growth),
      append: (command) => primary.#accept(command, []),
      tell: (p, message) => ctx.tell(p, message),
      reply: (origin, response) =>
        response.ok ? primary.#pipeline.reply([origin], response) : ctx.reply(origin, response),
      reached: (step, tx) => ctx.reached(step, tx),
    };
  }

  /** The transactions of this partition. */
  get tx(): TxLead {
    return this.#tx;
  }

  /** Its barrier is committed: it may answer. */
  get serving(): boolean {
    return this.#shipping.serving;
  }

  get streams(): ReadonlyMap<ReplicaId, Stream> {
    return this.#shipping.streams;
  }

  start(): void {
    this.configured();
  }

  /** Nobody else will answer those who wait: they are told that the fate of their request is open. */
  end(): void {
    this.#ended = true;
    const why = 'the partition has another primary now';
    const moved = this.#admission.refuse('moved', why, true);
    this.#pipeline.end(moved);
    for (const origin of this.#tx.end()) this.#ctx.reply(origin, moved);
    // Those were never taken in.
    const elsewhere = this.#admission.refuse('moved', why);
    for (const origin of this.#locks.end()) this.#ctx.reply(origin, elsewhere);
    for (const { origin } of this.#handover.takeParked()) this.#ctx.reply(origin, elsewhere);
    this.#shipping.end();
  }

  // ---- configuration

  /** The map says something new of this partition in this epoch, or of the members. */
  configured(): void {
    this.#shipping.configured();
    this.#set.setRequired();
    this.#pipeline.releaseHeld();
    this.advance();
  }

  /** What this primary would like the map to say instead; null: nothing. */
  wants(): PartitionConfig | null {
    const { config, pending } = this.#replica;
    if (config.epoch !== this.epoch || pending !== null || this.#isStuckItself()) return null;
    return this.#handover.isOn ? this.#handover.proposedConfig() : this.#set.proposedConfig();
  }

  /** Its own disk holds up everything: that is no reason to remove others. */
  #isStuckItself(): boolean {
    const { log, durable, commit } = this.#replica;
    return this.#ctx.isDiskSlow && durable <= commit && log.tailSeq > commit;
  }

  /** The publish that carries what it wants has been handed to the metastore. */
  asked(): void {
    this.#handover.onPublishSent();
    if (!this.#ctx.rules.shrinkAfterConfirm) {
      this.#set.setRequired();
      this.advance();
    }
  }

  /** A publish has ended, one way or the other. */
  settled(): void {
    this.configured();
    if (this.#handover.isFailed()) this.#goOn();
  }

  get yielding(): boolean {
    return this.#handover.isOn;
  }

  /** It is about to be ready to hand over. */
  get draining(): boolean {
    return this.#handover.isDraining;
  }

  #considerYielding(): void {
    if (!this.#handover.isOn) this.#handover.consider(() => this.#tx.finish());
    else if (this.#handover.isStuck) {
      // Unknown whether another acts by now: refuse rather than wait on. Else it was a slow disk, or the other died.
      if (this.#handover.isPublished) this.#refuseParked();
      else this.#goOn();
    }
  }

  /** The hand-over did not come about: this replica is primary still, and takes up what came in. */
  #goOn(): void {
    this.#handover.giveUp();
    this.#unpark();
  }

  #unpark(): void {
    for (const { origin, request } of this.#handover.takeParked()) this.handle(origin, request);
  }

  #refuseParked(): void {
    const refusal = this.#admission.refuse('unavailable', this.#handover.whyParked);
    for (const { origin } of this.#handover.takeParked()) this.#ctx.reply(origin, refusal);
  }

  // ---- requests

  /** R5, counting a removal that is not confirmed yet as done. */
  get enoughInSync(): boolean {
    return this.#set.isEnough;
  }

  /** Does it take writes: are enough replicas in sync, and do they answer? */
  get isWritable(): boolean {
    return this.serving && this.#set.isEnough && this.#set.answering >= this.#ctx.map.settings.minInSync;
  }

  handle(origin: number, request: ClientRequest): void {
    if (this.#handover.isOn || !this.serving) {
      const fate = this.#handover.park(origin, request);
      if (fate === 'refuse')
        this.#ctx.reply(origin, this.#admission.refuse('unavailable', this.#handover.whyParked));
      if (fate !== 'handle') return;
    }
    this.#requests.handle(origin, request);
  }

  #accept(command: Command, origins: readonly number[]): void {
    // What waits to be finished rides along with any other entry (decision 0028).
    this.#tx.finish();
    this.#pipeline.append(command, origins);
    if (!this.#ctx.rules.replyAfterReplication) this.advance();
  }

  // ---- answers

  /** An entry was applied: its answer goes to whoever waits for it. */
  answer(entry: LogEntry, applied: Applied): void {
    this.#pipeline.applied(entry, applied, () => this.#admission.sessionsFull);
    this.#took(entry.command, applied, entry.seq);
  }

  /** What an entry means for locks and transactions. */
  #took(command: Command, applied: Applied, seq: number): void {
    switch (command.type) {
      case 'prepare':
        if (applied.type === 'vote') this.#tx.voted(command, applied.vote);
        break;
      case 'stage':
      case 'decide':
      case 'abort':
        if (applied.type === 'decided') this.#tx.decided(command.tx, applied, seq);
        else this.#tx.staged(command.tx);
        break;
      case 'finish':
        this.#tx.finished(command);
        break;
      case 'op':
        if (command.op.type === 'renew' && applied.type === 'op' && applied.result.ok)
          this.#locks.renewed(command.op.key, command.op.token);
        if (command.op.type === 'release' || command.op.type === 'leave') this.#locks.answerAwaiting();
        break;
      case 'lapse':
        this.#locks.lapsed(command.lock, command.ticket);
        break;
    }
  }

  /** Does every other member of M promise, as of now, not to act in another epoch? */
  holdsLeases(): boolean {
    return this.#set.holdsLeases();
  }

  // ---- replication

  /** Moves the commit point to what all of M has on disk. */
  advance(): void {
    const replica = this.#replica;
    if (this.#ended) return;
    const ctx = this.#ctx;
    const point = this.#set.durableEverywhere();
    if (ctx.rules.commitsFromBarrier && point < this.barrierSeq) return;
    if (point <= replica.commit) return;
    // R10: whoever was told that it is primary must have lost its leases before anything is committed here.
    if (!replica.graceIsOver()) return;
    replica.commitTo(point);
    this.#set.onCommit();
    this.#shipping.serving = true;
    replica.agreesThrough(this.barrierSeq);
    if (this.#handover.hasParked && !this.#handover.isOn) this.#unpark();
    if (this.#handover.isDrained()) ctx.reconsider();
  }

  attach(stream: Stream): void {
    this.#shipping.attach(stream);
  }

  relinked(node: NodeId): void {
    this.#shipping.relinked(node);
  }

  onAck(from: ReplicaId, epoch: number, id: number, match: number): void {
    if (epoch !== this.epoch) return;
    const stream = this.#shipping.onAck(from, id, match);
    if (stream === null) return;
    this.advance();
    if (this.#handover.isTo(stream.replica) && this.#handover.isDrained()) this.#ctx.reconsider();
    if (stream.next <= this.#replica.log.tailSeq) this.#ctx.touch(this.#replica);
  }

  onReject(m: Extract<PeerMessage, { type: 'reject' }>): void {
    if (m.epoch === this.epoch) this.#shipping.onReject(m);
  }

  onSnapshotAck(m: Extract<PeerMessage, { type: 'snapshot-ack' }>): void {
    if (m.epoch === this.epoch) this.#shipping.onSnapshotAck(m);
  }

  onTailAsk(node: NodeId): void {
    this.#shipping.onTailAsk(node);
  }

  oldestNeeded(): number {
    return this.#shipping.oldestNeeded();
  }

  copiedTo(replica: ReplicaId): number {
    return this.#shipping.copiedTo(replica);
  }

  flush(): void {
    this.#shipping.flush();
  }

  // ---- time

  /** `from` granted the heartbeat sent at `sentAt` for this partition in this epoch. */
  onLease(from: Process, sentAt: number): void {
    const { streams } = this.#shipping;
    const exact = streams.get(replicaId(from.node, from.store));
    const stream = this.#ctx.rules.wipedDiskIsAnotherReplica
      ? exact
      : [...streams.values()].find((s) => s.node === from.node);
    if (stream !== undefined && sentAt > stream.leaseFrom) stream.leaseFrom = sentAt;
  }

  /** The clock stood still while time went on: no lease can be trusted any more. */
  dropLeases(): void {
    for (const stream of this.#shipping.streams.values()) stream.leaseFrom = Number.NEGATIVE_INFINITY;
  }

  mayClaim(): boolean {
    return this.#set.mayClaim();
  }

  onClaimWithheld(): void {
    this.#set.onClaimWithheld();
  }

  tick(): void {
    if (!this.serving && this.#ctx.now - this.startedAt >= limits.handoverMs) this.#refuseParked();
    this.#requests.leaseFlag = this.holdsLeases();
    this.#set.watchLaggards();
    this.#set.dropDeadCandidates();
    this.#considerYielding();
    this.advance();
    this.#tx.tick();
    if (this.serving && !this.#handover.isOn) this.#locks.tick();
    this.#locks.answerAwaiting();
    this.#shipping.tick();
  }

  /** Logs the end of sessions nobody has used for long, as far as this process has seen, as primary or backup. */
  expireSessions(): void {
    if (!this.serving || !this.enoughInSync || this.#handover.isOn) return;
    const { now } = this.#ctx;
    for (const session of this.#replica.machine.sessionIds()) {
      const last = this.#replica.lastActive.get(session);
      if (last === undefined) this.#replica.lastActive.set(session, now);
      else if (now - last >= this.#ctx.tuning.sessionIdleMs) {
        this.#replica.lastActive.set(session, now);
        this.#accept({ type: 'expire', session }, []);
      }
    }
  }
}
