import { limits } from '../../limits.js';
import { TurnoverMap } from '../../util/turnover.js';
import { emptySnapshot } from '../machine/digest.js';
import { PartitionMachine } from '../machine/machine.js';
import { SnapshotReader } from '../machine/pieces.js';
import type { CheckpointDelta, Command, SessionId, Snapshot } from '../machine/types.js';
import { promoted, sameSet } from '../map/changes.js';
import {
  type NodeId,
  nodeOf,
  type PartitionConfig,
  type Process,
  type ReplicaId,
  replicaId,
} from '../map/types.js';
import type { Append, PeerMessage } from '../messages.js';
import { provenAnswers } from '../reachability.js';
import type { StoredPartition } from '../records.js';
import type { ReplicaContext } from './context.js';
import { Grants } from './grants.js';
import { LogEntry, ReplicaLog } from './log.js';
import { LogCheck, type LogTrust } from './log-check.js';
import { Primary } from './primary.js';

type SnapshotChunk = Extract<PeerMessage, { type: 'snapshot' }>;

interface AckOwed {
  readonly to: NodeId;
  /** This replica, as the primary addressed it. */
  readonly from: ReplicaId;
  readonly epoch: number;
  readonly stream: number;
  match: number;
}

/** One copy of one partition: log, state machine, and the role it plays now (PROTOCOL.md section 1). */
export class Replica {
  readonly p: number;
  promised: number;
  log: ReplicaLog;
  machine: PartitionMachine;
  /** Everything up to here is committed, and applied. */
  commit: number;
  /** Everything up to here is on this disk. */
  durable: number;
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
  /** The last epoch this process has asked to be primary of. A greater one with this replica as primary was another life's. */
  #asked = 0;
  /** The last epoch that this process acted in as primary. */
  #ledEpoch = 0;
  #durablePromise: number;
  #flyingMark = 0;
  #flyingPromise: number;
  /**
   * How often this copy began anew, by a snapshot or from nothing; and the last such beginning in the batch under way and on disk.
   * Before its beginning is durable, the disk may still hold, and drop, a copy that was here before.
   */
  #base = 0;
  #flyingBase = 0;
  #durableBase = 0;
  #owed: AckOwed | null = null;
  #incoming: { epoch: number; stream: number; next: number; reader: SnapshotReader } | null = null;
  /**
   * The number of an entry at which this replica and the primary of an epoch differ though they must not: a log with another history,
   * or another state from the same log. Which of the two is damaged, neither can know. Of that epoch this one stores and grants
   * nothing any more, so that those who agree with each other go on under another primary.
   */
  #diverged: { readonly seq: number; readonly epoch: number } | null = null;
  /** A read of the map begun after the promise was made did not show that epoch (R13): the metastore was rolled back. */
  rolledBack = false;
  /** The number of the read of the map that first showed an epoch below the promise; null when none did. */
  behindAtRead: number | null = null;
  /** Since when the map in hand names this replica no more, on this clock; null: it does. */
  #unnamedSince: number | null = null;
  /** The number of the last read of the map begun when this replica last stored something for a primary. */
  #readsAtStore = 0;
  /** The number of the read of the map that last showed that it is not named. */
  #unnamedAtRead = 0;
  /** Not before this, on this clock, for the sake of order: the primary gets time to start, others of higher rank go first. */
  #notBefore: number;
  /** Drawn once for each configuration, in [0, 1). */
  #jitter: number;
  readonly #startedAt: number;
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
    this.#startedAt = startedAt;
    // Who is not in sync, and has nothing, has nothing to miss.
    const isNew = stored === null && !config.inSync.some((r) => this.isMe(r));
    this.check = new LogCheck(isNew && trust === 'unchecked' ? 'checked' : trust);
    this.p = p;
    this.config = config;
    // A store without a checkpoint knows of no generation: the log is from the partition's beginning.
    const snapshot =
      stored === null || stored.snapshot.seq === 0 ? emptySnapshot(config.gen) : stored.snapshot;
    this.machine = PartitionMachine.fromSnapshot(snapshot, ctx.rules);
    if (stored !== null && !stored.checkpointed) this.machine.markFull();
    this.log = new ReplicaLog(snapshot.seq, snapshot.epoch, snapshot.digest.chain, stored?.entries ?? []);
    this.promised = stored?.promised ?? 0;
    this.#durablePromise = this.promised;
    this.#flyingPromise = this.promised;
    this.commit = snapshot.seq;
    this.durable = this.log.tailSeq;
    // A store at its first start has never granted anything to anyone.
    this.grants = new Grants(fresh || !ctx.rules.startIsGrant ? null : startedAt);
    this.#notBefore = startedAt + ctx.timings.graceMs;
    this.#jitter = ctx.random();
    if (stored === null) {
      // What was deleted here may have promised as much, and may have been checkpointed.
      this.promise(config.epoch);
      this.#beginsAnew();
    }
    this.#lookNamed();
  }

  /** The entry at which it differs from its primary's copy; null: it does not. */
  get divergedAt(): number | null {
    return this.#diverged?.seq ?? null;
  }

  get role(): 'primary' | 'backup' | 'learner' {
    if (this.lead !== null) return 'primary';
    return this.config.inSync.some((r) => this.isMe(r)) ? 'backup' : 'learner';
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
    if (config.epoch > before.epoch && !this.isMe(config.primary)) {
      this.#jitter = this.#ctx.random();
      // Who was handed the epoch is as good as it gets: it may only not have heard yet.
      const { beaconMs, graceMs } = this.#ctx.timings;
      this.#notBefore = this.#ctx.now + (config.handover === null ? beaconMs * 2 : graceMs);
    }
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
    const { target, inSync } = this.config;
    const named = target.includes(this.#ctx.node) || inSync.some((r) => this.isMe(r));
    if (named) this.#unnamedSince = null;
    else this.#unnamedSince ??= this.#ctx.now;
  }

  /** A read of the map, this many in all, showed the configuration in hand. */
  confirmed(read: number): void {
    if (this.#unnamedSince !== null) this.#unnamedAtRead = read;
  }

  /**
   * May the copy be deleted (section 2)? The map has not named it for a while; a read begun after the last thing that it
   * stored says so still, so nobody can count on what it stored; and no lease that it granted is in force.
   */
  mayDrop(): boolean {
    if (this.#unnamedSince === null || this.lead !== null || this.pending !== null) return false;
    const { now, timings, rules } = this.#ctx;
    if (now - this.#unnamedSince < limits.dropAfterMs) return false;
    if (rules.dropNeedsFreshMap && this.#unnamedAtRead <= this.#readsAtStore) return false;
    return this.#owed === null && now >= this.grants.last(() => false) + timings.graceMs;
  }

  drop(): void {
    this.#incoming = null;
    this.#ctx.write(this, { type: 'drop', partition: this.p });
  }

  /** What this replica would like the map to say instead, if anything. Asked whenever a publish may start. */
  wants(): PartitionConfig | null {
    if (this.rolledBack) return null;
    if (this.lead !== null) return this.lead.wants();
    const config = this.config;
    // It could not make its barrier durable, and would keep those from leading whose disks answer.
    if (this.#ctx.isDiskSlow) return null;
    if (this.isMe(config.primary)) {
      if (!this.reachesEnough()) return null;
      // A restarted primary always promotes itself to a new epoch before it serves.
      return config.epoch >= this.promised && this.#mayLead() ? promoted(config, config.primary) : null;
    }
    return this.#wantsPromotion() ? this.#promotedConfig() : null;
  }

  #promotedConfig(): PartitionConfig {
    const mine = this.config.inSync.find((r) => this.isMe(r)) ?? this.#ctx.me;
    return promoted(this.config, mine);
  }

  /** R9, with R12a. */
  #wantsPromotion(): boolean {
    const { config } = this;
    const ctx = this.#ctx;
    // First what says no while all is well: every replica is asked at every tick.
    if (!this.graceIsOver() || config.epoch < this.promised) return false;
    if (!config.inSync.some((r) => this.isMe(r))) return false;
    const primaryGone = ctx.isReplicaGone(config.primary);
    const rank = this.#rank();
    // To take over from one that may well be alive, links have to be proven good.
    if (!this.reachesEnough(primaryGone ? 1 : provenAnswers)) return false;
    if (!this.#mayLead() || this.#leavesTooFew()) return false;
    if (primaryGone) return rank === 0 || ctx.now >= this.#goneSince() + (rank * ctx.timings.beaconMs) / 4;
    // Not proven gone: leave it the grace once more after each new epoch, and let the others of higher rank go first.
    const jitter = (rank + this.#jitter) * ctx.timings.beaconMs * 0.5;
    return ctx.now >= Math.max(this.#notBefore, this.grants.last(() => false) + this.#graceMs) + jitter;
  }

  /**
   * R9b: would fewer than min-in-sync be left without the primary, which is there and answers? Then nothing would be gained: it stalls,
   * and the map would forget that its disk is one of those that hold everything.
   */
  #leavesTooFew(): boolean {
    const ctx = this.#ctx;
    const { primary, inSync, epoch } = this.config;
    if (!ctx.rules.promoteNeedsReach || inSync.length > ctx.map.settings.minInSync) return false;
    const member = ctx.map.members[nodeOf(primary)];
    if (member === undefined || !ctx.isReachable(member.id)) return false;
    return this.grants.hasGranted(
      { node: member.id, store: member.store, incarnation: member.incarnation },
      epoch,
    );
  }

  // ---- is this log whole? (R9a)

  /** The others that may hold what this log lacks: a store that was replaced never answers again. */
  #othersInSync(): ReplicaId[] {
    const { members } = this.#ctx.map;
    return this.config.inSync.filter(
      (r) => !this.isMe(r) && r === replicaId(nodeOf(r), members[nodeOf(r)]?.store ?? ''),
    );
  }

  #mayLead(): boolean {
    const ctx = this.#ctx;
    const { trust } = this.check;
    if (trust === 'checked') return true;
    if (trust === 'damaged' ? !ctx.rules.damagedAsksAll : !ctx.rules.startsUnchecked) return true;
    const { graceMs, beaconMs } = ctx.timings;
    const isGone = (replica: ReplicaId): boolean => ctx.isReplicaGone(replica);
    const until = this.#startedAt + graceMs;
    return this.check.mayLead(this.log.end, this.#othersInSync(), isGone, ctx.now, until, 5 * beaconMs);
  }

  /** Asks the others how far their logs go, while that is not known and nobody leads this replica. */
  tick(): void {
    const ctx = this.#ctx;
    if (this.check.done || this.lead !== null || !this.config.inSync.some((r) => this.isMe(r))) return;
    // Before this start is in the map, its primary may still count what an earlier one acknowledged.
    if (!ctx.registered) return;
    const question = this.check.ask(ctx.now, ctx.timings.beaconMs, () => ctx.nextStream());
    if (question === null) return;
    for (const to of this.#othersInSync())
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

  /** The log is that of a primary, which has begun its epoch, up to `seq`. */
  agreesThrough(seq: number): void {
    this.check.agreesThrough(seq);
    this.#lookChecked();
  }

  #lookChecked(): void {
    if (this.check.durable(this.durable)) this.#ctx.trustChanged(this);
  }

  /**
   * R9b: together with those it reaches, are there enough to take writes? Else it would lead alone, and keep those who are enough from
   * doing so. Where all others are proven gone nobody is kept from anything, and it can at least answer reads.
   */
  reachesEnough(answers = 1): boolean {
    const ctx = this.#ctx;
    if (!ctx.rules.promoteNeedsReach) return true;
    const { target, inSync } = this.config;
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
    return this.#ctx.now >= this.grants.last((process) => this.#ctx.isGone(process)) + this.#graceMs;
  }

  #primaryGoneAt: { epoch: number; at: number } | null = null;

  #goneSince(): number {
    if (this.#primaryGoneAt?.epoch !== this.config.epoch)
      this.#primaryGoneAt = { epoch: this.config.epoch, at: this.#ctx.now };
    return this.#primaryGoneAt.at;
  }

  /** How many in-sync replicas stand before this one in the order of placement. */
  #rank(): number {
    let rank = 0;
    for (const node of this.config.target) {
      if (node === this.#ctx.node) return rank;
      const replica = this.config.inSync.find((r) => nodeOf(r) === node);
      if (replica !== undefined && replica !== this.config.primary && !this.#ctx.isReplicaGone(replica))
        rank++;
    }
    return rank;
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
    this.#payAck();
  }

  /** From asking until the outcome is known, nothing of the epoch being left is accepted or granted (R9). */
  #hasAbdicated(epoch: number): boolean {
    return this.pending !== null && this.lead === null && epoch < this.pending.epoch;
  }

  #takeLead(): void {
    const ctx = this.#ctx;
    this.#owed = null;
    this.#diverged = null;
    this.#incoming = null;
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

  promise(epoch: number): void {
    if (epoch <= this.promised) return;
    this.promised = epoch;
    this.#ctx.write(this, { type: 'promise', partition: this.p, gen: this.config.gen, epoch });
  }

  // ---- the log

  appendEntry(command: Command, epoch: number): LogEntry {
    const entry = new LogEntry(epoch, this.log.tailSeq + 1, command);
    this.log.append(entry);
    this.#ctx.write(this, { type: 'append', partition: this.p, entry });
    return entry;
  }

  #truncateAfter(seq: number): void {
    if (seq < this.commit)
      throw new Error(`partition ${this.p}: cutting after ${seq}, committed are ${this.commit}`);
    this.log.truncateAfter(seq);
    this.durable = Math.min(this.durable, seq);
    this.#flyingMark = Math.min(this.#flyingMark, seq);
  }

  /** The batch that holds this replica's newest records has been handed to the disk. */
  batchTaken(): void {
    this.#flyingMark = this.log.tailSeq;
    this.#flyingBase = this.#base;
    this.#flyingPromise = this.promised;
  }

  /** That batch is durable. */
  written(): void {
    this.durable = Math.max(this.durable, this.#flyingMark);
    this.#durableBase = this.#flyingBase;
    this.#durablePromise = Math.max(this.#durablePromise, this.#flyingPromise);
    this.#payAck();
    this.#lookChecked();
    this.lead?.advance();
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

  /** Applies what has been committed up to `seq`. */
  commitTo(seq: number): void {
    for (let n = this.commit + 1; n <= seq; n++) {
      const entry = this.log.at(n) as LogEntry;
      const applied = this.machine.apply(entry);
      this.commit = n;
      this.#noteActivity(entry.command);
      this.lead?.answer(entry, applied);
      entry.settle();
    }
    const { retainEntries, retainBytes } = this.#ctx.tuning;
    const pinned = this.lead?.oldestNeeded() ?? Number.POSITIVE_INFINITY;
    this.log.compact(this.commit, retainEntries, retainBytes, pinned, limits.catchUpBytes);
  }

  /** The next checkpoint replaces everything that the disk holds of the partition. */
  #beginsAnew(): void {
    this.machine.markFull();
    this.#base++;
  }

  /**
   * What changed since the last checkpoint; null: nothing, or its time has not come. A checkpoint that is ahead of the record that
   * this copy began with would be taken for one of the copy before: the drop or snapshot that is still on its way
   * to the disk would clear it, and the next would add to nothing.
   */
  takeDelta(): CheckpointDelta | null {
    if (this.#ctx.rules.checkpointAfterBase && this.#durableBase !== this.#base) return null;
    return this.machine.takeDelta(this.p, this.promised);
  }

  // ---- as backup or learner

  onAppend(from: NodeId, to: ReplicaId, m: Append): void {
    if (!this.#accepts(from, to, m)) return;
    const { prevSeq } = m;
    if (m.counted && m.commit > this.log.tailSeq && this.check.trust !== 'damaged') {
      // An earlier start of this store had acknowledged that: the disk has forgotten it.
      this.check.foundDamaged();
      this.#ctx.trustChanged(this);
    }
    if (prevSeq > this.commit) {
      const epoch = this.log.epochAt(prevSeq);
      if (epoch !== m.prevEpoch) {
        this.#reject(from, to, m, epoch);
        return;
      }
    }
    if (!this.#hasHistory(m)) return;
    let seq = prevSeq;
    for (const { epoch, command } of m.entries) {
      seq++;
      if (seq <= this.commit) continue;
      const held = this.log.epochAt(seq);
      if (held === epoch) continue;
      if (held !== null) this.#truncateAfter(seq - 1);
      this.appendEntry(command, epoch);
    }
    if (Math.min(m.commit, seq) > this.commit) this.commitTo(Math.min(m.commit, seq));
    // Replicas that have applied the same entries have the same state.
    if (m.digest !== '' && this.commit === m.commit && this.machine.digest.hash !== m.digest) {
      this.#diverge(m.commit, m);
      return;
    }
    // A commit in its own epoch: the primary's barrier, and with it everything committed before, is below.
    if (!this.check.done && m.commit <= seq && this.log.epochAt(m.commit) === m.epoch)
      this.agreesThrough(m.commit);
    this.#owe(from, to, m, seq);
  }

  /** The logs agree before the entries by number and epoch: then all before must be the same, too. */
  #hasHistory(m: Append): boolean {
    const { prevSeq, prevEpoch, prevChain } = m;
    const epoch = this.log.epochAt(prevSeq);
    // Compacted: whatever it was, it was committed.
    if (epoch === null || (epoch === prevEpoch && this.log.chainAt(prevSeq) === prevChain)) return true;
    this.#diverge(prevSeq, m);
    return false;
  }

  #diverge(seq: number, m: Append): void {
    this.#diverged = { seq, epoch: m.epoch };
    this.#owed = null;
    this.#ctx.diverged(this);
  }

  /** R1, but for the place in the log. */
  #accepts(from: NodeId, to: ReplicaId, m: Append | SnapshotChunk): boolean {
    if (!this.isMe(to) || m.gen < this.machine.gen || this.rolledBack) return false;
    if (m.epoch < this.promised && this.#ctx.rules.refuseOldEpoch) {
      this.#ctx.send(from, { type: 'stale', p: this.p, promised: this.promised });
      return false;
    }
    if (this.#hasAbdicated(m.epoch) || this.#diverged?.epoch === m.epoch) return false;
    this.#diverged = null;
    if (this.lead !== null) {
      if (m.epoch <= this.lead.epoch) return false;
      this.stepDown();
    }
    if (m.epoch > this.config.epoch) this.#ctx.wantMap();
    if (m.gen > this.machine.gen) this.#install(emptySnapshot(m.gen));
    this.promise(m.epoch);
    this.#readsAtStore = this.#ctx.reads;
    return true;
  }

  /** Says where the log might still agree; never below the commit, up to which all logs agree. */
  #reject(from: NodeId, to: ReplicaId, m: Append, epoch: number | null): void {
    let hint = Math.min(m.prevSeq - 1, this.log.tailSeq);
    // Only what cannot be the sender's is skipped: it may well hold a part of the run of entries that did not fit.
    if (epoch !== null && this.#ctx.rules.rejectKeepsCommon) {
      while (hint > this.commit && (this.log.epochAt(hint) as number) > m.prevEpoch) hint--;
    } else if (epoch !== null) while (hint > this.commit && this.log.epochAt(hint) === epoch) hint--;
    hint = Math.max(hint, this.commit);
    this.#ctx.send(from, {
      type: 'reject',
      p: this.p,
      epoch: m.epoch,
      stream: m.stream,
      from: to,
      hintSeq: hint,
      hintEpoch: this.log.epochAt(hint) ?? 0,
      tailSeq: this.log.tailSeq,
      tailEpoch: this.log.tailEpoch,
    });
  }

  onSnapshot(from: NodeId, m: SnapshotChunk): void {
    if (!this.#accepts(from, m.to, m)) return;
    let incoming = this.#incoming;
    // Piece 0 of what has begun already is a repetition.
    if (m.index === 0 && !(incoming?.epoch === m.epoch && incoming.stream === m.stream)) {
      incoming = { epoch: m.epoch, stream: m.stream, next: 0, reader: new SnapshotReader() };
      this.#incoming = incoming;
    }
    if (
      incoming === null ||
      incoming.epoch !== m.epoch ||
      incoming.stream !== m.stream ||
      incoming.next < m.index
    )
      return;
    let snapshot: Snapshot | null = null;
    try {
      if (incoming.next === m.index) {
        incoming.reader.add(m.chunk);
        incoming.next++;
        if (m.last) snapshot = incoming.reader.finish();
      }
    } catch {
      // It is not what its digest says. Nothing is installed or acknowledged: the primary attaches anew and sends another.
      this.#incoming = null;
      return;
    }
    if (snapshot === null) {
      this.#ctx.send(from, {
        type: 'snapshot-ack',
        p: this.p,
        epoch: m.epoch,
        stream: m.stream,
        from: m.to,
        index: m.index,
      });
      return;
    }
    this.#incoming = null;
    if (snapshot.seq > this.commit) this.#install(snapshot);
    this.#owe(from, m.to, m, snapshot.seq);
  }

  #install(snapshot: Snapshot): void {
    this.machine = PartitionMachine.fromSnapshot(snapshot, this.#ctx.rules);
    this.lastActive.clear();
    this.#beginsAnew();
    this.log = new ReplicaLog(snapshot.seq, snapshot.epoch, snapshot.digest.chain);
    this.commit = snapshot.seq;
    this.durable = 0;
    this.#flyingMark = 0;
    this.#ctx.write(this, { type: 'snapshot', partition: this.p, snapshot });
  }

  /** An ack leaves once everything it speaks of is on disk, the promise included. */
  #owe(primary: NodeId, as: ReplicaId, m: Append | SnapshotChunk, match: number): void {
    if (
      this.#owed !== null &&
      this.#owed.epoch === m.epoch &&
      this.#owed.stream === m.stream &&
      this.#owed.to === primary
    ) {
      this.#owed.match = Math.max(this.#owed.match, match);
    } else {
      this.#owed = { to: primary, from: as, epoch: m.epoch, stream: m.stream, match };
    }
    this.#payAck();
  }

  #payAck(): void {
    const owed = this.#owed;
    if (owed === null) return;
    if (owed.epoch !== this.promised && this.#ctx.rules.refuseOldEpoch) {
      this.#owed = null;
      return;
    }
    if (this.#hasAbdicated(owed.epoch)) return;
    const { rules } = this.#ctx;
    if (rules.ackAfterSync && this.durable < owed.match) return;
    if (rules.ackAfterSync && rules.ackAfterPromise && this.#durablePromise < owed.epoch) return;
    this.#owed = null;
    const { epoch, stream, match, from } = owed;
    this.#ctx.ack(owed.to, from, this.p, epoch, stream, match);
  }

  /** Grants a lease to the process that claims to be primary in `epoch`, or denies it. */
  grant(process: Process, epoch: number): boolean {
    if (epoch < this.promised || epoch < this.config.epoch || this.rolledBack) return false;
    if (this.lead !== null || this.#hasAbdicated(epoch) || this.#diverged?.epoch === epoch) return false;
    this.grants.grant(process, epoch, this.#ctx.now);
    return true;
  }
}
