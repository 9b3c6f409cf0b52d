import { MusterError } from '../errors.js';

/** Reads `n1=2,n3=0.5` into node → weight; rejects with `usage`. */
export function parseWeights(text: string): Record<string, number> {
  const weights: Record<string, number> = {};
  for (const part of text.split(',')) {
    const found = /^([^=\s]+)=(\d+(?:\.\d+)?)$/.exec(part.trim());
    if (!found) throw new MusterError('usage', `"${part}" is no weight: write it like n1=2,n3=0.5`);
    weights[found[1]!] = Number(found[2]);
  }
  return weights;
}
