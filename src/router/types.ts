import type { NodeLoad } from '../core/messages.js';

/** What the router and its strategies say to each other and to whoever asks. Times are in ms, loads in shares of 1. */

export type StrategyName = 'random' | 'round-robin' | 'weighted' | 'least-loaded' | 'two-choices' | 'hash';

export type { NodeLoad };

/** A node that may be chosen. Valid during the call that it was given to. */
export interface Candidate {
  readonly id: string;
  /** Above 0; less than its usual one during slow start. */
  readonly weight: number;
  /** Requests that this router has sent to it and that have not ended. */
  readonly inflight: number;
  /** Requests of others that were under way there, or waited, when it last answered. */
  readonly others: number;
  /** Null: it said nothing lately. */
  readonly load: NodeLoad | null;
  /** Peak-sensitive moving average of its latency, less what requests waited for their turn there, in ms; null: it has not answered yet. */
  readonly ewmaMs: number | null;
  readonly state: 'up' | 'slow-start';
}

export interface RouteRequest {
  readonly key: string | null;
  readonly now: number;
  /** In [0, 1). */
  readonly random: () => number;
}

/** A user's own strategy has this shape too: returns the id of one of the candidates. */
export type Pick = (candidates: readonly Candidate[], request: RouteRequest) => string;

export interface Strategy {
  pick: Pick;
  /** What it goes by; the lower is preferred. */
  score?(c: Candidate, request: RouteRequest): number;
  /** Who the members are now, candidates or not. */
  members?(ids: readonly string[]): void;
  /** A request to this node has ended; `ok` when the node did its part. */
  done?(id: string, ok: boolean, now: number): void;
}

/**
 * How an attempt ended. `ok`, `app-error` (of a handler; redirects too), `busy` and `error` are replies; `lost` (the
 * connection ended) and `timeout` (the caller waited no longer) are none.
 */
export type Outcome = 'ok' | 'app-error' | 'busy' | 'error' | 'lost' | 'timeout';

export interface Considered {
  readonly id: string;
  readonly weight: number;
  readonly inflight: number;
  readonly others: number;
  readonly ewmaMs: number | null;
  readonly load: NodeLoad | null;
  readonly score: number | null;
  readonly state: 'up' | 'slow-start' | 'ejected' | 'silent' | 'draining' | 'excluded';
}

export interface Choice {
  readonly id: string;
  /** All nodes, and why they could be chosen or not; made when asked, so ask before the request is sent. */
  readonly considered: () => readonly Considered[];
  readonly why: string;
}

/** What the router shows of a node. */
export type NodeView = Considered & {
  readonly ejections: number;
  /** When an ejection or a slow start ends; null: neither. */
  readonly untilMs: number | null;
  readonly requests: number;
  readonly errors: number;
};

export interface RouterView {
  readonly strategy: string;
  readonly nodes: NodeView[];
  /** Over the last 10 s. */
  readonly retries: { readonly used: number; readonly budget: number };
}
