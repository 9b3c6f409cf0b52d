import { defaultTimings, limits, type Timings } from '../limits.js';
import { TurnoverSet } from '../util/turnover.js';
import { Heartbeats } from './heartbeats.js';
import { Liveness } from './liveness.js';
import type { CheckpointDelta, TxId } from './machine/types.js';
import {
  type ClusterMap,
  type NodeId,
  nodeOf,
  type PartitionConfig,
  type Process,
  type ReplicaId,
  replicaId,
} from './map/types.js';
import type { Append, ClientRequest, ClientResponse, PeerMessage, TxStep } from './messages.js';
import type { NodeView } from './node-view.js';
import { DiskBatches, type Envelope, Outbox, type Reached, type Reply } from './outbox.js';
import { type Publish, PublishRound } from './publish-round.js';
import type { PublishOutcome } from './publisher.js';
import { Random } from './random.js';
import type { LogRecord, StoredPartition } from './records.js';
import type { LocalReplica, ReplicaContext } from './replication/context.js';
import { Copies } from './replication/copies.js';
import { Replica } from './replication/replica.js';
import { hashKey, partitionOf } from './ring/hash.js';
import { type Rules, soundRules } from './rules.js';
import type { Tuning } from './tuning.js';

export type { Envelope, Reply } from './outbox.js';

/** Everything that can happen to a node. Time comes with each event; so do storage results and metastore outcomes. */
export type NodeEvent =
  | { readonly type: 'tick' }
  | { readonly type: 'message'; readonly from: Process; readonly message: PeerMessage }
  | { readonly type: 'request'; readonly origin: number; readonly request: ClientRequest }
  /** The batch last given in a Ready is durable. */
  | { readonly type: 'written' }
  /** A map from the metastore; `read` counts the reads begun by this node, null when it came otherwise. */
  | { readonly type: 'map'; readonly map: ClusterMap | null; readonly read: number | null }
  | { readonly type: 'map-unreadable' }
  | { readonly type: 'published'; readonly outcome: PublishOutcome }
  /** A refused connect proved that this process has ended (R12a). Only ever given for loopback addresses. */
  | { readonly type: 'gone'; readonly process: Process }
  /** There is a new connection to that node: what was under way on the old one may be lost. */
  | { readonly type: 'linked'; readonly node: NodeId }
  /** The machine slept: the monotonic clock stood still while time went on. */
  | { readonly type: 'suspended' }
  | { readonly type: 'quiesce'; readonly ms: number }
  /** Serve nothing from here on; the process is about to end. */
  | { readonly type: 'stop' };

/**
 * What the host is to do now. Every field may be carried out at once and in any order: whatever has to wait for the
 * disk is born by the `written` event, never before (docs/decisions/0001).
 */
export interface Ready {
  /** One batch to make durable; answered by `written`. Never given while another is under way. */
  readonly write: readonly LogRecord[] | null;
  readonly send: readonly Envelope[];
  readonly reply: readonly Reply[];
  /** The steps that transactions came to: a fault may be armed there. Strikes before anything else of this is carried out. */
  readonly reached: readonly Reached[];
  readonly publish: Publish | null;
  /** Read the map; answered by `map` with this number, or `map-unreadable`. */
  readonly readMap: number | null;
  /** The store is to remember from now on that its log is damaged, or that it is whole again; null: as it was. */
  readonly damaged: boolean | null;
  /** Partitions whose copies here differ from their primaries' at that entry: somebody must be told. */
  readonly diverged: readonly { readonly p: number; readonly seq: number }[];
}

export interface NodeOptions {
  readonly node: NodeId;
  readonly store: string;
  /** Which start of this store this is: 1 for the first. */
  readonly incarnation: number;
  readonly url: string;
  readonly stored: readonly StoredPartition[];
  /** Something that may have been acknowledged is missing from the log (R9a). */
  readonly damaged?: boolean;
  readonly seed: number;
  /** This node's clock at its start, in ms. */
  readonly now: number;
  readonly rules?: Rules;
  readonly tuning?: Tuning;
}

