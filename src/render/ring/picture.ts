import type { Ansis } from 'ansis';
import { percent, plural, shorten, visible } from '../../text/format.js';
import { CELL_EMPTY, type Cell, ringCells } from './cells.js';

export interface RingPicture {
  /** In the order of the ring; a primary of null is drawn as `(none)`. */
  readonly partitions: readonly { readonly primary: string | null }[];
  /** Nodes that the legend names even if they own nothing. With it colours and letters stay theirs from picture to picture. */
  readonly nodes?: readonly string[];
  /** Columns there are. */
  readonly width: number;
  /** Most rows of the ring itself; default 20, or 30 when there are 120 columns or more. */
  readonly height?: number;
  readonly color: boolean;
  readonly unicode: boolean;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** Colours of the 256, far apart from one another, fit for dark and light terminals. */
const PALETTE = [39, 208, 35, 199, 220, 99, 160, 44, 137, 111, 106, 169];
const NOBODY_COLOR = 240;
const GAP = 3;
/** A legend entry: swatch, letter, name, partitions, share. */
const NAME_WIDTH = 16;
const LEAST_LEGEND = 24;
/** Below this many rows beside a legend, the ring goes above it. */
const LEAST_ROWS = 8;

/**
 * Draws the ring as a circle of arcs, from hash 0 at the top clockwise, one colour a node; without colour one
 * letter a node. A legend beside it (below it when the terminal is narrow) says who owns how many partitions.
 * No line is longer than `width`; ends with a newline.
 */
export async function ringPicture(picture: RingPicture): Promise<string> {
  const owned = new Map<string, number>((picture.nodes ?? []).map((node) => [node, 0]));
  for (const { primary } of picture.partitions) {
    if (primary !== null) owned.set(primary, (owned.get(primary) ?? 0) + 1);
  }
  const names = [...owned.keys()].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const index = new Map(names.map((name, i) => [name, i]));
  const owners = picture.partitions.map(({ primary }) =>
    primary === null ? names.length : index.get(primary)!,
  );
  const styles = await stylesOf(picture, names.length);

  const wanted = picture.height ?? (picture.width >= 120 ? 30 : 20);
  const beside = Math.min(wanted, Math.floor((picture.width - GAP - LEAST_LEGEND) / 2));
  const side = beside >= Math.min(LEAST_ROWS, wanted);
  const rows = side ? beside : Math.max(3, Math.min(wanted, Math.floor(picture.width / 2)));
  const ring = drawRing(owners, rows, styles, [
    plural(picture.partitions.length, 'partition'),
    plural(names.length, 'node'),
  ]);

  const nobody = owners.filter((owner) => owner === names.length).length;
  const room = side ? picture.width - rows * 2 - GAP : picture.width;
  const entries = legendEntries(names, owned, nobody, picture.partitions.length, styles, room);
  const legend = columns(entries, room, side ? rows : Number.POSITIVE_INFINITY, picture.unicode);
  if (!side) return lines([...ring, '', ...legend]);
  const top = 1 + Math.floor((rows - legend.length) / 2);
  return lines(ring.map((line, i) => `${line}${' '.repeat(GAP)}${legend[i - top] ?? ''}`));
}

const lines = (all: readonly string[]): string => `${all.map((line) => line.trimEnd()).join('\n')}\n`;

interface Styles {
  /** The character of a cell, and how to paint characters of cells that look like this one. */
  readonly glyph: (cell: Cell) => string;
  readonly paint: (cell: Cell, text: string) => string;
  readonly swatch: (owner: number) => string;
  readonly quiet: (text: string) => string;
  /** Marks hash 0 and the direction. */
  readonly mark: string;
}

/** Owner `count` stands for partitions without a primary. */
async function stylesOf({ color, unicode }: RingPicture, count: number): Promise<Styles> {
  const mark = unicode ? '0 →' : '0 ->';
  const nobody = unicode ? '·' : '.';
  const letter = (owner: number): string => (owner === count ? nobody : (LETTERS[owner] ?? '#'));
  const letterOf = (cell: Cell): string => (cell.mostly === CELL_EMPTY ? ' ' : letter(cell.mostly));
  if (!color) {
    const plain = (_: Cell, text: string): string => text;
    return { glyph: letterOf, paint: plain, swatch: letter, quiet: (text) => text, mark };
  }

  // Loaded here, not above: most commands draw no ring.
  const { Ansis } = await import('ansis');
  const a: Ansis = new Ansis(2);
  const code = (owner: number): number => (owner === count ? NOBODY_COLOR : colorCode(owner));
  const quiet = (text: string): string => a.dim(text);
  if (!unicode) {
    const onColor = (owner: number, text: string): string =>
      owner === CELL_EMPTY ? text : a.bg(code(owner)).black(text);
    const swatch = (owner: number): string => onColor(owner, letter(owner));
    return { glyph: letterOf, paint: (cell, text) => onColor(cell.mostly, text), swatch, quiet, mark };
  }
  const paint = ({ front, back }: Cell, text: string): string => {
    if (front === CELL_EMPTY) return text;
    const ink = a.fg(code(front));
    return (back === CELL_EMPTY ? ink : ink.bg(code(back)))(text);
  };
  return { glyph: (cell) => cell.glyph, paint, swatch: (owner) => a.fg(code(owner))('██'), quiet, mark };
}

/** One of the 256 colours for the i-th node: the palette, then hues a golden angle apart from the colour cube. */
/** The colour of the i-th owner, of the terminal's 256. */
export function colorCode(i: number): number {
  if (i < PALETTE.length) return PALETTE[i]!;
  const hue = (i * 0.618034) % 1;
  const low = 1 + (i % 3);
  const level = (shift: number): number => {
    const wave = Math.abs(((hue + shift) % 1) * 6 - 3) - 1;
    return Math.round(low + Math.min(1, Math.max(0, wave)) * (5 - low));
  };
  return 16 + 36 * level(0) + 6 * level(2 / 3) + level(1 / 3);
}

/** The mark of hash 0, then the rows of the ring with the figures in its hole. Every line is 2 × rows columns wide. */
function drawRing(
  owners: readonly number[],
  rows: number,
  styles: Styles,
  figures: readonly string[],
): string[] {
  const width = rows * 2;
  const cells = ringCells(owners, rows);
  const out = [`${' '.repeat(rows)}${styles.mark}`.padEnd(width).slice(0, width)];
  const first = Math.floor((rows - figures.length) / 2);
  for (const [y, row] of cells.entries()) {
    const figure = figures[y - first];
    // Only into the hole, with a column to spare on either side.
    const from = figure === undefined ? 0 : Math.floor((width - figure.length) / 2);
    const fits =
      figure !== undefined &&
      from > 0 &&
      row.slice(Math.max(0, from - 1), from + figure.length + 1).every((cell) => cell.mostly === CELL_EMPTY);
    out.push(
      fits
        ? `${draw(row.slice(0, from), styles)}${styles.quiet(figure)}${draw(row.slice(from + figure.length), styles)}`
        : draw(row, styles),
    );
  }
  return out;
}

/** Neighbours that look alike share their escape sequences. */
function draw(row: readonly Cell[], styles: Styles): string {
  let out = '';
  for (let at = 0; at < row.length; ) {
    const cell = row[at]!;
    let run = '';
    for (; at < row.length && alike(row[at]!, cell); at += 1) run += styles.glyph(row[at]!);
    out += styles.paint(cell, run);
  }
  return out;
}

const alike = (a: Cell, b: Cell): boolean =>
  a.mostly === b.mostly && a.front === b.front && a.back === b.back;

interface Entry {
  readonly text: string;
  /** Columns that `text` takes on the screen. */
  readonly width: number;
}

function legendEntries(
  names: readonly string[],
  owned: ReadonlyMap<string, number>,
  nobody: number,
  total: number,
  styles: Styles,
  room: number,
): Entry[] {
  const rows = names.map((name, i) => ({ owner: i, name: visible(name), count: owned.get(name)! }));
  if (nobody > 0) rows.push({ owner: names.length, name: '(none)', count: nobody });
  const numbers = String(total).length;
  const swatch = (owner: number): string => styles.swatch(owner);
  const swatchWidth = swatch(0).includes('█') ? 2 : 1;
  const rest = swatchWidth + 1 + 1 + numbers + 2 + 7;
  const longest = rows.reduce((most, row) => Math.max(most, row.name.length), 2);
  const nameWidth = Math.max(2, Math.min(NAME_WIDTH, longest, room - rest));
  return rows.map(({ owner, name, count }) => {
    const share = percent(total === 0 ? 0 : count / total).padStart(7);
    const text = `${shorten(name, nameWidth).padEnd(nameWidth)} ${String(count).padStart(numbers)}  ${share}`;
    return { text: `${swatch(owner)} ${text}`, width: swatchWidth + 1 + text.length };
  });
}

/** Lays entries out in as many columns as are needed and there is room for; says how many found none. */
function columns(entries: readonly Entry[], room: number, rows: number, unicode: boolean): string[] {
  const width = entries.reduce((most, entry) => Math.max(most, entry.width), 0);
  const most = Math.max(1, Math.floor((room + GAP) / (width + GAP)));
  const count = Number.isFinite(rows) ? Math.min(most, Math.max(1, Math.ceil(entries.length / rows))) : most;
  const deep = Math.min(rows, Math.ceil(entries.length / count));
  const left = entries.length - deep * count;
  const shown = left > 0 ? deep * count - 1 : entries.length;
  const out: string[] = [];
  for (let y = 0; y < deep; y += 1) {
    let line = '';
    for (let x = 0; x < count; x += 1) {
      const at = x * deep + y;
      const entry = entries[at];
      if (entry === undefined) continue;
      if (at >= shown) line += `${unicode ? '…' : '...'} and ${entries.length - shown} more`;
      else line += entry.text + (x + 1 < count ? ' '.repeat(width - entry.width + GAP) : '');
    }
    out.push(line);
  }
  return out;
}
