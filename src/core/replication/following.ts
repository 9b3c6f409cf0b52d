import { emptySnapshot } from '../machine/digest.js';
import { SnapshotReader } from '../machine/pieces.js';
import type { Command, Snapshot } from '../machine/types.js';
import type { NodeId, PartitionConfig, ReplicaId } from '../map/types.js';
import type { Append, PeerMessage } from '../messages.js';
import type { LocalReplica, ReplicaContext } from './context.js';
import type { Copy } from './copy.js';

type SnapshotChunk = Extract<PeerMessage, { type: 'snapshot' }>;

interface AckOwed {
  readonly to: NodeId;
  /** This replica, as the primary addressed it. */
  readonly from: ReplicaId;
  readonly epoch: number;
  readonly stream: number;
  match: number;
}

/** What a backup or learner needs of its replica. */
export interface FollowingReplica extends LocalReplica {
  readonly config: PartitionConfig;
  /** The metastore was rolled back (R13): nothing is accepted. */
  readonly rolledBack: boolean;
  isMe(replica: ReplicaId): boolean;
  /** From asking to be primary until the outcome is known, nothing of the epoch being left is accepted or granted (R9). */
  hasAbdicated(epoch: number): boolean;
  /** Stops being primary of an epoch before this one. False: it is primary of this epoch or a later one. */
  yieldsTo(epoch: number): boolean;
  commitTo(seq: number): void;
  agreesThrough(seq: number): void;
  /** Another history replaced what was here. */
  replaced(): void;
}

/** A replica as backup or learner: takes what a primary sends, and acknowledges what is on disk (PROTOCOL.md R1, R2, R15). */
export class Following {
  #owed: AckOwed | null = null;
  #incoming: { epoch: number; stream: number; next: number; reader: SnapshotReader } | null = null;
  /**
   * The number of an entry at which this replica and the primary of an epoch differ though they must not: a log with another history,
   * or another state from the same log. Which of the two is damaged, neither can know. Of that epoch this one stores and grants
   * nothing any more, so that those who agree with each other go on under another primary.
   */
  #diverged: { readonly seq: number; readonly epoch: number } | null = null;
  /** The number of the last read of the map begun when it last stored something for a primary. */
  readsAtStore = 0;
  readonly #replica: FollowingReplica;
  readonly #copy: Copy;
  readonly #ctx: ReplicaContext;

  constructor(replica: FollowingReplica, copy: Copy, ctx: ReplicaContext) {
    this.#replica = replica;
    this.#copy = copy;
    this.#ctx = ctx;
  }

  /** The entry at which it differs from its primary's copy; null: it does not. */
  get divergedAt(): number | null {
    return this.#diverged?.seq ?? null;
  }

  hasDivergedIn(epoch: number): boolean {
    return this.#diverged?.epoch === epoch;
  }

  get owesAck(): boolean {
    return this.#owed !== null;
  }

  /** The copy is deleted, or this replica leads from now on. */
  end(): void {
    this.#owed = null;
    this.#diverged = null;
    this.#incoming = null;
  }

  dropIncoming(): void {
    this.#incoming = null;
  }

  // ---- the log

  onAppend(from: NodeId, to: ReplicaId, m: Append): void {
    if (!this.#accepts(from, to, m)) return;
    const copy = this.#copy;
    const { check } = this.#replica;
    const { prevSeq } = m;
    if (m.counted && m.commit > copy.log.tailSeq && check.trust !== 'damaged') {
      // An earlier start of this store had acknowledged that: the disk has forgotten it.
      check.foundDamaged();
      this.#ctx.trustChanged(this.#replica);
    }
    if (prevSeq > copy.commit) {
      const epoch = copy.log.epochAt(prevSeq);
      if (epoch !== m.prevEpoch) {
        this.#reject(from, to, m, epoch);
        return;
      }
    }
    if (!this.#hasHistory(m)) return;
    const seq = this.#store(prevSeq, m.entries);
    if (Math.min(m.commit, seq) > copy.commit) this.#replica.commitTo(Math.min(m.commit, seq));
    // Replicas that have applied the same entries have the same state.
    if (m.digest !== '' && copy.commit === m.commit && copy.machine.digest.hash !== m.digest) {
      this.#diverge(m.commit, m);
      return;
    }
    // A commit in its own epoch: the primary's barrier, and with it everything committed before, is below.
    if (!check.done && m.commit <= seq && copy.log.epochAt(m.commit) === m.epoch)
      this.#replica.agreesThrough(m.commit);
    this.#owe(from, to, m, seq);
  }

  /** Stores what it lacks of these entries, and cuts off what differs. Gives the number of the last one. */
  #store(prevSeq: number, entries: readonly { epoch: number; command: Command }[]): number {
    const copy = this.#copy;
    let seq = prevSeq;
    for (const { epoch, command } of entries) {
      seq++;
      if (seq <= copy.commit) continue;
      const held = copy.log.epochAt(seq);
      if (held === epoch) continue;
      if (held !== null) copy.truncateAfter(seq - 1);
      copy.append(command, epoch);
    }
    return seq;
  }

  /** The logs agree before the entries by number and epoch: then all before must be the same, too. */
  #hasHistory(m: Append): boolean {
    const { prevSeq, prevEpoch, prevChain } = m;
    const { log } = this.#copy;
    const epoch = log.epochAt(prevSeq);
    // Compacted: whatever it was, it was committed.
    if (epoch === null || (epoch === prevEpoch && log.chainAt(prevSeq) === prevChain)) return true;
    this.#diverge(prevSeq, m);
    return false;
  }

