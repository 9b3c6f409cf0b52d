import { CELL_EMPTY, ringCells } from '../render/ring/cells.js';
import type { Canvas } from './canvas.js';

/** The letter of a node without colour. */
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const letterOf = (owner: number): string => (owner < 0 ? '.' : (LETTERS[owner] ?? '#'));

/** How the i-th node is marked where it owns something: by its colour, or by a letter. Below 0: nobody. */
export const mark = (owner: number, canvas: Canvas): string =>
  canvas.owner === null ? letterOf(owner) : canvas.owner(owner, canvas.unicode ? '█' : letterOf(owner));

/** The ring unrolled: `width` cells from hash 0 on, each with the node that is primary of most of it. */
export function ringStrip(owners: readonly number[], width: number, canvas: Canvas): string {
  if (owners.length === 0) return '';
  const cells = Array.from({ length: width }, (_, i) => {
    const from = Math.floor((i * owners.length) / width);
    return owners[Math.min(owners.length - 1, from)]!;
  });
  let out = '';
  for (let at = 0; at < cells.length; ) {
    const owner = cells[at]!;
    let run = 0;
    while (cells[at + run] === owner) run++;
    at += run;
    const glyph = canvas.owner !== null && canvas.unicode ? '█' : letterOf(owner);
    out += canvas.owner === null ? glyph.repeat(run) : canvas.owner(owner, glyph.repeat(run));
  }
  return out;
}

/** The ring itself, `rows` high and twice as wide, hash 0 at the top, clockwise. */
export function ringCircle(owners: readonly number[], rows: number, canvas: Canvas): string[] {
  // Nobody is a number of its own here: below 0 is outside the ring.
  const nobody = Math.max(-1, ...owners) + 1;
  const drawn = ringCells(
    owners.map((owner) => (owner < 0 ? nobody : owner)),
    rows,
  );
  const paint = (owner: number, text: string): string => {
    if (owner === CELL_EMPTY) return ' '.repeat(text.length);
    return canvas.owner === null ? text : canvas.owner(owner === nobody ? -1 : owner, text);
  };
  return drawn.map((row) =>
    row
      .map(({ mostly }) => {
        const glyph =
          canvas.owner !== null && canvas.unicode ? '█' : letterOf(mostly === nobody ? -1 : mostly);
        return paint(mostly, glyph);
      })
      .join(''),
  );
}
