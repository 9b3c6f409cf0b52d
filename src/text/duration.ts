import { invalid } from '../errors.js';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Longest time a timer takes, in ms (a 32-bit number, about 24.8 days). */
const LONGEST = 2_147_483_647;

/** Reads `500ms`, `10s`, `1.5m`, `2h` or `0`; returns ms. Rejects with `usage`. */
export function parseDuration(text: string): number {
  const found = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  const ms = text.trim() === '0' ? 0 : found ? Math.round(Number(found[1]) * UNITS[found[2]!]!) : Number.NaN;
  if (!(ms >= 0 && ms <= LONGEST)) {
    throw invalid('duration', text, 'a duration such as 500ms, 10s or 1m, at most 24d');
  }
  return ms;
}

/** The shortest exact text that `parseDuration` reads as these ms: `24h`, `90s`, `1500ms`. */
export function writeDuration(ms: number): string {
  const unit = ['h', 'm', 's'].find((name) => ms > 0 && ms % UNITS[name]! === 0) ?? 'ms';
  return `${ms / UNITS[unit]!}${unit}`;
}

/** For people: `840 ms`, `1.2 s`, `3 m 20 s`, `2 h 5 m`, `4 d 3 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const s = Math.round(ms / 1000);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} m ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} m`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}