export interface ReplicaStatus {
  readonly partition: number;
  readonly role: 'primary' | 'backup' | 'learner';
  readonly epoch: number;
  /** A primary that answers requests (its barrier is committed). */
  readonly serving: boolean;
  /** A primary that also takes writes: enough replicas in sync. */
  readonly writable: boolean;
  readonly tail: number;
  readonly commit: number;
  readonly keys: number;
  /** Keys and values held, in UTF-16 code units. */
  readonly units: number;
  /** Locks, fences, and transactions that have not ended. */
  readonly rows: number;
  /** The entry at which it differs from its primary's copy, though it must not; null: it does not. */
  readonly divergedAt: number | null;
}

/** A disk that has not answered for as long as this many heartbeats is slow. */
const slowDiskBeacons = 2;

/** One node of the cluster as a pure machine: `step` takes events in, `ready` says what to do. */
export class NodeCore implements ReplicaContext, NodeView {
  readonly node: NodeId;
  readonly store: string;
  readonly incarnation: number;
  readonly me: ReplicaId;
  readonly rules: Rules;
  readonly tuning: Tuning;
  readonly replicas = new Map<number, Replica>();
  readonly copies = new Copies();
  now: number;
  /** Another process runs as this node by now; this one has stopped and must end. */
  superseded = false;
  /** The map had this process as a member and has it no more: it was drained and has left. */
  left = false;
  /** A read of the metastore showed an older map than one it gave before (R13). */
  metastoreRolledBack = false;
  #map: ClusterMap | null = null;
  readonly #stored: Map<number, StoredPartition>;
  readonly #startedAt: number;
  readonly #random: Random;
  /** Processes proven gone by a refused connect; all earlier incarnations of the store are gone too. */
  readonly #refused = new Map<NodeId, Process>();
  #streams = 0;
  readonly #outbox = new Outbox();
  readonly #disk = new DiskBatches();
  /** Messages of this node to itself: between primaries of two of its partitions. */
  #local: PeerMessage[] = [];
  readonly #touched = new TurnoverSet<Replica>();
  #wantsMap = true;
  #reads = 0;
  /** The revision in hand when the read under way began: it can show nothing older. */
  #revisionAtRead = 0;
  #reading = false;
  readonly #liveness = new Liveness();
  readonly #heartbeats: Heartbeats;
  readonly #round: PublishRound;
  /** Hand-overs under way, counted anew at each tick. */
  #yielding = 0;
  #refreshAt = 0;
  #expireAt: number;
  #quiescedUntil = Number.NEGATIVE_INFINITY;
  #stopped = false;
  /** Some replica's log lacks, or may lack, what was acknowledged; and what the store has to be told of that. */
  #damaged: boolean;
  #damagedToStore: boolean | null = null;
  #diverged: { p: number; seq: number }[] = [];

  constructor(options: NodeOptions) {
    this.node = options.node;
    this.store = options.store;
    this.incarnation = options.incarnation;
    this.me = replicaId(options.node, options.store);
    this.rules = options.rules ?? soundRules;
    this.tuning = options.tuning ?? limits;
    this.now = options.now;
    this.#damaged = options.damaged ?? false;
    this.#stored = new Map(options.stored.map((s) => [s.partition, s]));
    this.#startedAt = options.now;
    this.#expireAt = options.now;
    this.#random = new Random(options.seed);
    this.#heartbeats = new Heartbeats(this, this.#liveness, options.now);
    this.#round = new PublishRound(this, this.#liveness, options.url, options.now);
  }

  // ---- what the replicas ask for

