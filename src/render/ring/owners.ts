import { nodeColor } from '../node-colors.js';

/** A node as a picture of the ring shows it; without a color: partitions without a primary. */
export interface RingOwner {
  readonly name: string;
  /** Without what all names begin with, where the name itself finds no room. */
  readonly short: string;
  readonly color: string | null;
  readonly state: string;
  readonly weight: number | null;
  /** Partitions it leads, and leads after the plan; the same without a plan. */
  readonly before: number;
  readonly after: number;
  /** The share its weight asks for, from 0 to 1; null when nothing is known of it. */
  readonly ideal: number | null;
}

interface Input {
  readonly partitions: readonly { readonly primary: string | null; readonly after?: string | null }[];
  readonly nodes: readonly { readonly id: string; readonly weight: number; readonly state: string }[];
}

export interface Owners {
  /** In the order of the terminal's picture; partitions without a primary last. */
  readonly owners: readonly RingOwner[];
  /** By partition, indices into `owners`. */
  readonly before: readonly number[];
  /** Likewise after the plan; null when there is none. */
  readonly after: readonly number[] | null;
}

/** States in which a node shall lead nothing, whatever its weight. */
const LEAVING = new Set(['draining', 'out']);

/** Who owns what before and after; a primary that is no node of the list counts as one of unknown weight. */
export function ownersOf({ partitions, nodes }: Input): Owners {
  const known = new Map(nodes.map((node) => [node.id, node]));
  const planned = partitions.some(({ after }) => after !== undefined);
  const primaries = partitions.map(({ primary }) => primary);
  const later = planned
    ? partitions.map(({ primary, after }) => (after === undefined ? primary : after))
    : primaries;

  const names = new Set(known.keys());
  for (const name of [...primaries, ...later]) if (name !== null) names.add(name);
  const sorted = [...names].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }) || (a < b ? -1 : 1));
  const index = new Map<string | null, number>(sorted.map((name, i) => [name, i]));
  index.set(null, sorted.length);
  const before = primaries.map((name) => index.get(name)!);
  const after = later.map((name) => index.get(name)!);

  const leads = (owned: readonly number[]): number[] => {
    const counts = new Array<number>(sorted.length + 1).fill(0);
    for (const owner of owned) counts[owner]! += 1;
    return counts;
  };
  const [had, has] = [leads(before), leads(after)];
  const staying = nodes.filter((node) => !LEAVING.has(node.state));
  const weight = staying.reduce((sum, node) => sum + node.weight, 0);
  const common = commonPrefix(sorted);
  const owners = sorted.map((name, i): RingOwner => {
    const node = known.get(name);
    const wanted = node && !LEAVING.has(node.state) ? node.weight : 0;
    return {
      name,
      short: common > 1 ? `…${name.slice(common)}` : name,
      color: nodeColor(i),
      state: node?.state ?? 'unknown',
      weight: node?.weight ?? null,
      before: had[i]!,
      after: has[i]!,
      ideal: node && weight > 0 ? wanted / weight : null,
    };
  });
  const nobody = { before: had[sorted.length]!, after: has[sorted.length]! };
  if (nobody.before + nobody.after > 0) {
    const name = '(none)';
    owners.push({ name, short: name, color: null, state: 'active', weight: null, ...nobody, ideal: null });
  }
  return { owners, before, after: planned ? after : null };
}

/** How many characters all names begin with, digits at the end of these not counted: of `n10` and `n11` that is 1. */
function commonPrefix([first = '', ...others]: readonly string[]): number {
  if (others.length === 0) return 0;
  let length = first.length;
  for (const other of others) while (!other.startsWith(first.slice(0, length))) length -= 1;
  const prefix = first.slice(0, length).replace(/\d+$/, '').length;
  return [first, ...others].some((name) => name.length === prefix) ? 0 : prefix;
}
