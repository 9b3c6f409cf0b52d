import { SnapshotWriter } from '../machine/pieces.js';
import { type NodeId, nodeOf, type ReplicaId, replicaId } from '../map/types.js';
import type { PeerMessage } from '../messages.js';
import type { LedReplica, ReplicaContext } from './context.js';
import type { LogEntry } from './log.js';
import { isLonger } from './log-check.js';
import { Stream } from './stream.js';

/** A replica near the tail by this many entries may be grown into the in-sync set. */
export const nearTail = 256;

/**
 * How a primary's log gets to the other replicas: one stream each, which finds where the logs agree, appends, sends the state where the log
 * is gone, and sends again what is lost (PROTOCOL.md R2, R15). It decides nothing about who is in sync.
 */
export class LogShipping {
  readonly streams = new Map<ReplicaId, Stream>();
  readonly #replica: LedReplica;
  readonly #ctx: ReplicaContext;
  readonly #epoch: number;
  readonly #barrierSeq: number;
  /** The barrier of this epoch is committed. */
  serving = false;

  constructor(replica: LedReplica, ctx: ReplicaContext, epoch: number, barrierSeq: number) {
    this.#replica = replica;
    this.#ctx = ctx;
    this.#epoch = epoch;
    this.#barrierSeq = barrierSeq;
  }

  end(): void {
    for (const stream of this.streams.values()) this.#ctx.copies.release(stream);
  }

  // ---- to whom

  /** The map says something new: one stream to each other replica that is in sync or that placement wants. */
  configured(): void {
    const wanted = this.#addressees();
    const { inSync, placed } = this.#replica.config;
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
  }

