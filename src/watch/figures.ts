/** A rate or a count in at most five characters: `-`, `0.4`, `940`, `12.3k`, `1.2M`. */
export function rate(value: number | null): string {
  if (value === null) return '-';
  if (value === 0) return '0';
  if (value < 9.95) return value.toFixed(1);
  if (value < 9999.5) return String(Math.round(value));
  if (value < 999_500) return `${(value / 1000).toFixed(value < 99_950 ? 1 : 0)}k`;
  return `${(value / 1e6).toFixed(1)}M`;
}

/** A time in at most five characters: `-`, `0.8`, `34` (ms), `1.2s`. */
export function latency(ms: number | null): string {
  if (ms === null) return '-';
  if (ms < 0.095) return ms.toFixed(2);
  if (ms < 9.95) return ms.toFixed(1);
  if (ms < 999.5) return String(Math.round(ms));
  return `${(ms / 1000).toFixed(1)}s`;
}

/** The time of day, as the clock on the wall says. */
export const clock = (at: number): string => {
  const time = new Date(at);
  return [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
};

const BLOCKS = '▁▂▃▄▅▆▇█';
const SIGNS = '_.-=+*%#';

/** One cell a value, the last `width` of them, the greatest the highest; blank where nothing is known. Right-aligned. */
export function sparkline(values: readonly (number | null)[], width: number, unicode: boolean): string {
  const levels = unicode ? BLOCKS : SIGNS;
  const shown = values.slice(-width);
  const most = Math.max(0, ...shown.map((value) => value ?? 0));
  const line = shown
    .map((value) => {
      if (value === null) return ' ';
      // Anything is more than nothing.
      const level = most === 0 || value === 0 ? 0 : 1 + Math.floor((value / most) * (levels.length - 1.001));
      return levels[Math.min(levels.length - 1, level)];
    })
    .join('');
  return line.padStart(width);
}
