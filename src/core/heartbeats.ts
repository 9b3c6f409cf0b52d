import { limits } from '../limits.js';
import type { Liveness } from './liveness.js';
import { opinionOf } from './map/caretaking.js';
import type { NodeId, Process } from './map/types.js';
import type { PeerMessage } from './messages.js';
import type { NodeView } from './node-view.js';
import { Reachability } from './reachability.js';

/** A node that has answered none of this many heartbeats is not reachable. */
const reachBeacons = 4;
/** How many heartbeats to a node are remembered for their acks. */
const beaconsRemembered = 16;

interface SentBeacon {
  readonly sentAt: number;
  readonly claims: readonly number[];
}

/**
 * The heartbeats of a node (`beacon` on the wire): they claim the partitions that it is primary of, ask for leases of them (PROTOCOL.md R9,
 * R11), and show which nodes hear it (R11a). They say what is; they decide nothing.
 */
export class Heartbeats {
  #dueAt = 0;
  #idleDueAt: number;
  /** Nodes to be sent a heartbeat with the next ones, whatever is claimed there: to tell them of the newest revision, and to hear whether they answer. */
  readonly #greet = new Set<NodeId>();
  readonly #reachability = new Reachability();
  /** When the others were last asked whether they are reachable. */
  #probedAt = Number.NEGATIVE_INFINITY;
  #probing = false;
  readonly #sent = new Map<NodeId, SentBeacon[]>();
  readonly #node: NodeView;
  readonly #liveness: Liveness;

  constructor(node: NodeView, liveness: Liveness, now: number) {
    this.#node = node;
    this.#liveness = liveness;
    this.#idleDueAt = now + limits.idleBeaconMs;
  }

  /** The next ones leave with this event's Ready. */
  soon(): void {
    this.#dueAt = Number.NEGATIVE_INFINITY;
  }

  /** That node is sent one with the next. */
  greet(node: NodeId): void {
    this.#greet.add(node);
    this.soon();
  }

  /** There is a new connection to that node: what was known of the old one says nothing. */
  linked(node: NodeId): void {
    this.#reachability.forget(node);
    this.greet(node);
  }

  /** Acks of what was sent so far count no more: their age cannot be told. */
  forgetSent(): void {
    this.#sent.clear();
  }

  /** Find out soon which nodes are reachable. */
  probe(): void {
    const { now, timings } = this.#node;
    if (this.#probing || now - this.#probedAt < timings.beaconMs / 2) return;
    this.#probing = true;
    this.#probedAt = now;
    this.soon();
  }

  isReachable(node: NodeId, answers: number): boolean {
    const { now, timings } = this.#node;
    return this.#reachability.isGood(node, now, reachBeacons * timings.beaconMs, answers);
  }

  answeredAt(node: NodeId): number {
    return this.#reachability.answeredAt(node);
  }

  // ---- received

  onBeacon(from: Process, m: Extract<PeerMessage, { type: 'beacon' }>): void {
    if (m.incarnation !== from.incarnation) return;
    const node = this.#node;
    if (m.revision > node.revision) node.wantMap();
    this.#liveness.told(from.node, m);
    const denied: number[] = [];
    for (let i = 0; i < m.claims.length; i += 2) {
      const p = m.claims[i] as number;
      if (node.replicas.get(p)?.grant(from, m.claims[i + 1] as number) !== true) denied.push(p);
    }
    const { incarnation, sentAt } = m;
    node.send(from.node, { type: 'beacon-ack', incarnation, sentAt, revision: node.revision, denied });
  }

  onBeaconAck(from: Process, m: Extract<PeerMessage, { type: 'beacon-ack' }>): void {
    const node = this.#node;
    if (m.incarnation !== node.incarnation) return;
    if (m.revision > node.revision) node.wantMap();
    const beacon = this.#sent.get(from.node)?.find((b) => b.sentAt === m.sentAt);
    if (beacon === undefined) return;
    // One that answers again is asked for its grants, and somebody here may have waited for it.
    if (node.now - this.#reachability.answeredAt(from.node) >= node.timings.leaseMs) this.soon();
    if (!this.isReachable(from.node, 1)) node.reconsider();
    this.#reachability.answered(from.node, node.now);
    for (let i = 0; i < beacon.claims.length; i += 2) {
      const p = beacon.claims[i] as number;
      const lead = node.replicas.get(p)?.lead;
      if (lead != null && lead.epoch === beacon.claims[i + 1] && !m.denied.includes(p))
        lead.onLease(from, m.sentAt);
    }
  }

  // ---- sent

  /** Sends those that are due. */
  flush(): void {
    const { now, timings } = this.#node;
    if (now < this.#dueAt) return;
    this.#dueAt = now + timings.beaconMs;
    const claims = this.#claims();
    const greet = (node: NodeId): void => {
      if (!claims.has(node)) claims.set(node, []);
    };
    if (now >= this.#idleDueAt) {
      this.#idleDueAt = now + limits.idleBeaconMs;
      for (const node of this.#node.others()) greet(node);
    }
    if (this.#probing) for (const node of this.#node.others()) greet(node);
    this.#probing = false;
    for (const node of this.#greet) greet(node);
    this.#greet.clear();
    this.#send(claims);
  }

  /** What is claimed of each node, as flat pairs of partition and epoch. */
  #claims(): Map<NodeId, number[]> {
    const claims = new Map<NodeId, number[]>();
    for (const { p, lead } of this.#node.replicas.values()) {
      if (lead === null) continue;
      if (!lead.mayClaim()) {
        lead.onClaimWithheld();
        continue;
      }
      for (const stream of lead.streams.values()) {
        let list = claims.get(stream.node);
        if (list === undefined) {
          list = [];
          claims.set(stream.node, list);
        }
        if (this.#answers(stream.node, lead.startedAt)) list.push(p, lead.epoch);
      }
    }
    return claims;
  }

  /**
   * R11a: does that node still answer? What it would grant to one that does not hear it is of no use, and keeps others from
   * taking over.
   */
  #answers(node: NodeId, claimedSince: number): boolean {
    const { rules, now, timings } = this.#node;
    if (!rules.claimsNeedAnswers) return true;
    return now - Math.max(this.#reachability.answeredAt(node), claimedSince) < timings.leaseMs;
  }

  #send(claims: ReadonlyMap<NodeId, readonly number[]>): void {
    const { node: me, map, now, incarnation, revision } = this.#node;
    const { silent, back } = opinionOf(map, me, this.#liveness);
    for (const [node, list] of claims) {
      let sent = this.#sent.get(node);
      if (sent === undefined) {
        sent = [];
        this.#sent.set(node, sent);
      }
      // An ack names its heartbeat by the time: a second one of the same instant waits for the next.
      if (sent.at(-1)?.sentAt === now) {
        this.soon();
        continue;
      }
      sent.push({ sentAt: now, claims: list });
      this.#reachability.sent(node);
      if (sent.length > beaconsRemembered) sent.shift();
      this.#node.send(node, {
        type: 'beacon',
        incarnation,
        sentAt: now,
        revision,
        claims: list,
        silent,
        back,
      });
    }
  }
}
