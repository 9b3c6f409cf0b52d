import { limits } from '../../limits.js';
import { TurnoverMap, TurnoverSet } from '../../util/turnover.js';
import { type Applied, asItem, tooManyResults } from '../machine/machine.js';
import { SnapshotWriter } from '../machine/pieces.js';
import { growthOf } from '../machine/size.js';
import type { Command, OpResult, Query, QueryResult, SessionId, TxId, TxItem } from '../machine/types.js';
import { handedOver, sameSet } from '../map/changes.js';
import {
  type NodeId,
  nodeOf,
  type PartitionConfig,
  type Process,
  type ReplicaId,
  replicaId,
} from '../map/types.js';
import type { ClientRequest, ClientResponse, PeerMessage, Refusal } from '../messages.js';
import { provenAnswers } from '../reachability.js';
import { itemsProblem } from '../transaction/items.js';
import { type TxHost, TxLead, type TxRequest } from '../transaction/tx-lead.js';
import type { ReplicaContext } from './context.js';
import type { LogEntry } from './log.js';
import { isLonger } from './log-check.js';
import type { Replica } from './replica.js';
import { Stream } from './stream.js';

type Write = Extract<ClientRequest, { type: 'write' }>;

/** A committed answer that waits until enough replicas are in sync (R5). */
interface Held {
  readonly origins: readonly number[];
  readonly response: ClientResponse;
}

/** A hand-over under way (section 2): nothing new is admitted, what was is drained, then it is published, then nothing is read. */
interface Yielding {
  readonly to: ReplicaId;
  readonly since: number;
  /** The publish has been handed out: from now on another may act. */
  published: boolean;
}

/** A replica near the tail by this many entries may be grown into the in-sync set. */
const nearTail = 256;
/** How long a publish waits for hand-overs that have just begun, so that they can be in it, in ms. */
const drainMs = 50;

/** A ticket's place at a lock. Whatever is in either, no other two make the same. */
const placeOf = (lock: string, ticket: string): string => `${lock.length}:${lock}${ticket}`;

/** What a replica does while it is primary of an epoch: orders, replicates, commits, answers (PROTOCOL.md R2–R11). */
export class Lead {
  readonly epoch: number;
  /** The barrier of this epoch; nothing is served before it is committed. */
  readonly barrierSeq: number;
  readonly startedAt: number;
  serving = false;
  readonly streams = new Map<ReplicaId, Stream>();
  /** M without this replica (R3). */
  #required: Stream[] = [];
  /** Who waits for which entry. */
  readonly #waiters = new TurnoverMap<number, number[]>();
  /** The operations in the uncommitted pipeline: the first place where a duplicate is looked up. */
  readonly #pipeline = new TurnoverMap<string, number>();
  /** About the size of the entries accepted in this epoch and not yet committed. */
  #pipelineBytes = 0;
  #held: Held[] = [];
  readonly #tx: TxLead;
  /** When holders, and those who wait, run out of time, by lock and ticket. */
  readonly #lapses = new TurnoverMap<string, number>();
  readonly #lapsing = new TurnoverSet<string>();
  /** Questions for a place in a queue, kept until there is news. */
  #awaiting: { origin: number; query: Extract<Query, { type: 'await' }>; until: number }[] = [];
  /** When the commit point last moved, or there was nothing to commit; and when that was last looked at. */
  #commitMovedAt: number;
  #watchedAt: number;
  /** When a heartbeat last claimed nothing although this is the primary (R11a). */
  #withheldAt = Number.NEGATIVE_INFINITY;
  /** Removed because it held up the others: not to be added again before this, on this clock, and how often that was. */
  readonly #laggards = new Map<ReplicaId, { readonly until: number; readonly times: number }>();
  #yielding: Yielding | null = null;
  /** No hand-over before this, on this clock: the last one failed. */
  #yieldNotBefore = 0;
  /** What came in during a hand-over, or before this new primary was ready, in order. */
  #parked: { readonly origin: number; readonly request: ClientRequest }[] = [];
  /** Only for the variant that remembers a lease as a flag. */
  #leaseFlag = false;
  readonly #replica: Replica;
  readonly #ctx: ReplicaContext;

  constructor(replica: Replica, ctx: ReplicaContext) {
    this.#replica = replica;
    this.#ctx = ctx;
    this.epoch = replica.config.epoch;
    this.barrierSeq = replica.log.tailSeq + 1;
    this.startedAt = ctx.now;
    this.#commitMovedAt = ctx.now;
    this.#watchedAt = ctx.now;
    this.#tx = new TxLead(this.#txHost());
  }

