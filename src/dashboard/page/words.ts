/** `-`, `0.4`, `940`, `12.3k`. */
export function rate(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (value === 0) return '0';
  if (value < 9.95) return value.toFixed(1);
  if (value < 9999.5) return String(Math.round(value));
  return `${(value / 1000).toFixed(value < 99_950 ? 1 : 0)}k`;
}

/** `0.8 ms`, `34 ms`, `1.2 s`. */
export function latency(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–';
  if (ms < 0.095) return `${ms.toFixed(2)} ms`;
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

export const clock = (at: number): string => new Date(at).toLocaleTimeString();
