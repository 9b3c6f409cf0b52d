import { PeakEwma } from './averages.js';
import { Ejection } from './ejection.js';
import { LiveWeight } from './live-weight.js';
import { settings } from './settings.js';
import { Silence } from './silence.js';
import type { Candidate, NodeLoad, Outcome } from './types.js';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** All that the router knows of one node. */
export class RoutedNode {
  readonly id: string;
  /** What strategies see; brought up to date before each choice, so that choosing allocates nothing. */
  readonly candidate: Writable<Candidate>;
  readonly ejection = new Ejection();
  readonly silence = new Silence();
  readonly live: LiveWeight;
  readonly #base: number;
  readonly #peak = new PeakEwma();
  /** When it came, if it came to others that were there; else long ago. */
  readonly #came: number;
  #load: NodeLoad | null = null;
  #loadAt = 0;
  #others = 0;
  draining = false;
  inflight = 0;
  requests = 0;
  errors = 0;

  constructor(id: string, base: number, late: boolean, now: number) {
    this.id = id;
    this.#base = base;
    this.#came = late ? now : Number.NEGATIVE_INFINITY;
    this.live = new LiveWeight(now);
    this.candidate = { id, weight: base, inflight: 0, others: 0, load: null, ewmaMs: null, state: 'up' };
  }

  /** The share of its weight that it has by now: less than 1 in slow start, which is linear and follows an ejection. */
  ramp(now: number): number {
    // Who is asked although it is out is asked like the others: in a panic all must share the load.
    if (this.ejection.out(now)) return 1;
    const age = now - Math.max(this.#came, this.ejection.until);
    if (age >= settings.slowStartMs) return 1;
    const { slowStartShare, slowStartMs } = settings;
    return slowStartShare + ((1 - slowStartShare) * age) / slowStartMs;
  }

  /** When the ejection or slow start that it is in ends; null: in neither. */
  untilMs(now: number): number | null {
    if (this.ejection.out(now)) return this.ejection.until;
    return this.ramp(now) === 1 ? null : Math.max(this.#came, this.ejection.until) + settings.slowStartMs;
  }

  refresh(now: number): Candidate {
    const c = this.candidate;
    const ramp = this.ramp(now);
    c.weight = this.#base * this.live.value * ramp;
    c.inflight = this.inflight;
    const told = this.#load !== null && now - this.#loadAt <= settings.staleMs;
    c.load = told ? this.#load : null;
    c.others = told ? this.#others : 0;
    c.ewmaMs = this.#peak.read(now);
    c.state = ramp < 1 ? 'slow-start' : 'up';
    return c;
  }

  sent(now: number): void {
    this.live.held(this.inflight, now);
    this.inflight += 1;
    this.requests += 1;
    this.silence.sent(now);
  }

  /** An attempt ended after `ms`. True: its errors in a row are enough to eject it. */
  ended(outcome: Outcome, ms: number, load: NodeLoad | null, now: number): boolean {
    this.live.held(this.inflight, now);
    this.inflight -= 1;
    if (load !== null) {
      this.#load = load;
      this.#loadAt = now;
      this.#others = Math.max(0, load.inflight + load.queued - this.inflight);
      this.live.reported(load, now);
    }
    // What is under way there says how long a request will wait; counted in both, a queue would count twice.
    const taken = Math.max(0, ms - (load?.waitedMs ?? 0));
    if (outcome !== 'lost' && outcome !== 'timeout') this.silence.heard();
    switch (outcome) {
      case 'ok':
      case 'app-error':
        this.#peak.sample(taken, now);
        this.live.answered(taken, now);
        this.ejection.replied();
        return false;
      case 'busy':
        // Quick because nothing was done: no measure of how fast it is.
        this.ejection.replied();
        return false;
      case 'timeout':
        // How long a caller waits is the caller's affair: no error. That it took at least so long is a fact.
        this.#peak.sample(ms, now);
        this.live.unanswered(ms, now);
        return false;
      case 'lost':
        this.#peak.sample(ms, now);
        this.live.unanswered(ms, now);
        this.errors += 1;
        return this.ejection.failed(now);
      case 'error':
        this.errors += 1;
        return this.ejection.failed(now);
    }
  }
}
