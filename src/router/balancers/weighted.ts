import { settings } from '../settings.js';
import type { Candidate, Strategy } from '../types.js';

interface Turn {
  current: number;
  /** What the effective weight lacks of the weight, after failures. */
  lack: number;
}

/**
 * Smooth weighted round-robin as nginx (`ngx_http_upstream_get_peer`): every candidate gains its effective weight, the
 * highest is picked and loses the sum of all. With weights 5, 1, 1: a a b a c a a. `steady`: the weights are given and
 * stay; then a failure takes a fifth of the weight (nginx: weight / max_fails) and each round gives one back. Measured
 * weights know of failures already; they begin at a random point instead, or all clients would begin with the same node.
 */
export function weighted(steady: boolean): Strategy {
  const turns = new Map<string, Turn>();
  const weights = new Map<string, number>();
  const turnOf = (c: Candidate, random: () => number): Turn => {
    let turn = turns.get(c.id);
    if (turn === undefined) {
      turn = { current: steady ? 0 : random() * c.weight, lack: 0 };
      turns.set(c.id, turn);
    }
    return turn;
  };
  return {
    pick: (candidates, { random }) => {
      let best: Turn | null = null;
      let id = '';
      let total = 0;
      for (let i = 0; i < candidates.length; i += 1) {
        const c = candidates[i]!;
        const turn = turnOf(c, random);
        if (steady && weights.get(c.id) !== c.weight) weights.set(c.id, c.weight);
        const effective = Math.max(0, c.weight - turn.lack);
        turn.current += effective;
        total += effective;
        if (turn.lack > 0) turn.lack = Math.max(0, turn.lack - 1);
        if (best !== null && turn.current <= best.current) continue;
        best = turn;
        id = c.id;
      }
      best!.current -= total;
      return id;
    },
    members: (ids) => {
      const known = new Set(ids);
      for (const id of turns.keys()) if (!known.has(id)) turns.delete(id);
      for (const id of weights.keys()) if (!known.has(id)) weights.delete(id);
    },
    done: (id, ok) => {
      const turn = turns.get(id);
      if (!steady || ok || turn === undefined) return;
      const weight = weights.get(id) ?? 0;
      turn.lack = Math.min(weight, turn.lack + weight / settings.ejectAfter);
    },
  };
}
