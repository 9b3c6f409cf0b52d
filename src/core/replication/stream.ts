import type { SnapshotWriter } from '../machine/pieces.js';
import type { NodeId, ReplicaId } from '../map/types.js';

/** What is not acknowledged is not sent again before this, in ms: disks take their time. */
const leastWaitMs = 50;

/**
 * The primary's view of one other replica: how far it agrees with the log, what is under way to it, and the
 * lease it granted. A new stream id at each attach makes acks of an earlier attachment recognisable (R2).
 */
export class Stream {
  readonly replica: ReplicaId;
  readonly node: NodeId;
  /** The placement that it was made for (`PartitionConfig.placed`). */
  readonly placed: number;
  id = 0;
  /** The id at the last attach, or of the snapshot: acks since then are all of this attachment, whatever was sent again since. */
  attachedId = 0;
  /** Which start of that store it was attached to. */
  incarnation = 0;
  /** Its log goes less far than where this one begins: there is nothing in it that a snapshot could take away. */
  endsBefore = false;
  /** `probe`: looking for where the logs agree; `replicate`: pipelining; `snapshot`: copying the state over. */
  state: 'probe' | 'replicate' | 'snapshot' = 'probe';
  /** The next entry to send. */
  next = 1;
  /** Everything up to here is durable there and equal to this log. */
  match = 0;
  /** It is being grown into the in-sync set: its acks and leases are required already (R8b). */
  candidate = false;
  /** When the latest beacon was sent that it granted for this partition and epoch. */
  leaseFrom = Number.NEGATIVE_INFINITY;
  /** When it last moved forward, or was attached. */
  progressAt = Number.NEGATIVE_INFINITY;
  /** Since when it has stored nothing although attached anew again and again; null while it moves. */
  stalledSince: number | null = null;
  /** The commit point it was last told. */
  commitSent = 0;
  /** In `probe`: one probe at a time. */
  probing = false;
  /** Smoothed time from sending to the ack, in ms; null: not known yet (Jacobson, SIGCOMM '88). */
  #rtt: number | null = null;
  /** The message whose ack gives the next sample. */
  #timed: { readonly last: number; readonly at: number } | null = null;
  /** How often it was sent again since it last moved: each time it waits twice as long. */
  #resent = 0;
  #sentAgainAt = Number.NEGATIVE_INFINITY;
  /** For how long it has held up what all others have, in ms; time in which it does not takes some of that off. */
  blockedMs = 0;
  /** Bytes under way, by the last seq of each message. */
  readonly #flying: { last: number; bytes: number }[] = [];
  flyingBytes = 0;
  snapshot: {
    readonly writer: SnapshotWriter;
    /** How many pieces of it have been sent. */
    sent: number;
    last: boolean;
    /** The last piece sent, to be sent again when it is lost. */
    piece: string;
  } | null = null;

  /** Since when it has been in sync, on this clock. */
  inSyncSince: number | null = null;
  /** Keys and values sent to bring it in sync, in UTF-16 code units. */
  copied = 0;
  /** A snapshot's next piece waits for the node's allowance. */
  chunkDue = false;

  /** The end of the log when it came. */
  readonly foundSeq: number;
  /** It agrees at `next`, and yet the whole state is less to send than the entries since. */
  overwrite = false;

  constructor(replica: ReplicaId, node: NodeId, placed: number, foundSeq: number) {
    this.replica = replica;
    this.node = node;
    this.placed = placed;
    this.foundSeq = foundSeq;
  }

  attach(id: number, next: number, now: number): void {
    this.id = id;
    this.attachedId = id;
    this.state = 'probe';
    this.next = next;
    this.match = 0;
    this.probing = false;
    this.overwrite = false;
    this.endsBefore = false;
    this.progressAt = now;
    this.commitSent = 0;
    this.#timed = null;
    this.#resent = 0;
    this.#sentAgainAt = Number.NEGATIVE_INFINITY;
    this.#flying.length = 0;
    this.flyingBytes = 0;
    this.snapshot = null;
    this.chunkDue = false;
  }

  /** Has it promised, as of now, not to act in another epoch? A lease lasts `leaseMs`. */
  holdsLease(now: number, leaseMs: number): boolean {
    return now < this.leaseFrom + leaseMs;
  }

  sent(last: number, bytes: number, now: number): void {
    this.#flying.push({ last, bytes });
    this.flyingBytes += bytes;
    this.#timed ??= { last, at: now };
  }

  /** Is what is under way, or the question for the place, overdue? `most`: the longest wait, in ms. */
  isOverdue(now: number, most: number): boolean {
    const wait = Math.min(most, Math.max(leastWaitMs, 4 * (this.#rtt ?? leastWaitMs)) * 2 ** this.#resent);
    return now - Math.max(this.progressAt, this.#sentAgainAt) >= wait;
  }

  /** What was under way is taken for lost. Those who agree up to `match` need no probe: all after it is sent again, under a new id. */
  sendAgain(id: number, now: number): void {
    this.#resent++;
    this.#sentAgainAt = now;
    // An ack could be of either (Karn and Partridge, SIGCOMM '87).
    this.#timed = null;
    this.probing = false;
    if (this.state !== 'replicate') return;
    this.id = id;
    this.next = this.match + 1;
    this.#flying.length = 0;
    this.flyingBytes = 0;
  }

  /** What it has acknowledged need not be sent again, and its log goes as far: this one may have been shortened up to there. */
  movedOn(): void {
    if (this.state === 'replicate' && this.next <= this.match) this.next = this.match + 1;
    this.endsBefore = false;
  }

  acked(match: number, now: number): void {
    this.progressAt = now;
    this.stalledSince = null;
    this.#resent = 0;
    if (this.#timed !== null && match >= this.#timed.last) {
      const sample = now - this.#timed.at;
      this.#rtt = this.#rtt === null ? sample : this.#rtt + (sample - this.#rtt) / 8;
      this.#timed = null;
    }
    if (match > this.match) this.match = match;
    let done = 0;
    for (const flight of this.#flying) {
      if (flight.last > match) break;
      this.flyingBytes -= flight.bytes;
      done++;
    }
    if (done > 0) this.#flying.splice(0, done);
  }
}