  #txHost(): TxHost {
    const lead = this;
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
        return lead.serving && lead.#yielding === null && replica.lead === lead;
      },
      get enoughInSync() {
        return lead.enoughInSync;
      },
      current: () => lead.#yielding?.published !== true && lead.holdsLeases(),
      mayWrite: () => lead.#mayWrite(),
      noRoom: (growth) => lead.#noRoom(growth),
      append: (command) => lead.#accept(command, []),
      tell: (p, message) => ctx.tell(p, message),
      reply: (origin, response) =>
        response.ok ? lead.#replyHeld([origin], response) : ctx.reply(origin, response),
      reached: (step, tx) => ctx.reached(step, tx),
    };
  }

  /** The transactions of this partition. */
  get tx(): TxLead {
    return this.#tx;
  }

  get #config(): PartitionConfig {
    return this.#replica.config;
  }

  start(): void {
    this.configured();
  }

  /** Nobody else will answer those who wait: they are told that the fate of their request is open. */
  end(): void {
    const moved = this.#refuse('moved', 'the partition has another primary now', true);
    for (const origins of this.#waiters.values())
      for (const origin of origins) this.#ctx.reply(origin, moved);
    for (const { origins } of this.#held) for (const origin of origins) this.#ctx.reply(origin, moved);
    for (const origin of this.#tx.end()) this.#ctx.reply(origin, moved);
    for (const { origin } of this.#awaiting)
      this.#ctx.reply(origin, this.#refuse('moved', 'the partition has another primary now'));
    this.#awaiting = [];
    this.#waiters.clear();
    this.#held = [];
    // Those were never taken in.
    const elsewhere = this.#refuse('moved', 'the partition has another primary now');
    for (const { origin } of this.#parked) this.#ctx.reply(origin, elsewhere);
    this.#parked = [];
    for (const stream of this.streams.values()) this.#ctx.copies.release(stream);
  }

  // ---- configuration

  /** The map says something new of this partition in this epoch, or of the members. */
  configured(): void {
    const { target, inSync, placed } = this.#config;
    const wanted = new Set<ReplicaId>();
    for (const replica of inSync) if (!this.#replica.isMe(replica)) wanted.add(replica);
    for (const node of target) {
      const member = this.#ctx.map.members[node];
      if (node === this.#ctx.node || member === undefined || member.incarnation === 0) continue;
      if (!this.#ctx.rules.wipedDiskIsAnotherReplica && inSync.some((r) => nodeOf(r) === node)) continue;
      wanted.add(replicaId(node, member.store));
    }
    // A candidate in a publish under way stays required until its fate is known.
    const settled = this.#replica.pending === null;
    for (const [id, stream] of this.streams) {
      // A learner of an earlier placement may have dropped what it acked then.
      const stale =
        this.#ctx.rules.streamsOfPlacement && stream.placed !== placed && !inSync.includes(stream.replica);
      if ((wanted.has(id) && !stale) || (!settled && stream.candidate)) continue;
      this.streams.delete(id);
      this.#ctx.copies.release(stream);
    }
    for (const id of wanted) {
      if (this.streams.has(id)) continue;
      const stream = new Stream(id, nodeOf(id), placed, this.#replica.log.tailSeq);
      this.streams.set(id, stream);
      this.attach(stream);
    }
    // What an earlier start of its store acknowledged, this one may not have.
    for (const stream of this.streams.values())
      if (stream.incarnation !== this.#incarnationOf(stream)) this.attach(stream);
    this.#setRequired();
    this.#releaseHeld();
    this.advance();
  }

  #setRequired(): void {
    const { inSync } = this.#config;
    const pending = this.#ctx.rules.shrinkAfterConfirm ? null : this.#replica.pending;
    this.#required = [];
    for (const stream of this.streams.values()) {
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

  /** A publish was asked for or has ended. */
  settled(): void {
    this.configured();
    if (this.#yielding?.published !== true) return;
    // It did not take effect. When only another's publish came first, it is tried again before anybody is let in.
    const { since } = this.#yielding;
    if (this.#mayTryAgain(since)) this.#yielding.published = false;
    else this.#goOn();
  }

  #mayTryAgain(since: number): boolean {
    const to = this.#successor();
    return this.#ctx.now - since < limits.handoverMs / 2 && to?.replica === this.#yielding?.to;
  }

  asked(): void {
    if (this.#yielding !== null) this.#yielding.published = true;
    if (!this.#ctx.rules.shrinkAfterConfirm) {
      this.#setRequired();
      this.advance();
    }
  }

  #incarnationOf({ node }: Stream): number {
    return this.#ctx.map.members[node]?.incarnation ?? 0;
  }

  attach(stream: Stream): void {
    stream.incarnation = this.#incarnationOf(stream);
    // A new primary asks for the place before its barrier, which goes along: who agrees there has it in one round trip.
    const next = this.serving ? this.#replica.log.tailSeq + 1 : this.barrierSeq;
    stream.attach(this.#ctx.nextStream(), next, this.#ctx.now);
    this.#ctx.touch(this.#replica);
  }

  /** The link to a node is new: what was under way on the old one may be lost. */
  relinked(node: NodeId): void {
    for (const stream of this.streams.values()) if (stream.node === node) this.attach(stream);
  }

  /** The in-sync set this primary would like (R7, R8); null when the map's is right. */
  wants(): PartitionConfig | null {
    const ctx = this.#ctx;
    const config = this.#config;
    if (config.epoch !== this.epoch || this.#replica.pending !== null || this.#isStuckItself()) return null;
    if (this.#yielding !== null) return this.#drained() ? this.#handover(this.#yielding.to) : null;
    const present = config.inSync.filter((r) => this.#replica.isMe(r) || !this.#shouldRemove(r));
    const keep = this.#withoutLaggards(present);
    if (keep.length < config.inSync.length && keep.length < ctx.map.settings.minInSync) {
      // Below min-in-sync only repair and reads go on: give the members, or a better connected primary, more time.
      if (config.inSync.some((r) => !keep.includes(r) && !this.#silentFor(r, 2 * ctx.timings.graceMs)))
        return null;
      // And who is cut off leaves it to those who are enough (R9b).
      if (!this.#replica.reachesEnough(provenAnswers)) return null;
    }
    const inSync = this.#retire(keep);
    for (const stream of this.streams.values()) {
      if (!config.inSync.includes(stream.replica) && this.#mayAdd(stream)) inSync.push(stream.replica);
    }
    return sameSet(inSync, config.inSync) ? null : { ...config, inSync };
  }

  /** Of those that hold up the others, as many may go as leave enough to take writes. */
  #withoutLaggards(present: readonly ReplicaId[]): readonly ReplicaId[] {
    let spare = present.length - this.#ctx.map.settings.minInSync;
    return present.filter((replica) => !this.#isLaggard(replica) || spare-- <= 0);
  }

  #isLaggard(replica: ReplicaId): boolean {
    return this.#ctx.now < (this.#laggards.get(replica)?.until ?? 0);
  }

  /** It has held up the others, and those in sync can do without it for now. */
  #isKeptOut({ replica }: Stream): boolean {
    return this.#isLaggard(replica) && this.#config.inSync.length >= this.#ctx.map.settings.minInSync;
  }

  /** It is there, and would not hold up those who are in sync. */
  #mayBeCandidate(stream: Stream): boolean {
    return this.#holdsLease(stream) && !this.#ctx.isReplicaGone(stream.replica) && !this.#isKeptOut(stream);
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

  // ---- hand-over (section 2, step 2)

  get yielding(): boolean {
    return this.#yielding !== null;
  }

  /** It is about to be ready to hand over. */
  get draining(): boolean {
    const yielding = this.#yielding;
    return (
      yielding !== null && !yielding.published && this.#ctx.now - yielding.since < drainMs && !this.#drained()
    );
  }

  /** Who ought to be primary instead of this replica, as placement has it, and could be at once; null: nobody. */
  #successor(): Stream | null {
    const ctx = this.#ctx;
    const { target } = this.#config;
    if (target[0] === ctx.node) return null;
    for (const [rank, node] of target.entries()) {
      // Once it is in the placement itself, a primary yields to the first choice only.
      if (rank > 0 && target.includes(ctx.node)) return null;
      const member = ctx.map.members[node];
      const stream = member && this.streams.get(replicaId(node, member.store));
      if (stream === undefined || !this.#holdsLease(stream) || ctx.isReplicaGone(stream.replica)) continue;
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

  #considerYielding(): void {
    const ctx = this.#ctx;
    if (this.#yielding !== null) {
      const stuck = ctx.now - this.#yielding.since >= limits.handoverMs;
      if (!stuck) return;
      // Unknown whether another acts by now: refuse rather than wait on. Else it was a slow disk, or the other died.
      if (this.#yielding.published) this.#refuseParked();
      else this.#goOn();
      return;
    }
    if (!this.serving || this.#replica.pending !== null || this.#config.epoch !== this.epoch) return;
    if (ctx.quiesced || ctx.now < this.#yieldNotBefore || !this.enoughInSync) return;
    for (const stream of this.streams.values()) if (stream.candidate) return;
    const to = this.#successor();
    if (to === null || !ctx.mayYield()) return;
    this.#tx.finish();
    this.#yielding = { to: to.replica, since: ctx.now, published: false };
    ctx.reconsider();
  }

  /** Everything admitted is committed, and the successor has it. */
  #drained(): boolean {
    const { log, commit } = this.#replica;
    const stream = this.#yielding === null ? undefined : this.streams.get(this.#yielding.to);
    return stream !== undefined && commit === log.tailSeq && stream.match === log.tailSeq;
  }

  #handover(to: ReplicaId): PartitionConfig | null {
    const { node, store, incarnation, map } = this.#ctx;
    const member = map.members[nodeOf(to)];
    if (member === undefined || replicaId(member.id, member.store) !== to) return null;
    return handedOver(this.#config, to, member.incarnation, { node, store, incarnation });
  }

  /** The hand-over did not come about: this replica is primary still, and takes up what came in. */
  #goOn(): void {
    this.#yielding = null;
    this.#yieldNotBefore = this.#ctx.now + limits.handoverMs;
    this.#unpark();
  }

  #unpark(): void {
    const parked = this.#parked;
    this.#parked = [];
    for (const { origin, request } of parked) this.handle(origin, request);
  }

  #refuseParked(): void {
    const refusal = this.#refuse('unavailable', this.#parkedWhy());
    for (const { origin } of this.#parked) this.#ctx.reply(origin, refusal);
    this.#parked = [];
  }

  /** What was sent to bring that replica in sync, in UTF-16 code units of keys and values. */
  copiedTo(replica: ReplicaId): number {
    return this.streams.get(replica)?.copied ?? 0;
  }

  #silentFor(replica: ReplicaId, ms: number): boolean {
    const stream = this.streams.get(replica);
    if (stream === undefined) return true;
    const { now, timings } = this.#ctx;
    let heard = Math.max(stream.leaseFrom, this.startedAt);
    // One that was not asked for a lease cannot have granted any.
    if (now - this.#withheldAt < timings.leaseMs + timings.beaconMs)
      heard = Math.max(heard, this.#ctx.answeredAt(stream.node));
    return now - heard >= ms;
  }

  onClaimWithheld(): void {
    this.#withheldAt = this.#ctx.now;
  }

  /** Its own disk holds up everything: that is no reason to remove others. */
  #isStuckItself(): boolean {
    const { log, durable, commit } = this.#replica;
    return this.#ctx.isDiskSlow && durable <= commit && log.tailSeq > commit;
  }

  /** A replica that asks how far logs go lacks news of the commit point. */
  onTailAsk(node: NodeId): void {
    for (const stream of this.streams.values()) if (stream.node === node) stream.commitSent = 0;
  }

  #shouldRemove(replica: ReplicaId): boolean {
    if (this.#ctx.isReplicaGone(replica) || this.#silentFor(replica, this.#ctx.timings.leaseMs)) return true;
    const since = this.streams.get(replica)?.stalledSince ?? null;
    return since !== null && this.#ctx.now - since >= this.#ctx.timings.stallMs;
  }

  /** R8: first the candidate is required, then, once it holds every committed entry and a lease, it may be published. */
  #mayAdd(stream: Stream): boolean {
    const { rules } = this.#ctx;
    if (rules.growAfterBarrier && !this.serving) return false;
    const { log, commit } = this.#replica;
    if (!rules.growNeedsMatch) return stream.state === 'replicate';
    const alive = this.#mayBeCandidate(stream);
    if (stream.state !== 'replicate' || stream.match < log.tailSeq - nearTail || !alive) {
      if (stream.candidate && this.#replica.pending === null) {
        stream.candidate = false;
        this.#setRequired();
        this.advance();
      }
      return false;
    }
    if (!stream.candidate) {
      stream.candidate = true;
      this.#ctx.copies.release(stream);
      this.#setRequired();
    }
    return stream.match >= commit;
  }

  /** A candidate that was never asked for and has died must not hold up those who are in sync. */
  #dropDeadCandidates(): void {
    if (this.#replica.pending !== null) return;
    let dropped = false;
    for (const stream of this.streams.values()) {
      if (!stream.candidate || this.#mayBeCandidate(stream)) continue;
      stream.candidate = false;
      dropped = true;
    }
    if (dropped) this.#setRequired();
  }

  #holdsLease(stream: Stream): boolean {
    return this.#ctx.now < stream.leaseFrom + this.#ctx.timings.leaseMs;
  }

  // ---- requests

  #refuse(code: Refusal['code'], message: string, mayHaveRun = false): Refusal {
    const revision = this.#ctx.map.revision;
    return mayHaveRun
      ? { ok: false, code, message, revision, mayHaveRun }
      : { ok: false, code, message, revision };
  }

  /** R5, counting a removal that is not confirmed yet as done. */
  get enoughInSync(): boolean {
    if (!this.#ctx.rules.minInSync) return true;
    const count = Math.min(
      this.#config.inSync.length,
      this.#replica.pending?.inSync.length ?? Number.POSITIVE_INFINITY,
    );
    return count >= this.#ctx.map.settings.minInSync;
  }

  /** How many replicas in sync, this one included, have been heard within the grace: no other can be waited for with any hope. */
  get #answering(): number {
    if (!this.#ctx.rules.minInSync) return Number.POSITIVE_INFINITY;
    let count = 1;
    for (const { replica, candidate } of this.#required)
      if (!candidate && !this.#silentFor(replica, this.#ctx.timings.graceMs)) count++;
    return count;
  }

  /** Does it take writes: are enough replicas in sync, and do they answer? */
  get isWritable(): boolean {
    return this.serving && this.enoughInSync && this.#answering >= this.#ctx.map.settings.minInSync;
  }

  #mayWrite(): Refusal | null {
    if (!this.serving) return this.#refuse('unavailable', 'the primary is new and not ready yet');
    if (this.#ctx.quiesced) return this.#refuse('unavailable', 'the cluster is about to stop');
    if (!this.enoughInSync) {
      const { replicas, minInSync } = this.#ctx.map.settings;
      const count = this.#config.inSync.length;
      const message = `partition ${this.#replica.p} has ${count} of ${replicas} replicas in sync and needs ${minInSync}`;
      return this.#refuse('unavailable', message);
    }
    const answer = this.#answering;
    const { minInSync } = this.#ctx.map.settings;
    if (answer < minInSync) {
      const message = `of the replicas of partition ${this.#replica.p} in sync only ${answer} answer, and ${minInSync} are needed`;
      return this.#refuse('unavailable', message);
    }
    const waiting = this.#replica.log.tailSeq - this.#replica.commit;
    if (waiting >= this.#ctx.tuning.pipelineEntries || this.#pipelineBytes >= limits.pipelineBytes) {
      return this.#refuse(
        'busy',
        `partition ${this.#replica.p} has ${waiting} entries waiting to be replicated`,
      );
    }
    return null;
  }

  /** Why so many more UTF-16 code units may not be kept; null: they may. Nothing of what is refused is in the log. */
  #noRoom(growth: number): Refusal | null {
    const held = this.#replica.machine.heldUnits + this.#pipelineBytes;
    return growth > 0 && held + growth > limits.partitionUnits
      ? this.#refuse('busy', `partition ${this.#replica.p} is full: it holds ${held} characters`)
      : null;
  }

  #unacknowledged({ session, n, first }: Pick<Write, 'session' | 'n' | 'first'>): Refusal | null {
    return this.#replica.machine.hasUnacknowledged(session, n, first)
      ? this.#refuse('busy', tooManyResults)
      : null;
  }

  handle(origin: number, request: ClientRequest): void {
    if ((this.#yielding !== null || !this.serving) && this.#park(origin, request)) return;
    switch (request.type) {
      case 'write':
        this.#write(origin, request);
        break;
      case 'read':
        this.#read(origin, request.query);
        break;
      case 'open':
        this.#open(origin);
        break;
      case 'close':
        this.#close(origin, request.session);
        break;
      case 'tx':
        this.#transact(origin, request);
        break;
      case 'abort':
        this.#abort(origin, request.tx);
        break;
    }
  }

  #abort(origin: number, tx: TxId): void {
    if (!this.serving) {
      this.#ctx.reply(origin, this.#refuse('unavailable', 'the primary is new and not ready yet'));
      return;
    }
    const state = this.#tx.abort(tx);
    if (typeof state === 'string') {
      this.#ctx.reply(origin, { ok: true, type: 'abort', state });
      return;
    }
    const message =
      state.length === 0
        ? 'the transaction is about to be decided'
        : `its coordinator died, and it is committed if partition ${state.join(', ')} has prepared: nobody there says so yet`;
    this.#ctx.reply(origin, this.#refuse('busy', message));
  }

  /** A transaction over several partitions; a duplicate is answered, or waits with the first. */
  #transact(origin: number, request: TxRequest): void {
    const refusal = this.#mayWrite();
    if (refusal !== null) {
      this.#ctx.reply(origin, refusal);
      return;
    }
    const { session, n, first } = request;
    const known = this.#replica.machine.lookup(session, n, first);
    if (known !== null) {
      this.#ctx.reply(origin, this.#answerKnown(known));
      return;
    }
    if (this.#refuseItems(origin, request.op.items, null)) return;
    const lacking = this.#unacknowledged(request);
    if (lacking !== null) {
      this.#ctx.reply(origin, lacking);
      return;
    }
    this.#replica.lastActive.set(session, this.#ctx.now);
    this.#tx.begin(origin, request);
  }

  /** Refuses what no client of ours sends. */
  #refuseItems(origin: number, items: readonly TxItem[], p: number | null): boolean {
    const problem = itemsProblem(items, p, this.#ctx.map.partitions.length);
    if (problem !== null) this.#ctx.reply(origin, this.#refuse('bad-message', problem));
    return problem !== null;
  }

  /** What an operation does, for transactions that may hold its keys. */
  #itemsOf(op: Write['op']): readonly TxItem[] {
    switch (op.type) {
      case 'tx':
        return op.items;
      case 'put':
      case 'delete':
      case 'incr':
      case 'reset':
        return [asItem(op)];
      default:
        return [];
    }
  }

  /**
   * Keeps a request until the hand-over has ended, or this new primary is ready; not for long. During a hand-over a read is
   * answered as long as nobody else can act.
   */
  #park(origin: number, request: ClientRequest): boolean {
    const since = this.#yielding?.since ?? this.startedAt;
    if (this.#yielding?.published === false && request.type === 'read') return false;
    if (this.#ctx.now - since >= limits.handoverMs) {
      if (this.#yielding === null) return false;
    } else if (this.#parked.length < this.#ctx.tuning.pipelineEntries) {
      this.#parked.push({ origin, request });
      return true;
    }
    this.#ctx.reply(origin, this.#refuse('unavailable', this.#parkedWhy()));
    return true;
  }

  #parkedWhy(): string {
    return this.#yielding === null
      ? 'the primary is new and not ready yet'
      : 'the partition is being handed over to another primary';
  }

  #open(origin: number): void {
    const refusal = this.#mayWrite() ?? this.#noRoom(64);
    if (refusal !== null) this.#ctx.reply(origin, refusal);
    else if (this.#replica.machine.sessionCount >= limits.sessionsPerPartition) {
      this.#ctx.reply(
        origin,
        this.#refuse(
          'busy',
          `partition ${this.#replica.p} keeps ${limits.sessionsPerPartition} sessions already`,
        ),
      );
    } else this.#accept({ type: 'open', gen: this.#config.gen }, [origin]);
  }

  #close(origin: number, session: SessionId): void {
    const refusal = this.#mayWrite();
    if (refusal !== null) this.#ctx.reply(origin, refusal);
    else this.#accept({ type: 'close', session }, [origin]);
  }

  #write(origin: number, request: Write): void {
    const refusal = this.#mayWrite();
    if (refusal !== null) {
      this.#ctx.reply(origin, refusal);
      return;
    }
    const { session, n, first, op } = request;
    if (op.type === 'resolve' && this.#tx.isOpen(session, n)) {
      this.#ctx.reply(origin, this.#refuse('busy', 'a transaction under that number is not decided yet'));
      return;
    }
    if (op.type === 'tx' && this.#refuseItems(origin, op.items, this.#replica.p)) return;
    const items = this.#itemsOf(op);
    if (this.#tx.blocks(items)) {
      const busy = this.#refuse('busy', `a transaction that is not finished holds ${op.key}`);
      const give = (): void => this.#ctx.reply(origin, busy);
      this.#tx.wait(items, null, () => this.handle(origin, request), give, limits.txWaitMs);
      return;
    }
    if (this.#ctx.rules.dedup) {
      const known = this.#replica.machine.lookup(session, n, first);
      if (known !== null) {
        this.#ctx.reply(origin, this.#answerKnown(known));
        return;
      }
      const waiting = this.#pipeline.get(`${session}:${n}`);
      if (waiting !== undefined) {
        this.#waiters.get(waiting)?.push(origin);
        return;
      }
    }
    const growth = growthOf(op, this.#replica.machine.cells);
    const lacking = this.#noRoom(growth) ?? (growth > 0 ? this.#unacknowledged(request) : null);
    if (lacking !== null) {
      this.#ctx.reply(origin, lacking);
      return;
    }
    this.#replica.lastActive.set(session, this.#ctx.now);
    this.#accept({ type: 'op', session, n, first, op }, [origin]);
  }

  #answerKnown(known: OpResult | 'unknown-session' | 'forgotten' | 'beyond'): ClientResponse {
    if (known === 'unknown-session')
      return this.#refuse(
        'session-expired',
        'the session is not known here: it was idle too long or was closed',
      );
    if (known === 'beyond')
      return this.#refuse('busy', `a session has at most ${limits.sessionWindow} operations under way`);
    if (known === 'forgotten') {
      const message = 'the session has already acknowledged a later operation';
      return { ok: true, type: 'write', result: { ok: false, code: 'outcome-unknown', message } };
    }
    return { ok: true, type: 'write', result: known };
  }

  #accept(command: Command, origins: readonly number[]): void {
    this.#tx.finish();
    const entry = this.#replica.appendEntry(command, this.epoch);
    this.#pipelineBytes += entry.size;
    if (command.type === 'op') this.#pipeline.set(`${command.session}:${command.n}`, entry.seq);
    if (origins.length > 0) this.#waiters.set(entry.seq, [...origins]);
    this.#ctx.touch(this.#replica);
    if (!this.#ctx.rules.replyAfterReplication) this.advance();
  }

  /** An entry was applied: its answer goes to whoever waits for it. */
  answer({ seq, command, size }: LogEntry, applied: Applied): void {
    if (seq > this.barrierSeq) this.#pipelineBytes -= size;
    if (command.type === 'op') this.#pipeline.delete(`${command.session}:${command.n}`);
    const origins = this.#waiters.get(seq);
    this.#waiters.delete(seq);
    if (origins !== undefined) this.#replyHeld(origins, this.#responseTo(applied));
    this.#took(command, applied, seq);
  }

  /** Answers what is committed as soon as enough are in sync (R5). */
  #replyHeld(origins: readonly number[], response: ClientResponse): void {
    if (this.enoughInSync) for (const origin of origins) this.#ctx.reply(origin, response);
    else this.#held.push({ origins, response });
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
          this.#renewed(command.op.key, command.op.token);
        if (command.op.type === 'release' || command.op.type === 'leave') this.#answerAwaiting();
        break;
      case 'lapse':
        this.#lapsing.delete(placeOf(command.lock, command.ticket));
        this.#answerAwaiting();
        break;
    }
  }

  // ---- locks (section 6): time runs here, and enters the log as `lapse`

  #renewed(name: string, token: number): void {
    const holder = this.#replica.machine.rows.get('lock', name)?.holders.find((h) => h.token === token);
    if (holder !== undefined) this.#lapses.set(placeOf(name, holder.ticket), this.#ctx.now + holder.ttl);
  }

  /** Whoever is new here, or was here when this primary began, gets its full time from now on. */
  #lapseLocks(): void {
    if (!this.serving || this.#yielding !== null) return;
    const { now, rules } = this.#ctx;
    const present = new Set<string>();
    const look = (name: string, ticket: string, ms: number, renewed: number): void => {
      const kind = renewed === 0 ? '?' : '';
      const id = placeOf(name, ticket);
      // A waiter that was granted the lock begins anew.
      const key = `${kind}${id}`;
      present.add(key);
      let at = this.#lapses.get(key);
      if (at === undefined) {
        at = now + (rules.locksOutliveFailover || this.barrierSeq === 1 ? ms : this.#sinceFailover(ms));
        this.#lapses.set(key, at);
      }
      if (now < at || this.#lapsing.has(id)) return;
      this.#lapsing.add(id);
      this.#accept({ type: 'lapse', lock: name, ticket, renewed }, []);
    };
    for (const [name, { holders, queue }] of this.#replica.machine.rows.of('lock')) {
      for (const { ticket, ttl, renewed } of holders) look(name, ticket, ttl, renewed);
      for (const { ticket } of queue) look(name, ticket, limits.lockWaiterMs, 0);
    }
    for (const key of this.#lapses.keys()) if (!present.has(key)) this.#lapses.delete(key);
  }

  /** Only for the variant that takes a lock found at a failover for expired. */
  #sinceFailover(ms: number): number {
    return this.#ctx.now - this.startedAt < 200 ? 0 : ms;
  }

  #await(origin: number, query: Extract<Query, { type: 'await' }>): void {
    const { now } = this.#ctx;
    // Whoever asks is still there.
    this.#lapses.set(`?${placeOf(query.key, query.ticket)}`, now + limits.lockWaiterMs);
    this.#awaiting.push({ origin, query, until: now + limits.lockAwaitMs });
    this.#answerAwaiting();
  }

  #answerAwaiting(): void {
    if (this.#awaiting.length === 0) return;
    const awaiting = this.#awaiting;
    this.#awaiting = [];
    const { now } = this.#ctx;
    for (const one of awaiting) {
      const lock = this.#replica.machine.rows.get('lock', one.query.key);
      const waits = lock?.queue.some((w) => w.ticket === one.query.ticket) === true;
      if (waits && now < one.until) this.#awaiting.push(one);
      else this.#answerRead(one.origin, one.query);
    }
  }

  #responseTo(applied: Applied): ClientResponse {
    switch (applied.type) {
      case 'op':
      case 'decided':
        return { ok: true, type: 'write', result: applied.result };
      case 'opened':
        return { ok: true, type: 'open', session: applied.session };
      case 'refused-open':
        return this.#refuse(
          'busy',
          `partition ${this.#replica.p} keeps ${limits.sessionsPerPartition} sessions already`,
        );
      case 'vote':
      case 'closed':
      case 'none':
        return { ok: true, type: 'close' };
    }
  }

  #releaseHeld(): void {
    if (this.#held.length === 0 || !this.enoughInSync) return;
    const held = this.#held;
    this.#held = [];
    for (const { origins, response } of held) for (const origin of origins) this.#ctx.reply(origin, response);
  }

  /** R11: read the committed state first, then look at the clock. */
  #read(origin: number, query: Query, until = this.#ctx.now + limits.txWaitMs): void {
    if (!this.serving) {
      this.#ctx.reply(origin, this.#refuse('unavailable', 'the primary is new and not ready yet'));
      return;
    }
    if (query.type === 'await') this.#await(origin, query);
    else if (this.#tx.blocksRead(query)) {
      const busy = this.#refuse('busy', 'a transaction that is not finished writes there');
      const items: TxItem[] = query.type === 'get' ? [{ type: 'get', key: query.key }] : [];
      const go = (): void => this.#read(origin, query, until);
      this.#tx.wait(items, null, go, () => this.#ctx.reply(origin, busy), until - this.#ctx.now);
    } else this.#answerRead(origin, query);
  }

  #answerRead(origin: number, query: Query): void {
    const result: QueryResult =
      query.type === 'trace'
        ? { type: 'trace', events: this.#tx.trace(query.tx) }
        : query.type === 'rows' && query.kind === 'tx'
          ? this.#replica.machine.rows.page('tx', query.after, this.#tx.pending())
          : this.#replica.machine.query(query);
    if (this.#mayRead()) this.#ctx.reply(origin, { ok: true, type: 'read', result });
    else
      this.#ctx.reply(
        origin,
        this.#refuse('unavailable', 'the primary cannot prove that it still is the primary'),
      );
  }

  #mayRead(): boolean {
    const { rules } = this.#ctx;
    if (!rules.readsNeedLease) return true;
    if (!rules.leaseCheckedPerRead) return this.#leaseFlag;
    return this.holdsLeases();
  }

  /** Does every other member of M promise, as of now, not to act in another epoch? */
  holdsLeases(): boolean {
    for (const stream of this.#required) if (!this.#holdsLease(stream)) return false;
    return true;
  }

  // ---- replication

  /** Moves the commit point to what all of M has on disk. */
  advance(): void {
    const replica = this.#replica;
    if (replica.lead !== this) return;
    const ctx = this.#ctx;
    let point = replica.durable;
    if (ctx.rules.replyAfterReplication)
      for (const stream of this.#required) point = Math.min(point, stream.match);
    if (ctx.rules.commitsFromBarrier && point < this.barrierSeq) return;
    if (point <= replica.commit) return;
    // R10: whoever was told that it is primary must have lost its leases before anything is committed here.
    if (!replica.graceIsOver()) return;
    replica.commitTo(point);
    this.#commitMovedAt = ctx.now;
    this.serving = true;
    replica.agreesThrough(this.barrierSeq);
    if (this.#parked.length > 0 && this.#yielding === null) this.#unpark();
    if (this.#yielding !== null && this.#drained()) ctx.reconsider();
  }

  onAck(from: ReplicaId, epoch: number, id: number, match: number): void {
    const stream = this.streams.get(from);
    if (stream === undefined || epoch !== this.epoch || id < stream.attachedId || id > stream.id) return;
    if (stream.state !== 'replicate') {
      stream.overwrite = stream.state === 'probe' && this.#isSnapshotSmaller(stream, match);
      stream.state = stream.overwrite ? 'probe' : 'replicate';
      stream.probing = stream.overwrite;
      stream.snapshot = null;
      stream.next = match + 1;
    }
    stream.acked(match, this.#ctx.now);
    if (this.#ctx.rules.acksMoveOn) stream.movedOn();
    this.advance();
    if (this.#yielding?.to === stream.replica && this.#drained()) this.#ctx.reconsider();
    if (stream.next <= this.#replica.log.tailSeq) this.#ctx.touch(this.#replica);
  }

  onReject(m: Extract<PeerMessage, { type: 'reject' }>): void {
    const stream = this.streams.get(m.from);
    if (
      stream === undefined ||
      m.epoch !== this.epoch ||
      stream.id !== m.stream ||
      stream.state === 'snapshot'
    )
      return;
    const { log } = this.#replica;
    if (stream.state === 'replicate') {
      // Something on the way was lost. What it had acknowledged it has, unless its copy was made anew: then the place is to be found again.
      if (m.hintSeq >= stream.match) stream.sendAgain(this.#ctx.nextStream(), this.#ctx.now);
      else stream.attach(this.#ctx.nextStream(), Math.min(stream.match, log.tailSeq) + 1, this.#ctx.now);
      this.#ctx.touch(this.#replica);
      return;
    }
    let seq = Math.min(m.hintSeq, log.tailSeq, stream.next - 2);
    while (seq > log.baseSeq && (log.epochAt(seq) as number) > m.hintEpoch) seq--;
    stream.progressAt = this.#ctx.now;
    stream.probing = false;
    // What it has beyond that base, of earlier epochs, was never committed.
    stream.endsBefore = isLonger(log.base, { epoch: m.tailEpoch, seq: m.tailSeq });
    if (seq < log.baseSeq && !this.#mayGetSnapshot(stream)) {
      // It holds everything committed, so it must agree at the base. If it does not, it is left to be removed as stalled.
      if (stream.next - 1 === log.baseSeq) return;
      seq = log.baseSeq;
    }
    // From before the log's base on, it needs a snapshot: `flush` sends it when it is its turn.
    stream.next = seq + 1;
    this.#ctx.touch(this.#replica);
  }

  /** A snapshot replaces the whole log of the other side: never that of a replica the map counts on, unless its disk has lost all that could be lost. */
  #mayGetSnapshot(stream: Stream): boolean {
    if (stream.endsBefore) return true;
    return !this.#ctx.rules.rejectKeepsCommon || !this.#config.inSync.includes(stream.replica);
  }

  /** Would the state be less to send than the entries since `match`, many of which may write the same keys? */
  #isSnapshotSmaller(stream: Stream, match: number): boolean {
    const { log, machine, commit } = this.#replica;
    if (match < log.baseSeq || stream.candidate || this.#config.inSync.includes(stream.replica)) return false;
    let units = 0;
    for (let seq = match + 1; seq <= commit && units <= machine.units; seq++)
      units += (log.at(seq) as LogEntry).units;
    return units > machine.units;
  }

  #startSnapshot(stream: Stream): void {
    const writer = new SnapshotWriter(this.#replica.machine.snapshot());
    // Under an id of its own: pieces of an earlier snapshot that are still on the way must not get into this one.
    stream.id = this.#ctx.nextStream();
    stream.attachedId = stream.id;
    stream.state = 'snapshot';
    stream.overwrite = false;
    stream.snapshot = { writer, sent: 0, last: false, piece: '' };
    stream.progressAt = this.#ctx.now;
    this.#sendChunk(stream);
  }

  onSnapshotAck(m: Extract<PeerMessage, { type: 'snapshot-ack' }>): void {
    const stream = this.streams.get(m.from);
    if (
      stream?.snapshot == null ||
      m.epoch !== this.epoch ||
      stream.id !== m.stream ||
      m.index !== stream.snapshot.sent - 1
    )
      return;
    stream.progressAt = this.#ctx.now;
    this.#sendChunk(stream);
  }

  #sendChunk(stream: Stream): void {
    const snapshot = stream.snapshot as NonNullable<Stream['snapshot']>;
    if (snapshot.last) return;
    const { copies, now, tuning } = this.#ctx;
    stream.chunkDue = !copies.open(now);
    if (stream.chunkDue) return;
    const { chunk, units, last } = snapshot.writer.next(tuning.snapshotChunk);
    snapshot.last = last;
    snapshot.piece = chunk;
    snapshot.sent++;
    stream.copied += units;
    this.#sendPiece(stream);
  }

  /** Sends the latest piece of the snapshot, perhaps again. */
  #sendPiece(stream: Stream): void {
    const { sent, last, piece } = stream.snapshot as NonNullable<Stream['snapshot']>;
    this.#ctx.copies.spend(piece.length);
    this.#ctx.send(stream.node, {
      type: 'snapshot',
      p: this.#replica.p,
      gen: this.#config.gen,
      epoch: this.epoch,
      stream: stream.id,
      to: stream.replica,
      index: sent - 1,
      last,
      chunk: piece,
    });
  }

  /** The first entry that a live replica catching up has not got: the log is kept from there (R15). */
  oldestNeeded(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const stream of this.streams.values()) {
      if (!this.#holdsLease(stream)) continue;
      if (stream.snapshot !== null) oldest = Math.min(oldest, stream.snapshot.writer.seq + 1);
      else if (stream.state === 'replicate') oldest = Math.min(oldest, stream.match + 1);
    }
    return oldest;
  }

  /** Sends what each stream lacks, as far as its window allows. */
  flush(): void {
    const { log } = this.#replica;
    for (const stream of this.streams.values()) {
      if (!this.#maySend(stream)) continue;
      if (stream.state === 'snapshot') {
        if (stream.chunkDue) this.#sendChunk(stream);
        continue;
      }
      if (stream.next - 1 < log.baseSeq || stream.overwrite) {
        if (this.#mayGetSnapshot(stream)) this.#startSnapshot(stream);
      } else if (stream.state === 'probe') {
        if (!stream.probing) {
          stream.probing = true;
          const whole = stream.next === this.barrierSeq && !this.serving;
          const { entries, bytes } = whole
            ? log.slice(stream.next, this.#ctx.tuning.appendBytes)
            : { entries: [], bytes: 0 };
          this.#sendAppend(stream, entries, bytes);
        }
      } else {
        const { copies, tuning, now } = this.#ctx;
        const behind = this.#isBehind(stream);
        while (stream.next <= log.tailSeq && stream.flyingBytes < tuning.streamWindowBytes) {
          if (behind && !copies.open(now)) break;
          const { entries, bytes } = log.slice(stream.next, tuning.appendBytes);
          if (behind) copies.spend(bytes);
          // What was there before it came is what bringing it in sync takes; what came since, every replica is sent.
          for (let i = 0; i < entries.length && stream.next + i <= stream.foundSeq; i++)
            stream.copied += (entries[i] as LogEntry).units;
          this.#sendAppend(stream, entries, bytes);
          stream.next += entries.length;
          stream.sent(stream.next - 1, bytes, now);
        }
      }
    }
  }

  /** It is being caught up: neither required nor near the tail. */
  #isBehind(stream: Stream): boolean {
    return (
      !stream.candidate &&
      stream.inSyncSince === null &&
      stream.match < this.#replica.log.tailSeq - nearTail / 4
    );
  }

  /** Learners are caught up a few at a time; one that lacks next to nothing, or nobody knows what yet, needs no turn. */
  #maySend(stream: Stream): boolean {
    if (stream.inSyncSince !== null || stream.candidate) return true;
    const { copies } = this.#ctx;
    if (!this.#holdsLease(stream)) {
      copies.release(stream);
      return false;
    }
    if (!this.#needsTurn(stream)) return true;
    const { inSync, target } = this.#config;
    return copies.admit(stream, inSync.length < target.length);
  }

  /** Is there much to send to this learner, as far as is known? */
  #needsTurn(stream: Stream): boolean {
    if (stream.state === 'snapshot' || stream.overwrite) return true;
    if (stream.next - 1 < this.#replica.log.baseSeq) return true;
    return stream.state === 'replicate' && this.#isBehind(stream);
  }

  #sendAppend(stream: Stream, entries: readonly LogEntry[], bytes: number): void {
    const { log, commit, p } = this.#replica;
    const prevSeq = stream.next - 1;
    const isNews = stream.commitSent !== commit;
    stream.commitSent = commit;
    const append = {
      p,
      gen: this.#config.gen,
      epoch: this.epoch,
      stream: stream.id,
      prevSeq,
      prevEpoch: log.epochAt(prevSeq) as number,
      prevChain: log.chainAt(prevSeq) as number,
      commit,
      counted: stream.inSyncSince !== null,
      digest: isNews ? this.#replica.machine.digest.hash : '',
      entries,
    };
    this.#ctx.append(stream.node, stream.replica, append, bytes);
  }

  // ---- time

  /** `from` granted the beacon sent at `sentAt` for this partition in this epoch. */
  onLease(from: Process, sentAt: number): void {
    const exact = this.streams.get(replicaId(from.node, from.store));
    const stream = this.#ctx.rules.wipedDiskIsAnotherReplica
      ? exact
      : [...this.streams.values()].find((s) => s.node === from.node);
    if (stream !== undefined && sentAt > stream.leaseFrom) stream.leaseFrom = sentAt;
  }

  /** The clock stood still while time went on: no lease can be trusted any more. */
  dropLeases(): void {
    for (const stream of this.streams.values()) stream.leaseFrom = Number.NEGATIVE_INFINITY;
  }

  tick(): void {
    const { now, timings } = this.#ctx;
    if (!this.serving && now - this.startedAt >= limits.handoverMs) this.#refuseParked();
    this.#leaseFlag = this.holdsLeases();
    this.#watchLaggards();
    this.#dropDeadCandidates();
    this.#considerYielding();
    this.advance();
    this.#tx.tick();
    this.#lapseLocks();
    this.#answerAwaiting();
    for (const stream of this.streams.values()) {
      if (stream.inSyncSince === null && !stream.candidate) {
        // It waits for its turn, or for the node's allowance.
        this.#ctx.touch(this.#replica);
        if (!this.#holdsLease(stream) || (this.#needsTurn(stream) && !this.#ctx.copies.admitted(stream))) {
          stream.progressAt = now;
          continue;
        }
      }
      const behind = stream.state !== 'replicate' || stream.match < this.#replica.log.tailSeq;
      // Nothing is under way: what comes next has all its time from then on.
      if (!behind) stream.progressAt = now;
      if (behind && now - stream.progressAt >= timings.resendMs && !this.#ctx.isReplicaGone(stream.replica)) {
        stream.stalledSince ??= stream.progressAt;
        this.attach(stream);
      } else if (behind && stream.isOverdue(now, timings.resendMs / 2)) {
        this.#sendAgain(stream);
      } else if (
        stream.state === 'replicate' &&
        stream.commitSent < this.#replica.commit &&
        stream.next > this.#replica.log.tailSeq
      ) {
        this.#sendAppend(stream, [], 0);
      }
    }
  }

  #sendAgain(stream: Stream): void {
    const { now } = this.#ctx;
    if (stream.state === 'snapshot') {
      stream.sendAgain(stream.id, now);
      if ((stream.snapshot?.sent ?? 0) > 0) this.#sendPiece(stream);
    } else stream.sendAgain(this.#ctx.nextStream(), now);
    this.#ctx.touch(this.#replica);
  }

  /**
   * Commits come as fast as the slowest of M. One that for seconds holds up what all others have, though it answers heartbeats, is removed
   * as if it were silent, and kept out for a while (R7).
   */
  #watchLaggards(): void {
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

  /** Logs the end of sessions nobody has used for long, as far as this process has seen, as primary or backup. */
  expireSessions(): void {
    if (!this.serving || !this.enoughInSync || this.#yielding !== null) return;
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