  #addressees(): Set<ReplicaId> {
    const { target, inSync } = this.#replica.config;
    const wanted = new Set<ReplicaId>();
    for (const replica of inSync) if (!this.#replica.isMe(replica)) wanted.add(replica);
    for (const node of target) {
      const member = this.#ctx.map.members[node];
      if (node === this.#ctx.node || member === undefined || member.incarnation === 0) continue;
      if (!this.#ctx.rules.wipedDiskIsAnotherReplica && inSync.some((r) => nodeOf(r) === node)) continue;
      wanted.add(replicaId(node, member.store));
    }
    return wanted;
  }

  #incarnationOf({ node }: Stream): number {
    return this.#ctx.map.members[node]?.incarnation ?? 0;
  }

  attach(stream: Stream): void {
    stream.incarnation = this.#incarnationOf(stream);
    // A new primary asks for the place before its barrier, which goes along: who agrees there has it in one round trip.
    const next = this.serving ? this.#replica.log.tailSeq + 1 : this.#barrierSeq;
    stream.attach(this.#ctx.nextStream(), next, this.#ctx.now);
    this.#ctx.touch(this.#replica);
  }

  /** The link to a node is new: what was under way on the old one may be lost. */
  relinked(node: NodeId): void {
    for (const stream of this.streams.values()) if (stream.node === node) this.attach(stream);
  }

  /** A replica that asks how far logs go lacks news of the commit point. */
  onTailAsk(node: NodeId): void {
    for (const stream of this.streams.values()) if (stream.node === node) stream.commitSent = 0;
  }

  // ---- answers

  /** Returns the stream that the ack belongs to; null: it is of an earlier attachment, and says nothing. */
  onAck(from: ReplicaId, id: number, match: number): Stream | null {
    const stream = this.streams.get(from);
    if (stream === undefined || id < stream.attachedId || id > stream.id) return null;
    if (stream.state !== 'replicate') {
      stream.overwrite = stream.state === 'probe' && this.#isSnapshotSmaller(stream, match);
      stream.state = stream.overwrite ? 'probe' : 'replicate';
      stream.probing = stream.overwrite;
      stream.snapshot = null;
      stream.next = match + 1;
    }
    stream.acked(match, this.#ctx.now);
    if (this.#ctx.rules.acksMoveOn) stream.movedOn();
    return stream;
  }

  onReject(m: Extract<PeerMessage, { type: 'reject' }>): void {
    const stream = this.streams.get(m.from);
    if (stream === undefined || stream.id !== m.stream || stream.state === 'snapshot') return;
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

  onSnapshotAck(m: Extract<PeerMessage, { type: 'snapshot-ack' }>): void {
    const stream = this.streams.get(m.from);
    if (stream?.snapshot == null || stream.id !== m.stream || m.index !== stream.snapshot.sent - 1) return;
    stream.progressAt = this.#ctx.now;
    this.#sendChunk(stream);
  }

  // ---- sending

  /** Sends what each stream lacks, as far as its window allows. */
  flush(): void {
    const { log } = this.#replica;
    for (const stream of this.streams.values()) {
      if (!this.#maySend(stream)) continue;
      if (stream.state === 'snapshot') {
        if (stream.chunkDue) this.#sendChunk(stream);
      } else if (stream.next - 1 < log.baseSeq || stream.overwrite) {
        if (this.#mayGetSnapshot(stream)) this.#startSnapshot(stream);
      } else if (stream.state === 'probe') this.#sendProbe(stream);
      else this.#sendEntries(stream);
    }
  }

  #sendProbe(stream: Stream): void {
    if (stream.probing) return;
    stream.probing = true;
    const whole = stream.next === this.#barrierSeq && !this.serving;
    const { entries, bytes } = whole
      ? this.#replica.log.slice(stream.next, this.#ctx.tuning.appendBytes)
      : { entries: [], bytes: 0 };
    this.#sendAppend(stream, entries, bytes);
  }

  #sendEntries(stream: Stream): void {
    const { log } = this.#replica;
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

  /** Learners are caught up a few at a time; one that lacks next to nothing, or nobody knows what yet, needs no turn. */
  #maySend(stream: Stream): boolean {
    if (stream.inSyncSince !== null || stream.candidate) return true;
    const { copies } = this.#ctx;
    if (!this.#holdsLease(stream)) {
      copies.release(stream);
      return false;
    }
    if (!this.#needsTurn(stream)) return true;
    const { inSync, target } = this.#replica.config;
    return copies.admit(stream, inSync.length < target.length);
  }

  /** Is there much to send to this learner, as far as is known? */
  #needsTurn(stream: Stream): boolean {
    if (stream.state === 'snapshot' || stream.overwrite) return true;
    if (stream.next - 1 < this.#replica.log.baseSeq) return true;
    return stream.state === 'replicate' && this.#isBehind(stream);
  }

  /** It is being caught up: neither required nor near the tail. */
  #isBehind(stream: Stream): boolean {
    return (
      !stream.candidate &&
      stream.inSyncSince === null &&
      stream.match < this.#replica.log.tailSeq - nearTail / 4
    );
  }

  #holdsLease(stream: Stream): boolean {
    return stream.holdsLease(this.#ctx.now, this.#ctx.timings.leaseMs);
  }

  #sendAppend(stream: Stream, entries: readonly LogEntry[], bytes: number): void {
    const { log, commit, p, config, machine } = this.#replica;
    const prevSeq = stream.next - 1;
    const isNews = stream.commitSent !== commit;
    stream.commitSent = commit;
    const append = {
      p,
      gen: config.gen,
      epoch: this.#epoch,
      stream: stream.id,
      prevSeq,
      prevEpoch: log.epochAt(prevSeq) as number,
      prevChain: log.chainAt(prevSeq) as number,
      commit,
      counted: stream.inSyncSince !== null,
      digest: isNews ? machine.digest.hash : '',
      entries,
    };
    this.#ctx.append(stream.node, stream.replica, append, bytes);
  }

  // ---- snapshots

  /** A snapshot replaces the whole log of the other side: never that of a replica the map counts on, unless its disk has lost all that could be lost. */
  #mayGetSnapshot(stream: Stream): boolean {
    if (stream.endsBefore) return true;
    return !this.#ctx.rules.rejectKeepsCommon || !this.#replica.config.inSync.includes(stream.replica);
  }

  /** Would the state be less to send than the entries since `match`, many of which may write the same keys? */
  #isSnapshotSmaller(stream: Stream, match: number): boolean {
    const { log, machine, commit, config } = this.#replica;
    if (match < log.baseSeq || stream.candidate || config.inSync.includes(stream.replica)) return false;
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
      gen: this.#replica.config.gen,
      epoch: this.#epoch,
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

  /** What was sent to bring that replica in sync, in UTF-16 code units of keys and values. */
  copiedTo(replica: ReplicaId): number {
    return this.streams.get(replica)?.copied ?? 0;
  }

  // ---- time

  /** Sends again what is overdue, and the commit point to those who have everything else. */
  tick(): void {
    for (const stream of this.streams.values()) if (!this.#waitsForTurn(stream)) this.#tickStream(stream);
  }

  /** A learner that waits for its turn, for a lease, or for the node's allowance is not late. */
  #waitsForTurn(stream: Stream): boolean {
    if (stream.inSyncSince !== null || stream.candidate) return false;
    this.#ctx.touch(this.#replica);
    if (this.#holdsLease(stream) && (!this.#needsTurn(stream) || this.#ctx.copies.admitted(stream)))
      return false;
    stream.progressAt = this.#ctx.now;
    return true;
  }

  #tickStream(stream: Stream): void {
    const { now, timings } = this.#ctx;
    const { log, commit } = this.#replica;
    const behind = stream.state !== 'replicate' || stream.match < log.tailSeq;
    // Nothing is under way: what comes next has all its time from then on.
    if (!behind) stream.progressAt = now;
    if (behind && now - stream.progressAt >= timings.resendMs && !this.#ctx.isReplicaGone(stream.replica)) {
      stream.stalledSince ??= stream.progressAt;
      this.attach(stream);
    } else if (behind && stream.isOverdue(now, timings.resendMs / 2)) this.#sendAgain(stream);
    else if (stream.state === 'replicate' && stream.commitSent < commit && stream.next > log.tailSeq)
      this.#sendAppend(stream, [], 0);
  }

  #sendAgain(stream: Stream): void {
    const { now } = this.#ctx;
    if (stream.state === 'snapshot') {
      stream.sendAgain(stream.id, now);
      if ((stream.snapshot?.sent ?? 0) > 0) this.#sendPiece(stream);
    } else stream.sendAgain(this.#ctx.nextStream(), now);
    this.#ctx.touch(this.#replica);
  }
}
