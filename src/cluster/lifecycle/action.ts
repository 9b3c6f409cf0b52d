import type { NodeId } from '../../core/map/types.js';

export const nodeActions = ['kill', 'pause', 'resume', 'start', 'restart'] as const;
export type NodeAction = (typeof nodeActions)[number];

/** What a person watching a cluster can do to it. */
export type Action =
  | { readonly kind: NodeAction; readonly node: NodeId }
  | { readonly kind: 'netsplit'; readonly groups: readonly (readonly NodeId[])[] }
  | { readonly kind: 'heal' };

/** The words that make a netsplit: `n1,n2/n3`. */
export const groupsOf = (groups: readonly (readonly NodeId[])[]): string =>
  groups.map((group) => group.join(',')).join('/');

/** The command that does the same; `cluster`: named with `-c`, when the words alone would mean another one. */
export function commandOf(action: Action, cluster: string | null = null): string {
  const words =
    action.kind === 'heal'
      ? 'fault heal'
      : action.kind === 'netsplit'
        ? `fault netsplit ${groupsOf(action.groups)}`
        : `node ${action.kind} ${action.node}`;
  return `muster ${words}${cluster === null ? '' : ` -c ${cluster}`}`;
}
