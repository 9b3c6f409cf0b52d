import type { Look } from '../cluster/observe/observer.js';
import type { Overview } from '../cluster/observe/overview.js';
import { plural, visible } from '../text/format.js';
import { clock, latency, rate } from './figures.js';

/** The whole cluster in one line. */
export function summaryLine({ at, status, totals }: Overview): string {
  const { total, serving, inSync } = status.partitions;
  const ms = (value: number | null): string => {
    const text = latency(value);
    return /\d$/.test(text) ? `${text} ms` : text;
  };
  const parts = [
    `${totals.up} of ${plural(status.nodes.length, 'node')} responding`,
    `${serving} of ${plural(total, 'partition')} available`,
    `${inSync} in sync`,
    ...(totals.opsPerSecond === null ? [] : [`${rate(totals.opsPerSecond)} ops/s`]),
    ...(totals.p99Ms === null ? [] : [`p50 ${ms(totals.p50Ms)}`, `p99 ${ms(totals.p99Ms)}`]),
    ...(totals.callsPerSecond === null ? [] : [`${rate(totals.callsPerSecond)} calls/s`]),
    `lag ${rate(totals.lag)}`,
    `${totals.inDoubt} in doubt`,
    plural(totals.locks, 'lock'),
  ];
  return `${clock(at)} ${parts.join(', ')}`;
}

/**
 * A log of what happens: one line an event, and one on the whole at first and then every `everyMs`. Gives the lines of one look.
 */
export class PlainLog {
  readonly #everyMs: number;
  #summaryAt = Number.NEGATIVE_INFINITY;
  #problem: string | null = null;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  lines(look: Look): string[] {
    const lines = look.events.map(({ at, text }) => `${clock(at)} ${visible(text)}`);
    if (look.problem !== null && look.problem !== this.#problem)
      lines.push(`${clock(look.at)} ${visible(look.problem)}`);
    this.#problem = look.problem;
    const { overview } = look;
    if (overview !== null && look.problem === null && look.at - this.#summaryAt >= this.#everyMs) {
      this.#summaryAt = look.at;
      lines.push(summaryLine(overview));
    }
    return lines;
  }
}
