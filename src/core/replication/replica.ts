import { limits } from '../../limits.js';
import { TurnoverMap } from '../../util/turnover.js';
import type { PartitionMachine } from '../machine/machine.js';
import type { CheckpointDelta, Command, SessionId } from '../machine/types.js';
import { sameSet } from '../map/changes.js';
import { type NodeId, nodeOf, type PartitionConfig, type Process, type ReplicaId } from '../map/types.js';
import type { Append, PeerMessage } from '../messages.js';
import type { StoredPartition } from '../records.js';
import { Candidacy, type Candidate } from './candidacy.js';
import type { LedReplica, ReplicaContext } from './context.js';
import { Copy } from './copy.js';
import { Following, type FollowingReplica } from './following.js';
import { Grants } from './grants.js';
import type { LogEntry, ReplicaLog } from './log.js';
import { LogCheck, type LogTrust } from './log-check.js';
import { Primary } from './primary.js';

/**
 * One copy of one partition, and the role it plays now (PROTOCOL.md section 1): what it holds is in `Copy`; it follows a primary
 * (`Following`), asks to be primary (`Candidacy`), or is primary (`Primary`).
 */
export class Replica implements LedReplica, FollowingReplica, Candidate {
  readonly p: number;
  readonly grants: Grants;
  /**
   * When this process last saw an operation of each session, as primary or as backup, on its clock in ms. A backup counts too, or
   * sessions would never end where primaries change more often than that.
   */
  readonly lastActive = new TurnoverMap<SessionId, number>();
  readonly check: LogCheck;
  config: PartitionConfig;
  lead: Primary | null = null;
  /** The configuration in a publish under way or of unknown outcome; null when there is none. */
  pending: PartitionConfig | null = null;
  /** A read of the map begun after the promise was made did not show that epoch (R13): the metastore was rolled back. */
  rolledBack = false;
  /** The number of the read of the map that first showed an epoch below the promise; null when none did. */
  #behindAtRead: number | null = null;
  /** The last epoch this process has asked to be primary of. A greater one with this replica as primary was another life's. */
  #asked = 0;
  /** The last epoch that this process acted in as primary. */
  #ledEpoch = 0;
  /** Since when the map in hand names this replica no more, on this clock; null: it does. */
  #unnamedSince: number | null = null;
  /** The number of the read of the map that last showed that it is not named. */
  #unnamedAtRead = 0;
  readonly #copy: Copy;
  readonly #following: Following;
  readonly #candidacy: Candidacy;
  readonly #ctx: ReplicaContext;

  constructor(
    ctx: ReplicaContext,
    p: number,
    config: PartitionConfig,
    stored: StoredPartition | null,
    startedAt: number,
    fresh: boolean,
    trust: LogTrust,
  ) {
    this.#ctx = ctx;
    this.p = p;
    this.config = config;
    // Who is not in sync, and has nothing, has nothing to miss.
    const isNew = stored === null && !this.#isInSync;
    this.check = new LogCheck(isNew && trust === 'unchecked' ? 'checked' : trust);
    this.#copy = new Copy(this, ctx, config.gen, stored);
    // A store at its first start has never granted anything to anyone.
    this.grants = new Grants(fresh || !ctx.rules.startIsGrant ? null : startedAt);
    this.#candidacy = new Candidacy(this, ctx, startedAt);
    this.#following = new Following(this, this.#copy, ctx);
    if (stored === null) {
      // What was deleted here may have promised as much, and may have been checkpointed.
      this.promise(config.epoch);
      this.#copy.beginsAnew();
    }
    this.#lookNamed();
  }

  // ---- what it holds

  get promised(): number {
    return this.#copy.promised;
  }

  get log(): ReplicaLog {
    return this.#copy.log;
  }

  get machine(): PartitionMachine {
    return this.#copy.machine;
  }

  get commit(): number {
    return this.#copy.commit;
  }

  get durable(): number {
    return this.#copy.durable;
  }

  get divergedAt(): number | null {
    return this.#following.divergedAt;
  }

  get role(): 'primary' | 'backup' | 'learner' {
    if (this.lead !== null) return 'primary';
    return this.#isInSync ? 'backup' : 'learner';
  }

