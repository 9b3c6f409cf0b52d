import { limits } from '../../limits.js';
import { TurnoverMap, TurnoverSet } from '../../util/turnover.js';
import type { Operation, OpResult, Query, QueryResult, SessionId, TxId } from '../machine/types.js';
import { type ClusterMap, type NodeId, nodeOf } from '../map/types.js';
import type { ClientRequest, ClientResponse, Refusal } from '../messages.js';
import { hashKey, partitionOf } from '../ring/hash.js';

/** What a caller asks for; `deadline` on the client's clock, in ms. */
export type Call =
  | {
      readonly id: number;
      readonly type: 'write';
      readonly op: Operation;
      readonly deadline: number;
      /** Of a transaction: when it was first attempted, by a clock that all clients share more or less, in ms. */
      readonly at?: number;
      readonly pauseAt?: 'prepared' | 'decided';
    }
  | {
      readonly id: number;
      readonly type: 'abort';
      readonly p: number;
      readonly tx: TxId;
      readonly deadline: number;
    }
  | {
      readonly id: number;
      readonly type: 'read';
      readonly p: number;
      readonly query: Query;
      readonly deadline: number;
    };

/** How a call ended. `failed`: it did not happen and never will. `unknown`: it may have, or may yet. */
export type Outcome =
  /** `id`: `partition:session:n` of the operation, which is a transaction's name. */
  | { readonly type: 'written'; readonly result: OpResult & { ok: true }; readonly id: string }
  | { readonly type: 'read'; readonly result: QueryResult }
  | { readonly type: 'failed'; readonly code: FailureCode; readonly message: string }
  | { readonly type: 'abort'; readonly state: 'committed' | 'aborting' | 'unknown' }
  /** `id`: `partition:session:n` of the operation, to ask about. */
  | { readonly type: 'unknown'; readonly message: string; readonly id: string };

export type FailureCode =
  | Exclude<(OpResult & { ok: false })['code'], 'outcome-unknown' | 'session-expired'>
  | Refusal['code']
  | 'timeout';

export type ClientEvent =
  | { readonly type: 'call'; readonly call: Call }
  | { readonly type: 'response'; readonly rid: number; readonly response: ClientResponse }
  /** The connection to the node broke, or could not be made: what was sent on it may or may not have arrived. */
  | { readonly type: 'lost'; readonly node: NodeId }
  | { readonly type: 'map'; readonly map: ClusterMap }
  | { readonly type: 'map-unreadable' }
  | { readonly type: 'tick' };

export interface ClientReady {
  readonly send: readonly { readonly node: NodeId; readonly rid: number; readonly request: ClientRequest }[];
  readonly done: readonly { readonly id: number; readonly outcome: Outcome; readonly attempts: number }[];
  /** Read the map; answered by `map` or `map-unreadable`. */
  readonly readMap: boolean;
}

interface Pending {
  readonly call: Call;
  readonly p: number;
  /** The session in which it is numbered, and its number there; 0: not numbered yet. */
  session: Session | null;
  n: number;
  /** Some attempt may have been taken in without our knowing how it went. */
  mayHaveRun: boolean;
  attempts: number;
  /** The attempt under way. */
  rid: number | null;
  node: NodeId | null;
  sentAt: number;
  retryAt: number;
  lastRefusal: Refusal | null;
}

interface Session {
  state: 'none' | 'opening' | 'open';
  id: SessionId | null;
  /** The OPEN under way. */
  rid: number | null;
  node: NodeId | null;
  sentAt: number;
  retryAt: number;
  attempts: number;
  nextN: number;
  /** Numbered operations without a final answer, in ascending order of n. */
  readonly outstanding: TurnoverMap<number, Pending>;
  /** Operations that wait for the session or its window. */
  queue: Pending[];
  lastRefusal: Refusal | null;
}

/** A client's patience, in ms. */
export interface Patience {
  /** An attempt unanswered for this long is made again (the same session and number: it counts once). */
  readonly attemptMs: number;
  /** A call unanswered for this long makes the client look for a newer map. */
  readonly staleMs: number;
}

const defaultPatience: Patience = { attemptMs: 1000, staleMs: 300 };
const backoffMs = (attempts: number, random: number): number =>
  Math.min(2 * 2 ** attempts, 100) * (0.5 + random / 2);

/**
 * A client as a pure machine: finds the primary by the map, opens one session for each partition it writes to, and
 * repeats under the same identity until it knows the outcome (PROTOCOL.md section 3; RIFL, SOSP'15).
 */