  #diverge(seq: number, m: Append): void {
    this.#diverged = { seq, epoch: m.epoch };
    this.#owed = null;
    this.#ctx.diverged(this.#replica);
  }

  /** R1, but for the place in the log. */
  #accepts(from: NodeId, to: ReplicaId, m: Append | SnapshotChunk): boolean {
    const copy = this.#copy;
    const replica = this.#replica;
    if (!replica.isMe(to) || m.gen < copy.machine.gen || replica.rolledBack) return false;
    if (m.epoch < copy.promised && this.#ctx.rules.refuseOldEpoch) {
      this.#ctx.send(from, { type: 'stale', p: replica.p, promised: copy.promised });
      return false;
    }
    if (replica.hasAbdicated(m.epoch) || this.hasDivergedIn(m.epoch)) return false;
    this.#diverged = null;
    if (!replica.yieldsTo(m.epoch)) return false;
    if (m.epoch > replica.config.epoch) this.#ctx.wantMap();
    if (m.gen > copy.machine.gen) this.#install(emptySnapshot(m.gen));
    copy.promise(m.epoch, replica.config.gen);
    this.readsAtStore = this.#ctx.reads;
    return true;
  }

  /** Says where the log might still agree; never below the commit, up to which all logs agree. */
  #reject(from: NodeId, to: ReplicaId, m: Append, epoch: number | null): void {
    const { log, commit } = this.#copy;
    let hint = Math.min(m.prevSeq - 1, log.tailSeq);
    // Only what cannot be the sender's is skipped: it may well hold a part of the run of entries that did not fit.
    if (epoch !== null && this.#ctx.rules.rejectKeepsCommon) {
      while (hint > commit && (log.epochAt(hint) as number) > m.prevEpoch) hint--;
    } else if (epoch !== null) while (hint > commit && log.epochAt(hint) === epoch) hint--;
    hint = Math.max(hint, commit);
    this.#ctx.send(from, {
      type: 'reject',
      p: this.#replica.p,
      epoch: m.epoch,
      stream: m.stream,
      from: to,
      hintSeq: hint,
      hintEpoch: log.epochAt(hint) ?? 0,
      tailSeq: log.tailSeq,
      tailEpoch: log.tailEpoch,
    });
  }

  // ---- snapshots

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
      const { p } = this.#replica;
      const { epoch, stream, to, index } = m;
      this.#ctx.send(from, { type: 'snapshot-ack', p, epoch, stream, from: to, index });
      return;
    }
    this.#incoming = null;
    if (snapshot.seq > this.#copy.commit) this.#install(snapshot);
    this.#owe(from, m.to, m, snapshot.seq);
  }

  #install(snapshot: Snapshot): void {
    this.#replica.replaced();
    this.#copy.install(snapshot);
  }

  // ---- acks

  /** An ack leaves once everything it speaks of is on disk, the promise included. */
  #owe(primary: NodeId, as: ReplicaId, m: Append | SnapshotChunk, match: number): void {
    const owed = this.#owed;
    if (owed !== null && owed.epoch === m.epoch && owed.stream === m.stream && owed.to === primary)
      owed.match = Math.max(owed.match, match);
    else this.#owed = { to: primary, from: as, epoch: m.epoch, stream: m.stream, match };
    this.payAck();
  }

  payAck(): void {
    const owed = this.#owed;
    if (owed === null) return;
    const copy = this.#copy;
    const { rules } = this.#ctx;
    if (owed.epoch !== copy.promised && rules.refuseOldEpoch) {
      this.#owed = null;
      return;
    }
    if (this.#replica.hasAbdicated(owed.epoch)) return;
    if (rules.ackAfterSync && copy.durable < owed.match) return;
    if (rules.ackAfterSync && rules.ackAfterPromise && !copy.isPromiseDurable(owed.epoch)) return;
    this.#owed = null;
    const { epoch, stream, match, from } = owed;
    this.#ctx.ack(owed.to, from, this.#replica.p, epoch, stream, match);
  }
}