  get #isInSync(): boolean {
    return this.config.inSync.some((r) => this.isMe(r));
  }

  isMe(replica: ReplicaId): boolean {
    return this.#ctx.rules.wipedDiskIsAnotherReplica
      ? replica === this.#ctx.me
      : nodeOf(replica) === this.#ctx.node;
  }

  // ---- the map

  /** A newer map says this about the partition. */
  configure(config: PartitionConfig): void {
    const before = this.config;
    this.config = config;
    if (config.epoch !== before.epoch || !sameSet(config.inSync, before.inSync)) this.check.reconfigured();
    if (config.handover !== null) {
      const { from } = config.handover;
      if (this.#ctx.rules.handoverReleasesOne) this.grants.release(from, config.epoch);
      else this.grants.releaseAll();
    }
    this.#lookNamed();
    if (config.epoch > before.epoch && !this.isMe(config.primary)) this.#candidacy.onOtherPrimary(config);
    if (this.lead !== null) {
      if (config.epoch > this.lead.epoch) this.stepDown();
      else if (config.epoch === this.lead.epoch) this.lead.configured();
    }
    if (
      this.lead === null &&
      this.isMe(config.primary) &&
      (config.epoch === this.#asked || this.#wasHanded(config)) &&
      config.epoch >= this.promised &&
      !this.rolledBack
    ) {
      this.#takeLead();
    }
  }

  /** Was this very process made primary of this epoch, in which nobody can have acted yet? */
  #wasHanded({ handover, epoch }: PartitionConfig): boolean {
    if (handover === null || epoch <= this.#ledEpoch) return false;
    return handover.to === this.#ctx.incarnation || !this.#ctx.rules.handoverNamesProcess;
  }

  #lookNamed(): void {
    if (this.config.target.includes(this.#ctx.node) || this.#isInSync) this.#unnamedSince = null;
    else this.#unnamedSince ??= this.#ctx.now;
  }

  /**
   * The read of the map with that number showed the configuration in hand. True: one more read has to show whether the metastore was
   * rolled back (R13), because the epoch there is below what was promised.
   */
  confirmed(read: number): boolean {
    if (this.#unnamedSince !== null) this.#unnamedAtRead = read;
    if (this.config.epoch >= this.promised) {
      this.#behindAtRead = null;
      this.rolledBack = false;
    } else if (this.#behindAtRead === null) {
      this.#behindAtRead = this.#ctx.reads;
      return true;
    } else if (read > this.#behindAtRead) {
      this.rolledBack = true;
      this.stepDown();
    }
    return false;
  }

  /**
   * May the copy be deleted (section 2)? The map has not named it for a while; a read begun after the last thing that it
   * stored says so still, so nobody can count on what it stored; and no lease that it granted is in force.
   */
  mayDrop(): boolean {
    if (this.#unnamedSince === null || this.lead !== null || this.pending !== null) return false;
    const { now, timings, rules } = this.#ctx;
    if (now - this.#unnamedSince < limits.dropAfterMs) return false;
    if (rules.dropNeedsFreshMap && this.#unnamedAtRead <= this.#following.readsAtStore) return false;
    return !this.#following.owesAck && now >= this.grants.last(() => false) + timings.graceMs;
  }

  drop(): void {
    this.#following.dropIncoming();
    this.#ctx.write(this, { type: 'drop', partition: this.p });
  }

  /** What this replica would like the map to say instead, if anything. Asked whenever a publish may start. */
  wants(): PartitionConfig | null {
    if (this.rolledBack) return null;
    return this.lead === null ? this.#candidacy.proposedConfig() : this.lead.wants();
  }

  /** The publish that carries `wants()` has been handed to the metastore. */
  asked(config: PartitionConfig): void {
    this.pending = config;
    if (this.lead === null) this.#asked = config.epoch;
    else this.lead.asked();
  }

  /** That publish has ended, one way or the other; the map in hand is at least as new as its outcome. */
  settled(): void {
    this.pending = null;
    if (this.lead !== null) this.lead.settled();
    this.#following.payAck();
  }

  hasAbdicated(epoch: number): boolean {
    return this.pending !== null && this.lead === null && epoch < this.pending.epoch;
  }

  // ---- is this log whole? (R9a)

  /** Asks the others how far their logs go, while that is not known and nobody leads this replica. */
  tick(): void {
    const ctx = this.#ctx;
    if (this.check.done || this.lead !== null || !this.#isInSync) return;
    // Before this start is in the map, its primary may still count what an earlier one acknowledged.
    if (!ctx.registered) return;
    const question = this.check.ask(ctx.now, ctx.timings.beaconMs, () => ctx.nextStream());
    if (question === null) return;
    for (const to of this.#candidacy.othersInSync())
      ctx.send(nodeOf(to), { type: 'tail-ask', p: this.p, to, question });
  }

  onTailAsk(from: NodeId, { to, question }: Extract<PeerMessage, { type: 'tail-ask' }>): void {
    if (!this.isMe(to)) return;
    this.lead?.onTailAsk(from);
    this.#ctx.send(from, { type: 'tail', p: this.p, from: to, question, ...this.log.end });
  }

  onTail({ from, question, epoch, seq }: Extract<PeerMessage, { type: 'tail' }>): void {
    this.check.answered(from, question, { epoch, seq }, this.#ctx.now);
    this.#ctx.reconsider();
  }

  agreesThrough(seq: number): void {
    this.check.agreesThrough(seq);
    this.#lookChecked();
  }

  #lookChecked(): void {
    if (this.check.durable(this.durable)) this.#ctx.trustChanged(this);
  }

  // ---- as primary

  reachesEnough(answers?: number): boolean {
    return this.#candidacy.reachesEnough(answers);
  }

  graceIsOver(): boolean {
    return this.#candidacy.graceIsOver();
  }

  #takeLead(): void {
    const ctx = this.#ctx;
    this.#following.end();
    this.promise(this.config.epoch);
    this.#ledEpoch = this.config.epoch;
    this.lead = new Primary(this, ctx);
    this.appendEntry({ type: 'barrier' }, this.config.epoch);
    this.lead.start();
    ctx.beaconSoon();
  }

  stepDown(): void {
    const lead = this.lead;
    if (lead === null) return;
    this.lead = null;
    lead.end();
  }

  yieldsTo(epoch: number): boolean {
    if (this.lead === null) return true;
    if (epoch <= this.lead.epoch) return false;
    this.stepDown();
    return true;
  }

  /** Accepts no epoch below this one from now on. */
  promise(epoch: number): void {
    this.#copy.promise(epoch, this.config.gen);
  }

  appendEntry(command: Command, epoch: number): LogEntry {
    return this.#copy.append(command, epoch);
  }

  /** Applies what has been committed up to `seq`. */
  commitTo(seq: number): void {
    this.#copy.commitTo(seq, (entry, applied) => {
      this.#noteActivity(entry.command);
      this.lead?.answer(entry, applied);
    });
    this.#copy.compact(this.lead?.oldestNeeded() ?? Number.POSITIVE_INFINITY);
  }

  #noteActivity(command: Command): void {
    switch (command.type) {
      case 'op':
      case 'stage':
      case 'abort':
        this.lastActive.set(command.session, this.#ctx.now);
        break;
      case 'close':
      case 'expire':
        this.lastActive.delete(command.session);
        break;
    }
  }

  flush(): void {
    this.lead?.flush();
  }

  // ---- the disk

  batchTaken(): void {
    this.#copy.batchTaken();
  }

  written(): void {
    this.#copy.written();
    this.#following.payAck();
    this.#lookChecked();
    this.lead?.advance();
  }

  takeDelta(): CheckpointDelta | null {
    return this.#copy.takeDelta();
  }

  // ---- as backup or learner

  onAppend(from: NodeId, to: ReplicaId, m: Append): void {
    this.#following.onAppend(from, to, m);
  }

  onSnapshot(from: NodeId, m: Extract<PeerMessage, { type: 'snapshot' }>): void {
    this.#following.onSnapshot(from, m);
  }

  replaced(): void {
    this.lastActive.clear();
  }

  /** Grants a lease to the process that claims to be primary in `epoch`, or denies it. */
  grant(process: Process, epoch: number): boolean {
    if (epoch < this.promised || epoch < this.config.epoch || this.rolledBack) return false;
    if (this.lead !== null || this.hasAbdicated(epoch) || this.#following.hasDivergedIn(epoch)) return false;
    this.grants.grant(process, epoch, this.#ctx.now);
    return true;
  }
}
