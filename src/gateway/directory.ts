import { MusterError } from '../errors.js';
import { limits } from '../limits.js';
import { missing, type ServiceView } from '../service/definition.js';

/** Rejects with `timeout` when the promise is not settled after `ms`. */
function inTime<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new MusterError('timeout', 'timed out waiting for the list of services'));
    }, ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

type ListServices = (timeoutMs: number) => Promise<readonly ServiceView[]>;

/** What the nodes run, asked for again when it is older than `limits.gatewayServicesMs`. */
export class Directory {
  readonly #list: ListServices;
  readonly #now: () => number;
  #services: readonly ServiceView[] | null = null;
  #at = Number.NEGATIVE_INFINITY;
  #asking: Promise<readonly ServiceView[]> | null = null;

  /** `list` rejects when no node answers; `now` is in ms. */
  constructor(list: ListServices, now: () => number = () => performance.now()) {
    this.#list = list;
    this.#now = now;
  }

  /** Asks the nodes, once for all who want to know just now. Rejects as `list` does, or with `timeout`. */
  fresh(timeoutMs: number): Promise<readonly ServiceView[]> {
    this.#asking ??= this.#list(limits.gatewayServicesMs)
      .then((services) => {
        this.#services = services;
        this.#at = this.#now();
        return services;
      })
      .finally(() => {
        this.#asking = null;
      });
    return inTime(this.#asking, timeoutMs);
  }

  /** At most so old; older when no node answers soon. Rejects as `fresh` does when nothing was ever known. */
  async services(timeoutMs: number): Promise<readonly ServiceView[]> {
    const before = this.#services;
    if (before === null) return this.fresh(timeoutMs);
    if (this.#now() - this.#at < limits.gatewayServicesMs) return before;
    // Most of the time is left for what it is wanted for.
    return this.fresh(timeoutMs / 4).catch(() => before);
  }

  /** May it run twice? Rejects with `unknown-service`, or as `services` does. */
  async isIdempotent(service: string, method: string, timeoutMs: number): Promise<boolean> {
    const find = (services: readonly ServiceView[]) =>
      services.find(({ name }) => name === service)?.methods.find(({ name }) => name === method);
    const known = find(await this.services(timeoutMs));
    if (known !== undefined) return known.idempotent;
    // It may have been deployed just now.
    const all = await this.fresh(timeoutMs);
    const found = find(all);
    if (found !== undefined) return found.idempotent;
    throw new MusterError('unknown-service', missing(all, service, method), { details: { service, method } });
  }

  /** Does the method exist, by the cached list? Sends no request. */
  knows(service: string, method: string): boolean {
    const found = this.#services?.find(({ name }) => name === service);
    return found?.methods.some(({ name }) => name === method) ?? false;
  }
}