export class ClientCore {
  #map: ClusterMap | null;
  #nextRid = 1;
  readonly #sessions = new Map<number, Session>();
  readonly #attempts = new TurnoverMap<number, Pending | Session>();
  readonly #open = new TurnoverSet<Pending>();
  #send: { node: NodeId; rid: number; request: ClientRequest }[] = [];
  #done: { id: number; outcome: Outcome; attempts: number }[] = [];
  #wantsMap = false;
  #reading = false;
  #readAt = Number.NEGATIVE_INFINITY;
  #now = 0;
  readonly #random: () => number;
  readonly #patience: Patience;

  constructor(map: ClusterMap | null, random: () => number, patience = defaultPatience) {
    this.#patience = patience;
    this.#map = map;
    this.#wantsMap = map === null;
    this.#random = random;
  }

  /** The map in hand. */
  get map(): ClusterMap | null {
    return this.#map;
  }

  get idle(): boolean {
    return this.#open.size === 0;
  }

  /** When `tick` is due while calls are under way, in ms from an event. */
  static readonly tickMs = 10;

  step(event: ClientEvent, now: number): void {
    this.#now = now;
    switch (event.type) {
      case 'call':
        this.#start(event.call);
        break;
      case 'response':
        this.#onResponse(event.rid, event.response);
        break;
      case 'lost':
        this.#onLost(event.node);
        break;
      case 'map':
        this.#reading = false;
        if (this.#map === null || event.map.revision > this.#map.revision) this.#onMap(event.map);
        break;
      case 'map-unreadable':
        this.#reading = false;
        break;
      case 'tick':
        this.#onTick();
        break;
    }
  }

  ready(): ClientReady {
    const readMap = this.#wantsMap && !this.#reading && this.#now >= this.#readAt;
    if (readMap) {
      this.#wantsMap = false;
      this.#reading = true;
      this.#readAt = this.#now + 5;
    }
    const send = this.#send;
    const done = this.#done;
    this.#send = [];
    this.#done = [];
    return { send, done, readMap };
  }

  /** Gives up the sessions that nobody needs any more; to be called once, when idle. */
  closeSessions(): void {
    for (const [p, session] of this.#sessions) {
      const node = this.#primary(p);
      if (session.id !== null && session.outstanding.size === 0 && node !== null) {
        this.#send.push({ node, rid: this.#nextRid++, request: { type: 'close', p, session: session.id } });
      }
    }
    this.#sessions.clear();
  }

  #primary(p: number): NodeId | null {
    const primary = this.#map?.partitions[p]?.primary;
    return primary === undefined ? null : nodeOf(primary);
  }

