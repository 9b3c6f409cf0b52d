import { type EventLoopUtilization, performance } from 'node:perf_hooks';

/** How often the shares are measured anew, in ms: often enough to route by, seldom enough to cost nothing. */
const everyMs = 250;

/** How busy this process is, as shares of the last quarter of a second or so. */
export class Meter {
  #at = performance.now();
  #loop: EventLoopUtilization = performance.eventLoopUtilization();
  #cpu = process.cpuUsage();
  #shares = { loop: 0, cpu: 0 };

  /** `loop`: of the event loop's time, busy, 0 to 1; `cpu`: of one core. */
  get shares(): { readonly loop: number; readonly cpu: number } {
    const now = performance.now();
    const elapsed = now - this.#at;
    if (elapsed < everyMs) return this.#shares;
    const used = process.cpuUsage(this.#cpu);
    const { utilization } = performance.eventLoopUtilization(this.#loop);
    this.#shares = {
      loop: Math.round(utilization * 1000) / 1000,
      cpu: Math.round((used.user + used.system) / elapsed) / 1000,
    };
    this.#at = now;
    this.#loop = performance.eventLoopUtilization();
    this.#cpu = process.cpuUsage();
    return this.#shares;
  }
}
