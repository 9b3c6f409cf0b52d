import type { MusterClient } from '../../client/api.js';
import { openClient } from '../../client/open.js';
import { asMuster } from '../../errors.js';
import { pause } from '../../util/pause.js';
import { Listing } from '../folder/listing.js';
import { findCluster, type LocalCluster } from '../folder/registry.js';
import { type Overview, overviewOf, type Sample } from './overview.js';
import { type Event, eventsBetween } from './overview-events.js';
import { lookAt } from './status.js';

/** What is kept for pictures of the last minutes, of each look. */
export interface Point {
  readonly at: number;
  readonly ops: number | null;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly lag: number | null;
  /** Requests a second by node. */
  readonly nodes: Readonly<Record<string, number | null>>;
}

/** An event with its number; numbers rise by one. */
export interface FeedEvent extends Event {
  readonly seq: number;
}

/** `gone`: the cluster does not exist (any more). `unknown`: reading its state failed, `problem` says why. */
export type ClusterState = 'running' | 'stopped' | 'gone' | 'unknown';

export interface Look {
  readonly at: number;
  readonly state: ClusterState;
  readonly problem: string | null;
  /** The last that was made out; null: never, or the cluster is gone. */
  readonly overview: Overview | null;
  /** What happened since the look before. */
  readonly events: readonly FeedEvent[];
}

/** What there is to see before the first look. */
export const nothingYet: Look = { at: 0, state: 'unknown', problem: null, overview: null, events: [] };

export interface ObserverOptions {
  readonly cluster: string;
  /** From one look to the next, in ms. */
  readonly everyMs: number;
}

/** Looks that are remembered, and events. */
const POINTS = 120;
const EVENTS = 500;
/** How long a node may take to answer, in ms: the others are not to be waited for longer. */
const ANSWER_MS = 800;
/** Locks and transactions are listed at most once in this many refreshes. */
const LIST_LOOKS = 2;
/** How long the first look waits for such a list, in ms. */
const FIRST_LIST_MS = 500;

const stateWords: Readonly<Record<ClusterState, string>> = {
  running: 'is running',
  stopped: 'is stopped',
  gone: 'no longer exists',
  unknown: 'cannot be inspected',
};

/**
 * Looks at a cluster again and again, with one client that stays connected. A cluster that is stopped, started, destroyed and
 * created anew meanwhile is followed; it never fails.
 */
