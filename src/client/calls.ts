import type { ClusterMap, Member, NodeId } from '../core/map/types.js';
import { asMuster, invalid, MusterError } from '../errors.js';
import { limits } from '../limits.js';
import { Router } from '../router/router.js';
import type { Considered, Outcome } from '../router/types.js';
import type { Json, ServiceView } from '../service/definition.js';
import { TurnoverSet } from '../util/turnover.js';
import { isServiceName, want } from '../wire/check.js';
import { decodeServiceReply, type ServiceReply } from '../wire/service-reply.js';
import type { CallReport, RouterOptions, RouterView, ServiceCallOptions, ServiceRouter } from './api.js';
import type { CallAnswer, CallHandle, Links } from './links.js';

/** What calls need of the client. */
export interface CallsHost {
  readonly links: Pick<Links, 'call' | 'ask'>;
  readonly timeoutMs: number;
  map(): ClusterMap | null;
  /** Reads the newest map. */
  refresh(): Promise<ClusterMap>;
  /** Calls back for every newer map, until the client is closed. */
  watch(changed: () => void): void;
}

/** How often deadlines are looked at, in ms. */
const tickMs = 20;
/** Attempts at one request that wait for an answer side by side. */
const attemptsAtOnce = 3;

/** `orders.place` taken apart. Rejects with `usage`. */
function target(to: string): { service: string; method: string } {
  const [service, method, ...more] = to.split('.');
  if (!isServiceName(service) || !isServiceName(method) || more.length > 0)
    throw invalid('method', to, `SERVICE.METHOD, each ${want.serviceName}`);
  return { service, method };
}

const takesPart = ({ incarnation, url, state }: Member): boolean =>
  incarnation > 0 && url !== '' && state !== 'out';

/** All calls of services that a client makes. */
export class Calls {
  readonly #host: CallsHost;
  readonly #routers = new Set<Routing>();
  /** By `service.method`. */
  readonly #idempotent = new Map<string, boolean>();
  #shared: ServiceRouter | null = null;
  #watching = false;

  constructor(host: CallsHost) {
    this.#host = host;
  }

  router(options: RouterOptions = {}): ServiceRouter {
    const routing = new Routing(this.#host, options, (service, method) =>
      this.#isIdempotent(service, method),
    );
    this.#routers.add(routing);
    if (!this.#watching) {
      this.#watching = true;
      this.#host.watch(() => {
        // A node that was started anew may have other services.
        this.#idempotent.clear();
        for (const router of this.#routers) router.membersChanged();
      });
    }
    return routing;
  }

  call(to: string, params: unknown, options: ServiceCallOptions): Promise<Json> {
    this.#shared ??= this.router();
    return this.#shared.call(to, params, options);
  }

  /** The services of each node that answers. Rejects as `ask` does when none answers. */
  async list(timeoutMs = this.#host.timeoutMs): Promise<ServiceView[]> {
    const map = this.#host.map() ?? (await this.#host.refresh());
    const nodes = Object.values(map.members).filter(takesPart);
    if (nodes.length === 0) throw new MusterError('unavailable', 'no node has ever been started');
    return Promise.any(
      nodes.map(
        ({ id }) => this.#host.links.ask(id, { type: 'services' }, timeoutMs) as Promise<ServiceView[]>,
      ),
    ).catch((error: AggregateError) => {
      throw error.errors[0];
    });
  }

  async #isIdempotent(service: string, method: string): Promise<boolean> {
    const name = `${service}.${method}`;
    const known = this.#idempotent.get(name);
    if (known !== undefined) return known;
    for (const view of await this.list())
      for (const m of view.methods) this.#idempotent.set(`${view.name}.${m.name}`, m.idempotent);
    return this.#idempotent.get(name) ?? false;
  }

  close(): void {
    for (const router of this.#routers) router.close();
    this.#routers.clear();
  }
}

interface Attempt {
  readonly ticket: number;
  readonly node: NodeId;
  call: CallHandle | null;
}

