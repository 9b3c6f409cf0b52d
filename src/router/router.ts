import { Random } from '../core/random.js';
import { invalid, MusterError } from '../errors.js';
import { TurnoverMap } from '../util/turnover.js';
import { strategyOf } from './balancers/index.js';
import { consider } from './considered.js';
import { mostOut } from './ejection.js';
import { Latencies } from './latencies.js';
import { measure } from './live-weight.js';
import { RetryBudget } from './retry-budget.js';
import { RoutedNode } from './routed-node.js';
import { settings } from './settings.js';
import type {
  Candidate,
  Choice,
  Considered,
  NodeLoad,
  Outcome,
  Pick,
  RouteRequest,
  RouterView,
  Strategy,
  StrategyName,
} from './types.js';

const PANIC = 'fewer than half of the nodes are healthy, so ejected nodes are used too';

interface Attempt {
  readonly node: RoutedNode;
  readonly sentAt: number;
}

export interface RouterOptions {
  readonly strategy: StrategyName | Pick;
  /** Of some or all nodes, 1 for the others. With none `weighted` measures them. */
  readonly weights?: Readonly<Record<string, number>>;
  readonly seed: number;
  readonly now: number;
}

/**
 * Chooses a node for each request and learns from how it went. Pure: time comes in as `now`, in ms of a clock that never
 * goes back. Whom it may choose: not those excluded or draining; not the ejected, unless fewer than half of the nodes are
 * healthy (panic); not the silent while others remain, but for a probe a second. Before it says "nobody" it takes an
 * ejected, then a silent one.
 */
export class Router {
  readonly #name: string;
  readonly #strategy: Strategy;
  readonly #why: string;
  readonly #weights: ReadonlyMap<string, number>;
  /** `weighted` without given weights: they are measured. */
  readonly #live: boolean;
  /** A user's own; it may do as it likes with what it is given. */
  readonly #foreign: boolean;
  readonly #next: () => number;
  readonly #nodes = new Map<string, RoutedNode>();
  readonly #attempts = new TurnoverMap<number, Attempt>();
  readonly #latencies = new Latencies();
  readonly #budget: RetryBudget;
  #order: RoutedNode[] = [];
  #ticket = 0;
  #measuredAt: number;
  /** The silent node that the last choice probed: the next choice is not a probe, or at a low rate each request would go to a dead node. */
  #probe: RoutedNode | null = null;
  #panic = false;
  /** Filled anew by each choice, so that it allocates none. */
  readonly #fit: Candidate[] = [];
  readonly #ejected: Candidate[] = [];
  readonly #silent: Candidate[] = [];

