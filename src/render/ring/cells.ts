/** No part of the ring. */
export const CELL_EMPTY = -1;

/** One character cell of a picture of the ring; owners are numbers, CELL_EMPTY is outside. */
export interface Cell {
  /** The owner of most of the cell; CELL_EMPTY when less than half of it is in the ring. */
  readonly mostly: number;
  /** At best two colours a cell: the glyph's ink is `front`, the rest is `back`. */
  readonly front: number;
  readonly back: number;
  readonly glyph: string;
}

/** By quarters: upper left 1, upper right 2, lower left 4, lower right 8. */
const QUARTERS = ' ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█';

/** The hole's radius, of the ring's. */
const HOLE = 0.6;

/**
 * The ring as `rows` × 2·rows cells, each taken to be twice as high as wide. Owner i of n has the arc from i/n
 * to (i+1)/n of a turn, clockwise from the top.
 */
export function ringCells(owners: readonly number[], rows: number): Cell[][] {
  const sample = (x: number, y: number): number => {
    // Unit: the width of a cell; the centre is at (rows, rows).
    const dx = x - rows;
    const dy = y - rows;
    const radius = Math.hypot(dx, dy) / rows;
    if (radius > 1 || radius < HOLE || owners.length === 0) return CELL_EMPTY;
    const turn = (Math.atan2(dx, -dy) / (2 * Math.PI) + 1) % 1;
    return owners[Math.min(owners.length - 1, Math.floor(turn * owners.length))]!;
  };
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: rows * 2 }, (_, column) =>
      cellOf([
        sample(column + 0.25, row * 2 + 0.5),
        sample(column + 0.75, row * 2 + 0.5),
        sample(column + 0.25, row * 2 + 1.5),
        sample(column + 0.75, row * 2 + 1.5),
      ]),
    ),
  );
}

function cellOf(quarters: readonly number[]): Cell {
  const counts = new Map<number, number>();
  for (const owner of quarters) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  const inside = [...counts].filter(([owner]) => owner !== CELL_EMPTY).sort((a, b) => b[1] - a[1]);
  const empty = counts.get(CELL_EMPTY) ?? 0;
  const front = inside[0]?.[0] ?? CELL_EMPTY;
  const mostly = empty > 2 ? CELL_EMPTY : front;
  // The rim stays sharp: a cell that is partly outside shows only its main owner.
  const back = empty > 0 ? CELL_EMPTY : (inside[1]?.[0] ?? CELL_EMPTY);
  let ink = 0;
  for (const [i, owner] of quarters.entries()) {
    // A third owner in a cell, which has but two colours, counts as the first.
    if (owner !== CELL_EMPTY && (owner !== back || back === CELL_EMPTY)) ink |= 1 << i;
  }
  return { mostly, front, back, glyph: QUARTERS[ink]! };
}