/** One request on its way, at one node or at several. */
interface Flight {
  readonly service: string;
  readonly method: string;
  readonly params: unknown;
  readonly key: string | null;
  readonly idempotent: boolean;
  readonly begin: number;
  readonly deadline: number;
  /** When another node is asked as well, if none has answered; instead, if the request did not leave yet. */
  nextAt: number;
  tried: NodeId[];
  /** Attempts without an answer. */
  open: Attempt[];
  attempts: number;
  /** A handler may have started, with unknown outcome. */
  mayHaveRun: boolean;
  considered: readonly Considered[] | null;
  why: string;
  readonly explain: boolean;
  settled: boolean;
  readonly resolve: (report: CallReport) => void;
  readonly reject: (error: MusterError) => void;
}

class Routing implements ServiceRouter {
  readonly #host: CallsHost;
  readonly #router: Router;
  readonly #isIdempotent: (service: string, method: string) => Promise<boolean>;
  readonly #flights = new TurnoverSet<Flight>();
  readonly #incarnations = new Map<NodeId, number>();
  #timer: NodeJS.Timeout | null = null;

  constructor(
    host: CallsHost,
    options: RouterOptions,
    isIdempotent: (service: string, method: string) => Promise<boolean>,
  ) {
    const { strategy = 'two-choices', weights, seed = Math.floor(Math.random() * 2 ** 31) } = options;
    this.#host = host;
    this.#isIdempotent = isIdempotent;
    this.#router = new Router({
      strategy,
      ...(weights === undefined ? {} : { weights }),
      seed,
      now: performance.now(),
    });
    this.membersChanged();
  }

  /** The map may be newer. A node that was started anew is another one, with nothing against it. */
  membersChanged(): void {
    const map = this.#host.map();
    if (map === null) return;
    const members = Object.values(map.members).filter(takesPart);
    const views = members.map(({ id, state }) => ({
      id,
      state: state === 'draining' ? ('draining' as const) : ('up' as const),
    }));
    const anew = members.filter(({ id, incarnation }) => {
      const before = this.#incarnations.get(id);
      this.#incarnations.set(id, incarnation);
      return before !== undefined && before !== incarnation;
    });
    const now = performance.now();
    if (anew.length > 0)
      this.#router.members(
        views.filter(({ id }) => anew.every((m) => m.id !== id)),
        now,
      );
    this.#router.members(views, now);
  }

  call(to: string, params: unknown = null, options: ServiceCallOptions = {}): Promise<Json> {
    return this.route(to, params, options).then(({ value }) => value);
  }

  route(to: string, params: unknown = null, options: ServiceCallOptions = {}): Promise<CallReport> {
    const { idempotent } = options;
    // Nothing to find out first: the request leaves in this turn.
    if (idempotent !== undefined && this.#host.map() !== null)
      return this.#fly(to, params, options, idempotent);
    return this.#findOut(to, options).then((found) => this.#fly(to, params, options, found));
  }

  async #findOut(to: string, { idempotent }: ServiceCallOptions): Promise<boolean> {
    const { service, method } = target(to);
    if (this.#host.map() === null) {
      await this.#host.refresh();
      this.membersChanged();
    }
    return idempotent ?? (await this.#isIdempotent(service, method));
  }

  #fly(to: string, params: unknown, options: ServiceCallOptions, idempotent: boolean): Promise<CallReport> {
    const { key = null, explain = false, timeoutMs = this.#host.timeoutMs } = options;
    const begin = performance.now();
    const hedgeMs =
      options.hedge === undefined || !idempotent ? null : this.#router.percentile(options.hedge);
    return new Promise((resolve, reject) => {
      const { service, method } = target(to);
      const flight: Flight = {
        service,
        method,
        params,
        key,
        idempotent,
        begin,
        deadline: begin + timeoutMs,
        nextAt: begin + (hedgeMs ?? limits.serviceAttemptMs),
        tried: [],
        open: [],
        attempts: 0,
        mayHaveRun: false,
        considered: null,
        why: '',
        explain,
        settled: false,
        resolve,
        reject,
      };
      this.#flights.add(flight);
      this.#timer ??= setInterval(() => this.#tick(), tickMs);
      this.#attempt(flight);
    });
  }

  view(): RouterView {
    return this.#router.view(performance.now());
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    for (const flight of this.#flights) this.#fail(flight, new MusterError('usage', 'the client is closed'));
  }

  /** Sends the request to one more node; with `anew` also to one that was tried. False: no node is left. */
  #attempt(flight: Flight, anew = true): boolean {
    const now = performance.now();
    const router = this.#router;
    let choice: ReturnType<Router['choose']>;
    try {
      choice = router.choose(
        flight.tried.length === 0 ? { key: flight.key } : { key: flight.key, exclude: new Set(flight.tried) },
        now,
      );
      // All have been tried: a node that was busy may have capacity by now.
      if (choice === null && anew && flight.open.length === 0 && flight.tried.length > 0) {
        flight.tried = [];
        choice = router.choose({ key: flight.key }, now);
      }
    } catch (error) {
      this.#fail(flight, asMuster(error));
      return true;
    }
    if (choice === null) {
      if (flight.open.length > 0 || !anew) return false;
      this.#fail(flight, new MusterError('unavailable', 'no node available'));
      return true;
    }
    const { id } = choice;
    if (flight.explain && flight.considered === null) {
      flight.considered = choice.considered();
      flight.why = choice.why;
    }
    flight.attempts++;
    flight.tried.push(id);
    const ticket = router.sent(id, now);
    const attempt: Attempt = { ticket, node: id, call: null };
    flight.open.push(attempt);
    const { service, method, params, deadline } = flight;
    const timeoutMs = Math.max(1, Math.round(deadline - now));
    try {
      const request = { type: 'call' as const, service, method, params, timeoutMs };
      attempt.call = this.#host.links.call(id, request, (answer) => this.#answered(flight, attempt, answer));
    } catch (error) {
      router.done(ticket, 'app-error', performance.now());
      this.#fail(flight, asMuster(error));
    }
    return true;
  }

  #answered(flight: Flight, attempt: Attempt, answer: CallAnswer): void {
    const { ticket, node } = attempt;
    const reply = replyOf(answer);
    const outcome = outcomeOf(answer, reply);
    this.#router.done(ticket, outcome, performance.now(), reply?.load ?? null);
    if (flight.settled) return;
    flight.open = flight.open.filter((open) => open !== attempt);
    if (reply?.ok === true) {
      this.#settle(flight);
      const { attempts, considered, why } = flight;
      const ms = performance.now() - flight.begin;
      const report = { value: reply.value as Json, node, attempts, ms, load: reply.load };
      flight.resolve(considered === null ? report : { ...report, considered, why });
      return;
    }
    const ran = reply === null ? mayHaveRun(answer) : reply.ran;
    if (ran) flight.mayHaveRun = true;
    const error = errorOf(flight, node, answer, reply);
    // Nodes are given a service one after the other: another may have it already, or still.
    const lacking = reply?.code === 'unknown-service';
    const elsewhere = lacking || outcome === 'busy' || outcome === 'lost';
    if (!elsewhere || (ran && !flight.idempotent)) {
      this.#fail(flight, error);
      return;
    }
    if (flight.open.length > 0) return;
    if (lacking) {
      if (!this.#attempt(flight, false)) this.#fail(flight, error);
      return;
    }
    const now = performance.now();
    if (now >= flight.deadline || !this.#router.mayRetry(now)) this.#fail(flight, error);
    else this.#attempt(flight);
  }

  #tick(): void {
    const now = performance.now();
    for (const flight of this.#flights) {
      if (now >= flight.deadline) {
        for (const { ticket, call } of flight.open) {
          this.#router.done(ticket, 'timeout', now);
          if (call?.sent === true) flight.mayHaveRun = true;
        }
        const ms = Math.round(flight.deadline - flight.begin);
        const what = `${flight.service}.${flight.method}`;
        const message = `${what} timed out after ${ms} ms (sent to ${flight.tried.join(', ')})`;
        const details = { service: flight.service, method: flight.method, attempts: flight.attempts };
        this.#fail(
          flight,
          flight.idempotent || !flight.mayHaveRun
            ? new MusterError('timeout', message, {
                details,
                tookEffect: flight.mayHaveRun ? 'unknown' : 'no',
              })
            : new MusterError('outcome-unknown', message, { details }),
        );
      } else if (now >= flight.nextAt) {
        flight.nextAt = now + limits.serviceAttemptMs;
        this.#another(flight, now);
      }
    }
    if (this.#flights.size === 0 && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }

  /** Hedging: no node has answered for a while, so the request goes to one more, where that is safe. */
  #another(flight: Flight, now: number): void {
    const unsent = flight.open.filter(({ call }) => call?.sent !== true);
    const safe = flight.idempotent || (unsent.length === flight.open.length && !flight.mayHaveRun);
    if (!safe || flight.open.length >= attemptsAtOnce || !this.#router.mayRetry(now)) return;
    // What has not left by now is taken back: it must not run after all.
    for (const { ticket, call } of unsent) {
      call?.cancel();
      this.#router.done(ticket, 'lost', now);
    }
    flight.open = flight.open.filter((attempt) => !unsent.includes(attempt));
    this.#attempt(flight);
  }

  #settle(flight: Flight): void {
    flight.settled = true;
    this.#flights.delete(flight);
    for (const { ticket, call } of flight.open) {
      if (call?.sent === true) continue; // The router is told when its answer comes.
      call?.cancel();
      this.#router.done(ticket, 'timeout', performance.now());
    }
  }

  #fail(flight: Flight, error: MusterError): void {
    if (flight.settled) return;
    this.#settle(flight);
    flight.reject(error);
  }
}