  /** Throws `usage` for an unknown strategy or a weight that is not above 0. */
  constructor(options: RouterOptions) {
    const weights = new Map(Object.entries(options.weights ?? {}));
    for (const [id, weight] of weights) {
      if (!(weight > 0 && Number.isFinite(weight)))
        throw invalid(`weight of ${id}`, String(weight), 'a number above 0');
    }
    const random = new Random(options.seed);
    this.#weights = weights;
    this.#next = () => random.next();
    this.#budget = new RetryBudget(options.now);
    this.#measuredAt = options.now;
    const { strategy } = options;
    this.#foreign = typeof strategy === 'function';
    this.#live = strategy === 'weighted' && weights.size === 0;
    if (typeof strategy === 'function') {
      this.#name = 'custom';
      this.#strategy = { pick: strategy };
      this.#why = 'chosen by the custom strategy';
    } else {
      const made = strategyOf(strategy, (id) => this.#weights.get(id) ?? 1, weights.size > 0);
      this.#name = strategy;
      this.#strategy = made.strategy;
      this.#why = made.why;
    }
  }

  /** Who there is. A node that comes to others that are there begins slowly; one that was away is a new one. */
  members(nodes: readonly { id: string; state: 'up' | 'draining' }[], now: number): void {
    const late = nodes.some(({ id }) => this.#nodes.has(id));
    const order = nodes.map(({ id, state }) => {
      const node = this.#nodes.get(id) ?? new RoutedNode(id, this.#weights.get(id) ?? 1, late, now);
      node.draining = state === 'draining';
      return node;
    });
    this.#nodes.clear();
    for (const node of order) this.#nodes.set(node.id, node);
    this.#order = [...this.#nodes.values()];
    this.#strategy.members?.(this.#order.map((node) => node.id));
  }

  /** Null: no node is left. Throws `usage` when a custom strategy throws or returns anything but a candidate. */
  choose(request: { key: string | null; exclude?: ReadonlySet<string> }, now: number): Choice | null {
    this.#measure(now);
    const { key, exclude } = request;
    const asked: RouteRequest = { key, now, random: this.#next };
    this.#sort(exclude, now);
    const fit = this.#fit;
    const probe = this.#probe;
    if (probe !== null) {
      // With a key its node is asked only by one of its own keys: the others stay where they are.
      const keyed = this.#name === 'hash' && key !== null;
      if (keyed) {
        // What it owes must not count as load: it would be full just because it is silent.
        probe.candidate.inflight = 0;
        fit.push(probe.candidate);
      }
      const id = keyed ? this.#strategy.pick(fit, asked) : probe.id;
      if (keyed) fit.pop();
      if (id === probe.id) {
        probe.silence.probe(now);
        return this.#choice(id, 'probe of a silent node, once a second', asked, exclude);
      }
      this.#probe = null;
    }
    if (fit.length > 0) {
      const why = this.#panic ? PANIC : fit.length > 1 ? this.#why : 'only node left';
      return this.#choice(this.#pick(fit, asked), why, asked, exclude);
    }
    if (this.#ejected.length > 0)
      return this.#choice(
        this.#pick(this.#ejected, asked),
        'all remaining nodes are ejected',
        asked,
        exclude,
      );
    if (this.#silent.length > 0)
      return this.#choice(this.#pick(this.#silent, asked), 'all remaining nodes are silent', asked, exclude);
    return null;
  }

  /** A request goes to this node (also one that was not chosen: a redirect). Returns the ticket of this attempt. */
  sent(id: string, now: number): number {
    const ticket = this.#ticket;
    this.#ticket += 1;
    this.#budget.sent(now);
    const node = this.#nodes.get(id);
    if (node !== undefined) {
      node.sent(now);
      this.#attempts.set(ticket, { node, sentAt: now });
    }
    return ticket;
  }

  /** The attempt has ended, for the first time; a second end counts for nothing. `load`: what the node said of itself. */
  done(ticket: number, outcome: Outcome, now: number, load: NodeLoad | null = null): void {
    const attempt = this.#attempts.get(ticket);
    if (attempt === undefined) return;
    this.#attempts.delete(ticket);
    const { node } = attempt;
    const ms = Math.max(0, now - attempt.sentAt);
    if (outcome === 'ok') this.#latencies.add(ms);
    const failing = node.ended(outcome, ms, load, now);
    if (this.#nodes.get(node.id) !== node) return;
    if (failing && this.#mayEject(now)) node.ejection.eject(now);
    const ok = outcome === 'ok' || outcome === 'app-error' || outcome === 'busy';
    this.#strategy.done?.(node.id, ok, now);
  }

  /** May one more retry be sent? True: it has been taken from the budget. Ask in one layer only. */
  mayRetry(now: number): boolean {
    return this.#budget.spend(now);
  }

  /** Latency that a share `q` (0 to 1) of the recent ok replies did not exceed, in ms; null when under 20 samples. */
  percentile(q: number): number | null {
    return this.#latencies.percentile(q);
  }

  /** Changes nothing. */
  view(now: number): RouterView {
    const request: RouteRequest = { key: null, now, random: this.#next };
    const nodes = this.#list(request, undefined).map((considered, i) => {
      const node = this.#order[i]!;
      const { requests, errors } = node;
      return { ...considered, ejections: node.ejection.count, untilMs: node.untilMs(now), requests, errors };
    });
    const retries = { used: this.#budget.used(now), budget: this.#budget.budget(now) };
    return { strategy: this.#name, nodes, retries };
  }

  readonly #list = (request: RouteRequest, exclude: ReadonlySet<string> | undefined): readonly Considered[] =>
    this.#order.map((node) => consider(node, this.#strategy, request, exclude));

  #choice(id: string, why: string, asked: RouteRequest, exclude: ReadonlySet<string> | undefined): Choice {
    return { id, why, considered: () => this.#list(asked, exclude) };
  }

  /** Sorts the nodes into those that fit, the ejected and the silent; finds one to probe, and whether it is time to panic. */
  #sort(exclude: ReadonlySet<string> | undefined, now: number): void {
    this.#fit.length = 0;
    this.#ejected.length = 0;
    this.#silent.length = 0;
    // A retry has waited long enough: it goes to those that answer.
    const probing = this.#probe === null && (exclude === undefined || exclude.size === 0);
    this.#probe = null;
    let up = 0;
    let healthy = 0;
    for (let i = 0; i < this.#order.length; i += 1) {
      const node = this.#order[i]!;
      if (node.draining) continue;
      up += 1;
      const silent = node.silence.at(now);
      const out = node.ejection.out(now);
      if (!silent && !out) healthy += 1;
      if (exclude?.has(node.id) === true) continue;
      const c = node.refresh(now);
      if (silent) {
        this.#silent.push(c);
        if (probing && !out && this.#probe === null && node.silence.due(now)) this.#probe = node;
      } else if (out) this.#ejected.push(c);
      else this.#fit.push(c);
    }
    this.#panic = healthy < up * settings.panicShare && this.#ejected.length > 0;
    if (this.#panic) for (const c of this.#ejected) this.#fit.push(c);
  }

  #pick(candidates: readonly Candidate[], request: RouteRequest): string {
    if (!this.#foreign) return this.#strategy.pick(candidates, request);
    let id: unknown;
    try {
      id = this.#strategy.pick([...candidates], request);
    } catch (cause) {
      const what = cause instanceof Error ? cause.message : String(cause);
      throw new MusterError('usage', `custom strategy threw: ${what}`, { cause });
    }
    if (typeof id === 'string' && candidates.some((c) => c.id === id)) return id;
    const all = candidates.map((c) => c.id).join(', ');
    throw new MusterError(
      'usage',
      `custom strategy returned ${String(id)}: expected one of its candidates (${all})`,
    );
  }

  #mayEject(now: number): boolean {
    let up = 0;
    let out = 0;
    for (const node of this.#order) {
      if (node.draining) continue;
      up += 1;
      if (node.ejection.out(now)) out += 1;
    }
    return out < mostOut(up);
  }

  /** Measures the weights anew when an interval is over. */
  #measure(now: number): void {
    const intervals = Math.floor((now - this.#measuredAt) / settings.weightMs);
    if (intervals < 1) return;
    this.#measuredAt += intervals * settings.weightMs;
    if (!this.#live) return;
    const lives = this.#order.map((node) => {
      node.live.close(node.inflight, now);
      return node.live;
    });
    measure(lives, intervals, now);
  }
}
