import type { Strategy } from '../types.js';
import { drawByWeight } from './weights.js';

/** Any, as likely as its weight says. */
export function random(): Strategy {
  return { pick: (candidates, request) => drawByWeight(candidates, request.random) };
}