  get map(): ClusterMap {
    if (this.#map === null) throw new Error('no cluster map yet');
    return this.#map;
  }

  get timings(): Timings {
    return this.#map?.settings.timings ?? defaultTimings;
  }

  get reads(): number {
    return this.#reads;
  }

  reconsider(): void {
    this.#round.reconsider();
  }

  diverged({ p, divergedAt }: LocalReplica): void {
    this.#diverged.push({ p, seq: divergedAt as number });
  }

  trustChanged({ check }: LocalReplica): void {
    this.#round.reconsider();
    if (check.trust === 'damaged' && !this.#damaged) {
      this.#damaged = true;
      this.#damagedToStore = true;
    }
    this.#lookWhole();
  }

  /** The store is whole again when each of its copies is: before this process is in the map, it may not know of all. */
  #lookWhole(): void {
    if (!this.#damaged || !this.registered) return;
    for (const { check } of this.replicas.values()) if (check.trust === 'damaged') return;
    this.#damaged = false;
    this.#damagedToStore = false;
  }

  mayYield(): boolean {
    if (this.#yielding >= limits.handoversAtOnce || !this.#round.isQuiet) return false;
    this.#yielding++;
    return true;
  }

  get quiesced(): boolean {
    return this.now < this.#quiescedUntil;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** The revision of the map in hand; 0 before the first. */
  get revision(): number {
    return this.#map?.revision ?? 0;
  }

  /** Does the map know this very process? Until then it takes no part. */
  get registered(): boolean {
    const member = this.#map?.members[this.node];
    return member !== undefined && member.store === this.store && member.incarnation === this.incarnation;
  }

  send(to: NodeId, message: PeerMessage): void {
    this.#outbox.send(to, message);
  }

  ack(to: NodeId, from: ReplicaId, p: number, epoch: number, stream: number, match: number): void {
    this.#outbox.ack(to, from, p, epoch, stream, match);
  }

  append(node: NodeId, to: ReplicaId, append: Append, bytes: number): void {
    const incarnation = this.map.members[node]?.incarnation ?? 0;
    this.#outbox.append(node, to, incarnation, append, bytes, this.tuning.appendBytes);
  }

  tell(p: number, message: PeerMessage): void {
    const primary = this.map.partitions[p]?.primary;
    if (primary === undefined) return;
    const node = nodeOf(primary);
    if (node === this.node) this.#local.push(message);
    else this.send(node, message);
  }

  reached(step: TxStep, tx: TxId): void {
    this.#outbox.reached(step, tx);
  }

  write(replica: LocalReplica, record: LogRecord): void {
    this.#disk.add(replica as Replica, record);
  }

  reply(origin: number, response: ClientResponse): void {
    this.#outbox.reply(origin, response);
  }

  wantMap(): void {
    this.#wantsMap = true;
  }

  touch(replica: LocalReplica): void {
    this.#touched.add(replica as Replica);
  }

  beaconSoon(): void {
    this.#heartbeats.soon();
  }

  isReachable(node: NodeId, answers = 1): boolean {
    return this.#heartbeats.isReachable(node, answers);
  }

  answeredAt(node: NodeId): number {
    return this.#heartbeats.answeredAt(node);
  }

  get isDiskSlow(): boolean {
    return this.#disk.isSlow(this.now, slowDiskBeacons * this.timings.beaconMs);
  }

  probe(): void {
    this.#heartbeats.probe();
  }

  nextStream(): number {
    this.#streams++;
    return this.incarnation * 2 ** 32 + this.#streams;
  }

  isGone(process: Process): boolean {
    const member = this.#map?.members[process.node];
    if (member === undefined) return false;
    // That the node has another store by now proves nothing of the process that had this one.
    if (member.store !== process.store && this.rules.otherStoreProvesNothing) return false;
    if (process.incarnation < member.incarnation) return true;
    const refused = this.#refused.get(process.node);
    return (
      refused !== undefined && refused.store === process.store && process.incarnation <= refused.incarnation
    );
  }

  isNodeGone(node: NodeId): boolean {
    const member = this.#map?.members[node];
    if (member === undefined) return true;
    return (
      member.incarnation > 0 && this.isGone({ node, store: member.store, incarnation: member.incarnation })
    );
  }

  isReplicaGone(replica: ReplicaId): boolean {
    const node = nodeOf(replica);
    const member = this.#map?.members[node];
    if (member === undefined || member.incarnation === 0) return false;
    if (this.rules.wipedDiskIsAnotherReplica && replica !== replicaId(node, member.store)) return true;
    return this.isGone({ node, store: member.store, incarnation: member.incarnation });
  }

  random(): number {
    return this.#random.next();
  }

  // ---- events

  step(event: NodeEvent, now: number): void {
    this.now = now;
    if (this.#stopped && event.type !== 'written') {
      if (event.type === 'request') this.#refuse(event.origin, 'unavailable', 'the node is stopping');
      return;
    }
    switch (event.type) {
      case 'message':
        this.#onMessage(event.from, event.message);
        break;
      case 'request':
        this.#onRequest(event.origin, event.request);
        break;
      case 'written':
        this.#disk.written();
        break;
      case 'tick':
        this.#onTick();
        break;
      case 'map':
        if (event.read !== null) this.#reading = false;
        if (event.map === null) this.#wantsMap = true;
        else this.#onMap(event.map, event.read);
        break;
      case 'map-unreadable':
        this.#reading = false;
        break;
      case 'published':
        this.#onPublished(event.outcome);
        break;
      case 'gone':
        this.#onGone(event.process);
        break;
      case 'linked':
        for (const replica of this.replicas.values()) replica.lead?.relinked(event.node);
        this.#heartbeats.linked(event.node);
        break;
      case 'suspended':
        for (const replica of this.replicas.values()) replica.lead?.dropLeases();
        // Acks of heartbeats sent before the sleep may still come in; their age cannot be told.
        if (this.rules.sleepEndsLeases) this.#heartbeats.forgetSent();
        break;
      case 'quiesce':
        this.#quiescedUntil = now + event.ms;
        break;
      case 'stop':
        this.#stop();
        break;
    }
  }

  #stop(): void {
    for (const replica of this.replicas.values()) replica.stepDown();
    this.#stopped = true;
  }

  #onMessage(from: Process, m: PeerMessage): void {
    if (this.#map === null) return;
    this.#liveness.heard(from.node);
    switch (m.type) {
      case 'beacon':
        this.#heartbeats.onBeacon(from, m);
        return;
      case 'beacon-ack':
        this.#heartbeats.onBeaconAck(from, m);
        return;
      case 'ack':
        this.#onAck(m);
        return;
      case 'append':
        if (m.incarnation !== this.incarnation) return;
        for (const append of m.appends) this.replicas.get(append.p)?.onAppend(from.node, m.to, append);
        return;
    }
    const replica = this.replicas.get(m.p);
    if (replica === undefined) return;
    switch (m.type) {
      case 'snapshot':
        replica.onSnapshot(from.node, m);
        break;
      case 'reject':
        replica.lead?.onReject(m);
        break;
      case 'tail-ask':
        replica.onTailAsk(from.node, m);
        break;
      case 'tail':
        replica.onTail(m);
        break;
      case 'snapshot-ack':
        replica.lead?.onSnapshotAck(m);
        break;
      case 'tx-prepare':
      case 'tx-ask':
      case 'tx-vote':
      case 'tx-finish':
      case 'tx-finished':
      case 'tx-query':
        this.#onTx(m);
        break;
      case 'stale':
        if (replica.lead !== null && m.promised > replica.lead.epoch) {
          replica.stepDown();
          this.wantMap();
        }
        break;
    }
  }

  #onAck({ from, acks }: Extract<PeerMessage, { type: 'ack' }>): void {
    for (let i = 0; i < acks.length; i += 4) {
      const lead = this.replicas.get(acks[i] as number)?.lead;
      lead?.onAck(from, acks[i + 1] as number, acks[i + 2] as number, acks[i + 3] as number);
    }
  }

  /** What two of its own primaries tell each other arrives at once. */
  #deliverLocal(): void {
    while (this.#local.length > 0) {
      const messages = this.#local;
      this.#local = [];
      for (const message of messages) this.#onTx(message);
    }
  }