const mayHaveRun = (answer: CallAnswer): boolean =>
  answer.kind === 'lost' ? answer.sent : answer.kind !== 'error' || answer.error.tookEffect !== 'no';

function replyOf(answer: CallAnswer): ServiceReply | null {
  if (answer.kind !== 'result') return null;
  try {
    return decodeServiceReply(answer.result);
  } catch {
    return null;
  }
}

/** What the router is told: only what says something of the node counts against it. */
function outcomeOf(answer: CallAnswer, reply: ServiceReply | null): Outcome {
  if (answer.kind === 'lost') return 'lost';
  if (reply === null) return answer.kind === 'error' && answer.error.code === 'busy' ? 'busy' : 'error';
  if (reply.ok) return 'ok';
  if (reply.code === 'busy') return 'busy';
  return reply.code === 'timeout' ? 'timeout' : 'app-error';
}

function errorOf(flight: Flight, node: NodeId, answer: CallAnswer, reply: ServiceReply | null): MusterError {
  const what = `${flight.service}.${flight.method}`;
  const details = { node, service: flight.service, method: flight.method, attempts: flight.attempts };
  if (answer.kind === 'lost') {
    if (!answer.sent || flight.idempotent)
      return new MusterError('unreachable', `${what} at ${node}: ${answer.error.message}`, {
        details,
        tookEffect: answer.sent ? 'unknown' : 'no',
        cause: answer.error,
      });
    const message = `connection to ${node} lost while waiting for the response to ${what}`;
    return new MusterError('outcome-unknown', message, { details, cause: answer.error });
  }
  if (answer.kind === 'error') return answer.error;
  if (reply === null || reply.ok)
    return new MusterError('outcome-unknown', `invalid response from ${node} to ${what}`, {
      details,
    });
  const code = reply.code === 'timeout' && !flight.idempotent ? 'outcome-unknown' : reply.code;
  return new MusterError(code, reply.message, {
    details: reply.own === undefined ? details : { ...details, own: reply.own },
    tookEffect: reply.ran ? 'unknown' : 'no',
  });
}