  #start(call: Call): void {
    const partitions = this.#map?.partitions.length ?? 0;
    const p =
      call.type !== 'write' ? call.p : partitions === 0 ? -1 : partitionOf(hashKey(call.op.key), partitions);
    const pending: Pending = {
      call,
      p,
      session: null,
      n: 0,
      mayHaveRun: false,
      attempts: 0,
      rid: null,
      node: null,
      sentAt: 0,
      retryAt: this.#now,
      lastRefusal: null,
    };
    this.#open.add(pending);
    if (p >= 0) this.#enter(pending);
  }

  #enter(pending: Pending): void {
    if (pending.call.type !== 'write') this.#attempt(pending);
    else {
      const session = this.#session(pending.p);
      session.queue.push(pending);
      this.#pump(pending.p, session);
    }
  }

  #session(p: number): Session {
    let session = this.#sessions.get(p);
    if (session === undefined) {
      session = {
        state: 'none',
        id: null,
        rid: null,
        node: null,
        sentAt: 0,
        retryAt: this.#now,
        attempts: 0,
        nextN: 1,
        outstanding: new TurnoverMap(),
        queue: [],
        lastRefusal: null,
      };
      this.#sessions.set(p, session);
    }
    return session;
  }

  /** Opens the session if need be; then numbers and sends what waits, as far as the window allows. */
  #pump(p: number, session: Session): void {
    if (session.queue.length === 0) return;
    if (session.state === 'none') {
      if (this.#now >= session.retryAt) this.#openSession(p, session);
      return;
    }
    if (session.state !== 'open') return;
    let taken = 0;
    for (const pending of session.queue) {
      const first = firstOf(session);
      if (session.nextN >= first + limits.sessionWindow) break;
      taken++;
      if (!this.#open.has(pending)) continue;
      pending.session = session;
      pending.n = session.nextN++;
      session.outstanding.set(pending.n, pending);
      this.#attempt(pending);
    }
    session.queue = taken === session.queue.length ? [] : session.queue.slice(taken);
  }

  #openSession(p: number, session: Session): void {
    const node = this.#primary(p);
    if (node === null) {
      this.#wantsMap = true;
      return;
    }
    session.state = 'opening';
    session.rid = this.#nextRid++;
    session.node = node;
    session.sentAt = this.#now;
    session.attempts++;
    this.#attempts.set(session.rid, session);
    this.#send.push({ node, rid: session.rid, request: { type: 'open', p } });
  }

  #attempt(pending: Pending): void {
    const node = this.#primary(pending.p);
    if (node === null) {
      this.#wantsMap = true;
      pending.retryAt = this.#now + backoffMs(2, this.#random());
      return;
    }
    const { call } = pending;
    let request: ClientRequest;
    if (call.type === 'read') request = { type: 'read', p: pending.p, query: call.query };
    else if (call.type === 'abort') request = { type: 'abort', p: pending.p, tx: call.tx };
    else {
      const session = pending.session as Session;
      const id = session.id as SessionId;
      const first = firstOf(session);
      const { n } = pending;
      const { op, at = 0 } = call;
      // Whoever paused it once knows of it still, or has died: then it goes on with another.
      const pauseAt = pending.mayHaveRun ? undefined : call.pauseAt;
      request =
        op.type === 'tx' && this.#isWide(op.items)
          ? pauseAt === undefined
            ? { type: 'tx', session: id, n, first, op, at }
            : { type: 'tx', session: id, n, first, op, at, pauseAt }
          : { type: 'write', session: id, n, first, op };
    }
    const rid = this.#nextRid++;
    pending.rid = rid;
    pending.node = node;
    pending.sentAt = this.#now;
    pending.attempts++;
    this.#attempts.set(rid, pending);
    this.#send.push({ node, rid, request });
  }

  /** Are the items of several partitions? */
  #isWide(items: readonly { readonly key: string }[]): boolean {
    const partitions = this.#map?.partitions.length ?? 1;
    const first = partitionOf(hashKey(items[0]?.key ?? ''), partitions);
    return items.some(({ key }) => partitionOf(hashKey(key), partitions) !== first);
  }

  #unknown(pending: Pending, message: string, session = pending.session): void {
    this.#finish(pending, {
      type: 'unknown',
      message,
      id: idOf(pending, session),
    });
  }

  #finish(pending: Pending, outcome: Outcome): void {
    if (!this.#open.delete(pending)) return;
    if (pending.rid !== null) this.#attempts.delete(pending.rid);
    this.#done.push({ id: pending.call.id, outcome, attempts: pending.attempts });
    if (pending.session === null) return;
    pending.session.outstanding.delete(pending.n);
    if (pending.session.queue.length > 0) this.#pump(pending.p, pending.session);
  }

  #onResponse(rid: number, response: ClientResponse): void {
    const target = this.#attempts.get(rid);
    if (target === undefined) return;
    this.#attempts.delete(rid);
    target.rid = null;
    if ('queue' in target) this.#onOpened(target, response);
    else if (!response.ok) this.#onRefused(target, response);
    else if (response.type === 'abort') this.#finish(target, { type: 'abort', state: response.state });
    else if (response.type === 'read') this.#finish(target, { type: 'read', result: response.result });
    else if (response.type === 'write') this.#onResult(target, response.result);
  }

  #onOpened(session: Session, response: ClientResponse): void {
    if (response.ok && response.type === 'open') {
      session.state = 'open';
      session.id = response.session;
    } else {
      session.state = 'none';
      if (!response.ok) {
        session.lastRefusal = response;
        this.#checkRevision(response);
      }
      session.retryAt = this.#now + backoffMs(session.attempts, this.#random());
    }
    for (const [p, s] of this.#sessions) if (s === session) this.#pump(p, session);
  }

  #onResult(pending: Pending, result: OpResult): void {
    if (result.ok) this.#finish(pending, { type: 'written', result, id: idOf(pending, pending.session) });
    else if (result.code === 'session-expired') this.#onExpired(pending);
    else if (result.code === 'outcome-unknown') this.#unknown(pending, result.message);
    else if (result.code === 'busy') this.#retryLater(pending);
    else this.#finish(pending, { type: 'failed', code: result.code, message: result.message });
  }

  #onRefused(pending: Pending, refusal: Refusal): void {
    pending.lastRefusal = refusal;
    if (refusal.mayHaveRun === true) pending.mayHaveRun = true;
    if (refusal.code === 'session-expired') {
      this.#onExpired(pending);
      return;
    }
    if (
      refusal.code === 'key-invalid' ||
      refusal.code === 'value-too-large' ||
      refusal.code === 'bad-message'
    ) {
      this.#finish(pending, { type: 'failed', code: refusal.code, message: refusal.message });
      return;
    }
    if (this.#checkRevision(refusal)) pending.retryAt = this.#now;
    else this.#retryLater(pending);
  }

  /** The session is unknown there: nothing of this attempt was executed, but of earlier ones something may have been. */
  #onExpired(pending: Pending): void {
    const old = pending.session as Session;
    old.outstanding.delete(pending.n);
    if (this.#sessions.get(pending.p) === old) {
      // Those still under way in it will be told the same, and each decides for itself.
      this.#sessions.delete(pending.p);
      this.#session(pending.p).queue = old.queue;
      old.queue = [];
    }
    if (pending.mayHaveRun) {
      this.#unknown(pending, 'the session ended before the outcome was known', old);
      return;
    }
    pending.session = null;
    pending.n = 0;
    const session = this.#session(pending.p);
    session.queue.push(pending);
    this.#pump(pending.p, session);
  }

  /** True when the node knows a newer map than this client. */
  #checkRevision(refusal: Refusal): boolean {
    if (refusal.code !== 'moved' || refusal.revision <= (this.#map?.revision ?? 0)) {
      if (refusal.code === 'moved') this.#wantsMap = true;
      return false;
    }
    this.#wantsMap = true;
    return true;
  }

  #retryLater(pending: Pending): void {
    pending.retryAt = this.#now + backoffMs(pending.attempts, this.#random());
  }

  #onLost(node: NodeId): void {
    this.#wantsMap = true;
    for (const pending of this.#open) {
      if (pending.rid === null || pending.node !== node) continue;
      this.#forget(pending);
      this.#retryLater(pending);
    }
    for (const session of this.#sessions.values()) {
      if (session.state === 'opening' && session.node === node)
        this.#forgetOpen(session, backoffMs(session.attempts, this.#random()));
    }
  }

  /** Gives up waiting for the attempt under way: it may have been taken in. */
  #forget(pending: Pending): void {
    if (pending.rid !== null) this.#attempts.delete(pending.rid);
    pending.rid = null;
    if (pending.call.type === 'write') pending.mayHaveRun = true;
  }

  /** An OPEN whose answer got lost left a session that nobody uses: harmless, it expires. */
  #forgetOpen(session: Session, delay: number): void {
    if (session.rid !== null) this.#attempts.delete(session.rid);
    session.rid = null;
    session.state = 'none';
    session.retryAt = this.#now + delay;
  }

  #onMap(map: ClusterMap): void {
    const first = this.#map === null;
    this.#map = map;
    for (const pending of [...this.#open]) {
      if (first && pending.call.type === 'write') {
        const entered: Pending = Object.assign(pending, {
          p: partitionOf(hashKey(pending.call.op.key), map.partitions.length),
        });
        this.#enter(entered);
      } else if (pending.rid === null && (pending.n > 0 || pending.call.type !== 'write')) {
        this.#attempt(pending);
      } else if (pending.rid !== null && pending.node !== this.#primary(pending.p)) {
        this.#forget(pending);
        this.#attempt(pending);
      }
    }
    for (const [p, session] of this.#sessions) {
      if (session.state === 'opening' && session.node !== this.#primary(p)) this.#forgetOpen(session, 0);
      if (session.state === 'none') session.retryAt = this.#now;
      this.#pump(p, session);
    }
  }

  #onTick(): void {
    const now = this.#now;
    const { attemptMs, staleMs } = this.#patience;
    for (const pending of this.#open) {
      if (now >= pending.call.deadline) {
        this.#expire(pending);
        continue;
      }
      if (pending.rid === null) {
        if ((pending.n > 0 || pending.call.type !== 'write') && now >= pending.retryAt)
          this.#attempt(pending);
      } else if (now - pending.sentAt >= attemptMs) {
        this.#forget(pending);
        this.#attempt(pending);
      } else if (now - pending.sentAt >= staleMs && now >= this.#readAt + staleMs) this.#wantsMap = true;
    }
    for (const [p, session] of this.#sessions) {
      if (session.state === 'opening' && now - session.sentAt >= attemptMs) this.#forgetOpen(session, 0);
      if (session.state !== 'opening') this.#pump(p, session);
    }
    if (this.#map === null) this.#wantsMap = true;
  }

  #expire(pending: Pending): void {
    if (pending.call.type === 'write' && (pending.mayHaveRun || pending.rid !== null)) {
      this.#unknown(pending, 'no answer came in time');
      return;
    }
    const refusal = pending.lastRefusal ?? this.#sessions.get(pending.p)?.lastRefusal ?? null;
    const code = refusal === null || refusal.code === 'moved' ? 'timeout' : refusal.code;
    this.#finish(pending, {
      type: 'failed',
      code,
      message: refusal === null ? 'no answer came in time' : refusal.message,
    });
  }
}

function firstOf(session: Session): number {
  for (const n of session.outstanding.keys()) return n;
  return session.nextN;
}

const idOf = (pending: Pending, session: Session | null): string =>
  `${pending.p}:${session?.id ?? '0.0'}:${pending.n}`;
