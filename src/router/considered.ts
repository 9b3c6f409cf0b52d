import type { RoutedNode } from './routed-node.js';
import type { Considered, RouteRequest, Strategy } from './types.js';

/** How a node looks to a request; `score` only where the strategy could choose it. */
export function consider(
  node: RoutedNode,
  strategy: Strategy | null,
  request: RouteRequest,
  exclude: ReadonlySet<string> | undefined,
): Considered {
  const c = node.refresh(request.now);
  const state = stateOf(node, exclude, request.now);
  const scored = (state === 'up' || state === 'slow-start') && strategy?.score !== undefined;
  return { ...c, score: scored ? strategy!.score!(c, request) : null, state };
}

function stateOf(
  node: RoutedNode,
  exclude: ReadonlySet<string> | undefined,
  now: number,
): Considered['state'] {
  if (exclude?.has(node.id) === true) return 'excluded';
  if (node.draining) return 'draining';
  if (node.ejection.out(now)) return 'ejected';
  if (node.silence.at(now)) return 'silent';
  return node.ramp(now) < 1 ? 'slow-start' : 'up';
}
