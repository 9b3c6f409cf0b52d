import { invalid } from '../errors.js';

/** Reads `n1=2,n3=0.5` into node → weight; rejects with `usage`. */
export function parseWeights(text: string): Record<string, number> {
  const weights: Record<string, number> = {};
  for (const part of text.split(',')) {
    const found = /^([^=\s]+)=(-?\d+(?:\.\d+)?)$/.exec(part.trim());
    if (!found) throw invalid('weight', part, 'NODE=NUMBER, such as n1=2,n3=0.5');
    weights[found[1]!] = Number(found[2]);
  }
  return weights;
}

const ZONE = /^[a-z0-9][a-z0-9._-]{0,39}$/i;

/** Reads `n1=a,n3=b` into node → zone; an empty one (`n1=`) takes the node out of its zone. Rejects with `usage`. */
export function parseZones(text: string): Record<string, string> {
  const zones: Record<string, string> = {};
  for (const part of text.split(',')) {
    const found = /^([^=\s]+)=(.*)$/.exec(part.trim());
    if (!found || (found[2] !== '' && !ZONE.test(found[2]!)))
      throw invalid('zone', part, 'NODE=ZONE, such as n1=a,n3=b');
    zones[found[1]!] = found[2]!;
  }
  return zones;
}

/** Reads `25%` or `0.25` into 0.25; rejects with `usage`. */
export function parseShare(flag: string, text: string): number {
  const found = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim());
  const share = found ? Number(found[1]) / (found[2] === '%' ? 100 : 1) : Number.NaN;
  if (!(share >= 0 && share <= 1)) throw invalid(flag, text, 'a share from 0% to 100%, such as 25%');
  return share;
}

/** Reads the fencing token of a lock, a whole number from 1 on; rejects with `usage`. */
export function parseToken(text: string): number {
  const token = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(token) || token < 1) throw invalid('token', text, 'a whole number, 1 or more');
  return token;
}

/** Reads `NAME:TOKEN`; the name may contain colons. Rejects with `usage`. */
export function parseFence(text: string): { name: string; token: number } {
  const at = text.lastIndexOf(':');
  if (at < 1) throw invalid('fence', text, 'LOCK:TOKEN, such as deploy:42');
  return { name: text.slice(0, at), token: parseToken(text.slice(at + 1)) };
}
