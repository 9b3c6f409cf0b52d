import { defaultTimings, limits, type Timings } from '../limits.js';
import { TurnoverSet } from '../util/turnover.js';
import { deliver, deliverTx } from './delivery.js';
import { GoneProcesses } from './gone.js';
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
import { MapReads } from './map-reads.js';
import type { Append, ClientRequest, ClientResponse, PeerMessage, TxStep } from './messages.js';
import type { NodeEvent, NodeOptions, Ready } from './node-events.js';
import type { NodeView } from './node-view.js';
import { DiskBatches, Outbox } from './outbox.js';
import { type Publish, PublishRound } from './publish-round.js';
import type { PublishOutcome } from './publisher.js';
import { Random } from './random.js';
import type { LogRecord, StoredPartition } from './records.js';
import { type CheckpointPart, takeCheckpoint } from './replication/checkpoints.js';
import type { LocalReplica, ReplicaContext } from './replication/context.js';
import { Copies } from './replication/copies.js';
import { Replica } from './replication/replica.js';
import { type ReplicaStatus, statusOf } from './replication/status.js';
import { hashKey, partitionOf } from './ring/hash.js';
import { type Rules, soundRules } from './rules.js';
import { StoreTrust } from './store-trust.js';
import type { Tuning } from './tuning.js';

export type { NodeEvent, NodeOptions, Ready } from './node-events.js';
export type { Envelope, Reply } from './outbox.js';
export type { ReplicaStatus } from './replication/status.js';

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
  readonly #gone: GoneProcesses;
  #streams = 0;
  readonly #outbox = new Outbox();
  readonly #disk = new DiskBatches();
  /** Messages of this node to itself: between primaries of two of its partitions. */
  #local: PeerMessage[] = [];
  readonly #touched = new TurnoverSet<LocalReplica>();
  readonly #mapReads = new MapReads();
  readonly #liveness = new Liveness();
  readonly #heartbeats: Heartbeats;
  readonly #round: PublishRound;
  /** Hand-overs under way, counted anew at each tick. */
  #yielding = 0;
  #expireAt: number;
  #quiescedUntil = Number.NEGATIVE_INFINITY;
  #stopped = false;
  readonly #trust: StoreTrust;
  #diverged: { p: number; seq: number }[] = [];

  constructor(options: NodeOptions) {
    this.node = options.node;
    this.store = options.store;
    this.incarnation = options.incarnation;
    this.me = replicaId(options.node, options.store);
    this.rules = options.rules ?? soundRules;
    this.tuning = options.tuning ?? limits;
    this.now = options.now;
    this.#trust = new StoreTrust(options.damaged ?? false);
    this.#stored = new Map(options.stored.map((s) => [s.partition, s]));
    this.#startedAt = options.now;
    this.#expireAt = options.now;
    this.#random = new Random(options.seed);
    this.#gone = new GoneProcesses(this.rules);
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
    return this.#mapReads.count;
  }

  reconsider(): void {
    this.#round.reconsider();
  }

  diverged({ p, divergedAt }: LocalReplica): void {
    this.#diverged.push({ p, seq: divergedAt as number });
  }

  trustChanged({ check }: LocalReplica): void {
    this.#round.reconsider();
    if (check.trust === 'damaged') this.#trust.foundDamaged();
    this.#trust.look(this.registered, this.replicas.values());
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
    this.#disk.add(replica, record);
  }

  reply(origin: number, response: ClientResponse): void {
    this.#outbox.reply(origin, response);
  }

  wantMap(): void {
    this.#mapReads.want();
  }

  touch(replica: LocalReplica): void {
    this.#touched.add(replica);
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
    return this.#map !== null && this.#gone.isGone(this.#map, process);
  }

  isNodeGone(node: NodeId): boolean {
    return this.#map === null || this.#gone.isNodeGone(this.#map, node);
  }

  isReplicaGone(replica: ReplicaId): boolean {
    return this.#map !== null && this.#gone.isReplicaGone(this.#map, replica);
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
        if (event.read !== null) this.#mapReads.ended();
        if (event.map === null) this.wantMap();
        else this.#onMap(event.map, event.read);
        break;
      case 'map-unreadable':
        this.#mapReads.ended();
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
    if (m.type === 'beacon') this.#heartbeats.onBeacon(from, m);
    else if (m.type === 'beacon-ack') this.#heartbeats.onBeaconAck(from, m);
    else deliver(this, from, m);
  }

  /** What two of its own primaries tell each other arrives at once. */
  #deliverLocal(): void {
    while (this.#local.length > 0) {
      const messages = this.#local;
      this.#local = [];
      for (const message of messages) deliverTx(this, message);
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
    if (this.#map === null || this.#round.needsMap || this.#mapReads.isDue(this.now)) this.wantMap();
    if (this.#map !== null) {
      this.#liveness.tick(this.now, this.others(), this.timings.leaseMs);
      this.#drop();
    }
    this.#yielding = 0;
    for (const { lead } of this.replicas.values()) if (lead?.yielding === true) this.#yielding++;
    const expire = this.now >= this.#expireAt;
    if (expire) this.#expireAt = this.now + 1000;
    this.#trust.look(this.registered, this.replicas.values());
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
    if (this.#mapReads.isOlder(map.revision)) {
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
      if (replica.confirmed(read)) this.wantMap();
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
        const trust = this.#trust.isDamaged ? 'damaged' : fresh ? 'checked' : 'unchecked';
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
    if (!this.#gone.refused(process)) return;
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
    for (const replica of this.#touched) replica.flush();
    this.#touched.clear();
    const publish = this.#publish();
    const write = this.#disk.take(this.now);
    const readMap = this.#mapReads.next(this.now, this.revision, this.timings.graceMs);
    const damaged = this.#trust.takeNews();
    const diverged = this.#diverged;
    this.#diverged = [];
    return { write, publish, readMap, damaged, diverged, ...this.#outbox.take() };
  }

  /** See `takeCheckpoint` in checkpoints.ts. */
  takeCheckpoint(from = 0, most = Number.POSITIVE_INFINITY): CheckpointPart {
    return takeCheckpoint(this.replicas, from, most);
  }

  /** Those deltas did not get into the checkpoint: the next ones have everything. */
  checkpointFailed(deltas: readonly CheckpointDelta[]): void {
    for (const { partition } of deltas) this.replicas.get(partition)?.machine.markFull();
  }

  /** For status: every replica held here. */
  status(): ReplicaStatus[] {
    return [...this.replicas.values()].map(statusOf);
  }
}
