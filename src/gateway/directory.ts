import { MusterError } from '../errors.js';
import { limits } from '../limits.js';
import type { ServiceView } from '../service/definition.js';

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

  /** Asks the nodes, once for all who want to know just now. Rejects as `list` does. */
  fresh(timeoutMs: number): Promise<readonly ServiceView[]> {
    this.#asking ??= this.#list(Math.min(timeoutMs, limits.gatewayServicesMs))
      .then((services) => {
        this.#services = services;
        this.#at = this.#now();
        return services;
      })
      .finally(() => {
        this.#asking = null;
      });
    return this.#asking;
  }

  /** At most so old; older when no node answers. Rejects as `list` does when nothing was ever known. */
  async services(timeoutMs: number): Promise<readonly ServiceView[]> {
    if (this.#services !== null && this.#now() - this.#at < limits.gatewayServicesMs) return this.#services;
    const before = this.#services;
    try {
      return await this.fresh(timeoutMs);
    } catch (error) {
      if (before === null) throw error;
      return before;
    }
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
    const methods = all.find(({ name }) => name === service)?.methods;
    const names = (methods ?? all).map(({ name }) => name).join(', ') || 'none';
    const message = methods
      ? `service ${service} has no method ${method}; it has ${names}`
      : `there is no service ${service}; there are ${names}`;
    throw new MusterError('unknown-service', message, { details: { service, method } });
  }

  /** Is there such a method, as far as is known? Asks nobody. */
  knows(service: string, method: string): boolean {
    const found = this.#services?.find(({ name }) => name === service);
    return found?.methods.some(({ name }) => name === method) ?? false;
  }
}