export class Observer {
  readonly #options: ObserverOptions;
  readonly #listeners = new Set<(look: Look) => void>();
  readonly #points: Point[] = [];
  readonly #events: FeedEvent[] = [];
  #seq = 0;
  #told = 0;
  /** Of the cluster with this identity. */
  #client: { readonly of: string; readonly opened: Promise<MusterClient> } | null = null;
  #listing: Listing;
  #sample: Sample | null = null;
  #last: Look | null = null;
  #timer: NodeJS.Timeout | null = null;
  #ended = false;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.#listing = new Listing(options.everyMs * LIST_LOOKS);
  }

  /** The last look; null before the first. */
  get last(): Look | null {
    return this.#last;
  }

  get history(): readonly Point[] {
    return this.#points;
  }

  get events(): readonly FeedEvent[] {
    return this.#events;
  }

  /** The cluster as it is now; rejects with `unknown-cluster`. */
  get cluster(): LocalCluster {
    return findCluster(this.#options.cluster);
  }

  /** The client of the cluster; rejects as `openClient` does. */
  async client(): Promise<MusterClient> {
    return this.#clientOf(this.cluster);
  }

  /** Is told of every look from now on. Gives the way to end that. */
  subscribe(listener: (look: Look) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Adds an event of the caller; it is reported with the next refresh. */
  note(event: Omit<Event, 'at'>): void {
    this.#add({ at: Date.now(), ...event });
  }

  start(): void {
    this.#looking = this.#look().finally(() => {
      if (!this.#ended) this.#timer = setTimeout(() => this.start(), this.#pause());
    });
  }

  /** Looks now, not when it is time; not while a look is under way. */
  hurry(): void {
    if (this.#timer === null || this.#ended) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.start();
  }

  /** Ends the looking and closes the client. */
  async stop(): Promise<void> {
    this.#ended = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#listeners.clear();
    this.#forget();
    await this.#looking;
  }

  #begun = 0;

  /** What is left of the interval. A look that took longer is followed by another only after a rest, so that looks never pile up. */
  #pause(): number {
    const { everyMs } = this.#options;
    return Math.max(everyMs / 10, everyMs - (performance.now() - this.#begun));
  }

  async #look(): Promise<void> {
    this.#begun = performance.now();
    this.#timer = null;
    let state: ClusterState;
    let problem: string | null = null;
    try {
      state = await this.#sampleNow();
    } catch (error) {
      const { code, message, hint } = asMuster(error);
      state = code === 'unknown-cluster' ? 'gone' : 'unknown';
      problem = state === 'gone' ? message : `${message}. ${hint}`;
    }
    if (this.#ended) return;
    // A cluster that is created anew under the name is another, and is not compared with this one.
    if (state === 'gone') this.#forget();
    this.#tell(state, problem);
  }

  #tell(state: ClusterState, problem: string | null): void {
    const before = this.#last?.state;
    const at = Date.now();
    if (before !== undefined && before !== state)
      this.#add({ at, kind: 'cluster', text: `cluster ${this.#options.cluster} ${stateWords[state]}` });
    const overview = state === 'gone' ? null : this.#overview;
    const events = this.#events.filter(({ seq }) => seq > this.#told);
    this.#told = this.#seq;
    this.#last = { at, state, problem, overview, events };
    for (const listener of this.#listeners) listener(this.#last);
  }

  #overview: Overview | null = null;

  async #sampleNow(): Promise<ClusterState> {
    const cluster = this.cluster;
    const client = await this.#clientOf(cluster);
    const { status, map, answers } = await lookAt(cluster, client, ANSWER_MS);
    const listing = this.#listing;
    const listed = listing.refresh(client, answers.status.values());
    // The first refresh waits for these lists, within a bound; later ones do not wait.
    if (this.#sample === null) await Promise.race([listed, pause(FIRST_LIST_MS)]);
    const clock = performance.now();
    const { transactions, locks } = listing;
    const inDoubt = new Set(transactions.filter(({ state }) => state === 'in-doubt').map(({ id }) => id));
    const since = this.#sample?.inDoubtSince;
    const sample: Sample = {
      at: Date.now(),
      clock,
      status,
      map,
      answers: answers.status,
      transactions,
      inDoubtSince: new Map([...inDoubt].map((id) => [id, since?.get(id) ?? clock])),
      locks,
    };
    const overview = overviewOf(this.#sample, sample);
    if (this.#sample !== null) for (const event of eventsBetween(this.#sample, sample)) this.#add(event);
    this.#sample = sample;
    this.#overview = overview;
    this.#addPoint(overview);
    return answers.status.size === 0 && status.nodes.every((row) => row.state === 'down')
      ? 'stopped'
      : 'running';
  }

  #addPoint({ at, totals, nodes }: Overview): void {
    const { opsPerSecond: ops, p50Ms: p50, p99Ms: p99, lag } = totals;
    const byNode = Object.fromEntries(nodes.map(({ id, opsPerSecond }) => [id, opsPerSecond]));
    this.#points.push({ at, ops, p50, p99, lag, nodes: byNode });
    if (this.#points.length > POINTS) this.#points.shift();
  }

  #add(event: Event): void {
    this.#events.push({ ...event, seq: ++this.#seq });
    if (this.#events.length > EVENTS) this.#events.shift();
  }

  #clientOf(cluster: LocalCluster): Promise<MusterClient> {
    const of = cluster.file.cluster;
    if (this.#client?.of === of) return this.#client.opened;
    this.#forget();
    const opened = openClient({ clusterDir: cluster.dir });
    this.#client = { of, opened };
    opened.catch(() => {
      if (this.#client?.opened === opened) this.#client = null;
    });
    return opened;
  }

  #forget(): void {
    this.#client?.opened.then((client) => client.close()).catch(() => {});
    this.#client = null;
    this.#sample = null;
    this.#overview = null;
    this.#listing = new Listing(this.#options.everyMs * LIST_LOOKS);
  }
}