  #onTx(m: PeerMessage): void {
    if (!('p' in m)) return;
    const lead = this.replicas.get(m.p)?.lead;
    if (lead == null || !lead.serving) return;
    switch (m.type) {
      case 'tx-prepare':
        lead.tx.onPrepare(m);
        break;
      case 'tx-ask':
        lead.tx.onAsk(m);
        break;
      case 'tx-vote':
        lead.tx.onVote(m);
        break;
      case 'tx-finish':
        lead.tx.onFinish(m);
        break;
      case 'tx-finished':
        lead.tx.onFinished(m);
        break;
      case 'tx-query':
        lead.tx.onQuery(m);
        break;
    }
  }

  #onRequest(origin: number, request: ClientRequest): void {
    if (this.#map === null) {
      this.#refuse(origin, 'unavailable', 'the node has just started');
      return;
    }
    if (this.metastoreRolledBack) {
      const message = 'the cluster map was put back to an older one: `muster cluster status` says what to do';
      this.#refuse(origin, 'unavailable', message);
      return;
    }
    const p =
      request.type === 'write' || request.type === 'tx'
        ? partitionOf(hashKey(request.op.key), this.#map.partitions.length)
        : request.p;
    const lead = this.replicas.get(p)?.lead;
    if (lead == null) {
      this.#refuse(origin, 'moved', `partition ${p} has its primary elsewhere`);
      return;
    }
    lead.handle(origin, request);
  }

  #refuse(origin: number, code: 'moved' | 'unavailable', message: string): void {
    this.reply(origin, { ok: false, code, message, revision: this.revision });
  }

  #onTick(): void {
    this.#round.reconsider();
    this.#round.tick();
    this.copies.tick(this.now, limits.tickMs);
    // Watches and gossip are hints that may stay away: look for oneself now and then.
    if (this.#map === null || this.#round.needsMap || this.now >= this.#refreshAt) this.#wantsMap = true;
    if (this.#map !== null) {
      this.#liveness.tick(this.now, this.others(), this.timings.leaseMs);
      this.#drop();
    }
    this.#yielding = 0;
    for (const { lead } of this.replicas.values()) if (lead?.yielding === true) this.#yielding++;
    const expire = this.now >= this.#expireAt;
    if (expire) this.#expireAt = this.now + 1000;
    this.#lookWhole();
    for (const replica of this.replicas.values()) {
      replica.tick();
      replica.lead?.tick();
      if (expire) replica.lead?.expireSessions();
    }
  }

  others(): NodeId[] {
    const members = Object.values(this.map.members);
    return members.filter((m) => m.id !== this.node && m.incarnation > 0).map((m) => m.id);
  }

  /** Deletes the copies that nobody counts on any more. */
  #drop(): void {
    for (const [p, replica] of this.replicas) {
      if (!replica.mayDrop()) continue;
      replica.drop();
      this.replicas.delete(p);
      this.#disk.forget(replica);
    }
  }

  // ---- the map

  #onMap(map: ClusterMap, read: number | null): void {
    this.#round.reconsider();
    if (map.revision > this.revision) this.#adopt(map);
    this.#round.sawMap(read);
    if (this.#round.idle) this.#settle();
    if (read === null) return;
    if (map.revision < this.#revisionAtRead) {
      this.metastoreRolledBack = true;
      for (const replica of this.replicas.values()) {
        replica.rolledBack = true;
        replica.stepDown();
      }
      return;
    }
    this.metastoreRolledBack = false;
    if (map.revision < this.revision) return;
    for (const replica of this.replicas.values()) {
      replica.confirmed(read);
      if (replica.config.epoch >= replica.promised) {
        replica.behindAtRead = null;
        replica.rolledBack = false;
      } else if (replica.behindAtRead === null) {
        replica.behindAtRead = this.#reads;
        this.wantMap();
      } else if (read > replica.behindAtRead) {
        replica.rolledBack = true;
        replica.stepDown();
      }
    }
  }

  #adopt(map: ClusterMap): void {
    const registered = this.registered;
    this.#map = map;
    this.#round.adopted();
    const mine = map.members[this.node];
    // Another process has registered as this node: by PROTOCOL section 0 it has the right to it, and this one has none.
    if (
      mine !== undefined &&
      (mine.store === this.store ? mine.incarnation > this.incarnation : registered)
    ) {
      this.superseded = true;
      this.#stop();
      return;
    }
    if (mine === undefined) {
      this.left = true;
      this.#stop();
      return;
    }
    map.partitions.forEach((config, p) => {
      const replica = this.replicas.get(p);
      if (replica !== undefined) replica.configure(config);
      else if (this.#holds(config) || this.#stored.has(p)) {
        const stored = this.#stored.get(p) ?? null;
        this.#stored.delete(p);
        const fresh = this.incarnation === 1;
        const trust = this.#damaged ? 'damaged' : fresh ? 'checked' : 'unchecked';
        this.replicas.set(p, new Replica(this, p, config, stored, this.#startedAt, fresh, trust));
      }
    });
  }

  /** Is it named: wanted by placement, or in sync? (In sync with nothing stored is one that nothing was ever written to.) */
  #holds({ target, inSync }: PartitionConfig): boolean {
    return target.includes(this.node) || inSync.includes(this.me);
  }

  #onPublished(outcome: PublishOutcome): void {
    this.#round.reconsider();
    const published = this.#round.ended(outcome);
    if (outcome === 'ok' && published !== null) {
      const before = this.#map;
      if (published.revision > this.revision) this.#adopt(published);
      this.#greetSuccessors(before, published);
    }
    if (this.#round.idle) this.#settle();
    if (this.#round.needsMap) this.wantMap();
  }

  /** Whoever was handed a partition is told at once that there is a newer map. */
  #greetSuccessors(before: ClusterMap | null, now: ClusterMap): void {
    now.partitions.forEach(({ handover, epoch, primary }, p) => {
      if (handover?.from.node !== this.node || epoch === before?.partitions[p]?.epoch) return;
      this.#heartbeats.greet(nodeOf(primary));
    });
  }

  #settle(): void {
    for (const replica of this.replicas.values()) if (replica.pending !== null) replica.settled();
  }

  #onGone(process: Process): void {
    this.#round.reconsider();
    const known = this.#refused.get(process.node);
    if (known !== undefined && known.store === process.store && known.incarnation >= process.incarnation)
      return;
    this.#refused.set(process.node, process);
    for (const replica of this.replicas.values()) replica.lead?.advance();
  }

  #publish(): Publish | null {
    // Built on a map that was put back, a publish would undo what others have acted on since.
    if (this.#map === null || this.#stopped || this.metastoreRolledBack) return null;
    return this.#round.next();
  }

  // ---- what to do

  /** Takes what the events since the last call ask for. */
  ready(): Ready {
    if (this.#map !== null && !this.#stopped) this.#heartbeats.flush();
    this.#deliverLocal();
    for (const replica of this.#touched) replica.lead?.flush();
    this.#touched.clear();
    const publish = this.#publish();
    const write = this.#disk.take(this.now);
    let readMap: number | null = null;
    if (this.#wantsMap && !this.#reading) {
      this.#wantsMap = false;
      this.#reading = true;
      this.#refreshAt = this.now + this.timings.graceMs;
      this.#revisionAtRead = this.revision;
      readMap = ++this.#reads;
    }
    const damaged = this.#damagedToStore;
    this.#damagedToStore = null;
    const diverged = this.#diverged;
    this.#diverged = [];
    return { write, publish, readMap, damaged, diverged, ...this.#outbox.take() };
  }

  /**
   * Applied state that changed since it was last taken, to be made durable; the log before it may then go. From partition
   * `from` on, and no more partitions once `most` cells are reached; `next` is where to go on, null when that was all.
   */
  takeCheckpoint(
    from = 0,
    most = Number.POSITIVE_INFINITY,
  ): { deltas: CheckpointDelta[]; next: number | null } {
    const deltas: CheckpointDelta[] = [];
    let cells = 0;
    const partitions = [...this.replicas.keys()].filter((p) => p >= from).sort((a, b) => a - b);
    for (const p of partitions) {
      if (cells >= most) return { deltas, next: p };
      const delta = this.replicas.get(p)?.takeDelta() ?? null;
      if (delta === null) continue;
      deltas.push(delta);
      cells += delta.cells.length + 1;
    }
    return { deltas, next: null };
  }

  /** Those deltas did not get into the checkpoint: the next ones have everything. */
  checkpointFailed(deltas: readonly CheckpointDelta[]): void {
    for (const { partition } of deltas) this.replicas.get(partition)?.machine.markFull();
  }

  /** For status: every replica held here. */
  status(): ReplicaStatus[] {
    return [...this.replicas.values()].map((replica) => ({
      partition: replica.p,
      role: replica.role,
      epoch: replica.config.epoch,
      serving: replica.lead?.serving === true && replica.lead.holdsLeases(),
      writable: replica.lead?.isWritable === true,
      tail: replica.log.tailSeq,
      commit: replica.commit,
      keys: replica.machine.cells.size,
      units: replica.machine.units,
      rows: replica.machine.rows.size,
      divergedAt: replica.divergedAt,
    }));
  }
}
