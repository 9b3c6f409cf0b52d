import { percent, shorten } from '../../text/format.js';
import { num, shortenMiddle, textWidth, xml } from '../svg-text.js';
import type { RingOwner } from './owners.js';
import { ownerClass } from './svg-ring.js';

export interface Legend {
  readonly owners: readonly RingOwner[];
  readonly partitions: number;
  /** Whether counts before and after a plan are shown. */
  readonly planned: boolean;
}

const SIZE = 13;
const HEAD_SIZE = 11;
/** The height of an entry, and of one where there are many. */
const ROW = 24;
const MANY_ROW = 20;
const MANY = 24;
/** Between entries side by side, and between the columns of an entry. */
const GAP = 32;
const CELL_GAP = 12;
const SWATCH = 14;
const NAME_LENGTH = 22;
const LEAST_BAR = 40;
const MOST_BAR = 120;
/** A full bar is this much more than the largest share. */
const BAR_MARGIN = 1.12;

/** States other than active: a sign besides the colour. */
const STATES: Readonly<Record<string, { readonly sign: string; readonly tone: string }>> = {
  draining: { sign: '↓', tone: 'warn' },
  joining: { sign: '+', tone: 'good' },
  out: { sign: '–', tone: 'quiet' },
  down: { sign: '×', tone: 'bad' },
};

const stateText = (state: string): string => `${STATES[state]?.sign ?? '?'} ${shorten(state, 10)}`;
const stateWidth = (state: string): number => textWidth(stateText(state), HEAD_SIZE) + 12;
const nameOf = (owner: RingOwner): string => shortenMiddle(owner.name, NAME_LENGTH);
const shareOf = (count: number, { partitions }: Legend): number =>
  partitions === 0 ? 0 : count / partitions;
const rowHeight = ({ owners }: Legend): number => (owners.length > MANY ? MANY_ROW : ROW);

type Column = 'name' | 'state' | 'weight' | 'before' | 'after' | 'share' | 'bar' | 'ideal';

/** The columns of an entry from left to right, each as wide as its widest text; 0 is left out. */
function widths(legend: Legend): [Column, number][] {
  const { owners, planned } = legend;
  const widest = (head: string, texts: readonly string[]): number =>
    Math.max(textWidth(head, HEAD_SIZE, 'sans'), ...texts.map((text) => textWidth(text, SIZE)));
  const weights = new Set(owners.flatMap(({ weight }) => weight ?? []));
  const states = owners.filter(({ state }) => state !== 'active').map(({ state }) => stateWidth(state));
  const counts = owners.flatMap(({ before, after }) => [String(before), String(after)]);
  const shares = owners.map(({ after }) => percent(shareOf(after, legend)));
  const ideals = owners.flatMap(({ ideal }) => (ideal === null ? [] : percent(ideal)));
  return [
    ['name', widest('node', owners.map(nameOf))],
    ['state', Math.max(0, ...states)],
    ['weight', weights.size > 1 ? widest('weight', [...weights].map(String)) : 0],
    ['before', planned ? widest('before', counts) : 0],
    ['after', widest(planned ? 'after' : 'leads', counts)],
    ['share', widest(planned ? 'share after' : 'share', shares)],
    ['bar', LEAST_BAR],
    ['ideal', widest('ideal', ideals)],
  ];
}

/** The least width of one entry. */
const entryWidth = (legend: Legend): number =>
  widths(legend).reduce((sum, [, width]) => (width > 0 ? sum + CELL_GAP + width : sum), SWATCH);

/** The least width of a legend with so many entries side by side. */
export const legendWidth = (legend: Legend, columns: number): number =>
  columns * (entryWidth(legend) + GAP) - GAP;

/** How many entries go side by side in `width`; no more than leave every column `rows` entries. */
export const legendColumns = (legend: Legend, width: number, rows: number): number => {
  const fitting = Math.floor((width + GAP) / (entryWidth(legend) + GAP));
  return Math.max(1, Math.min(fitting, Math.ceil(legend.owners.length / rows)));
};

export const legendHeight = (legend: Legend, columns: number): number =>
  (1 + Math.ceil(legend.owners.length / columns)) * rowHeight(legend);

/** Where things are in an entry, and how long a bar of the whole ring would be. */
interface Table {
  readonly legend: Legend;
  readonly left: Readonly<Record<Column, number>>;
  readonly right: Readonly<Record<Column, number>>;
  readonly width: number;
  readonly weights: boolean;
  readonly whole: number;
}

function tableOf(legend: Legend, room: number): Table {
  const more = Math.min(MOST_BAR - LEAST_BAR, room - entryWidth(legend));
  const left: Partial<Record<Column, number>> = {};
  const right: Partial<Record<Column, number>> = {};
  let at = SWATCH;
  const columns = widths(legend);
  for (const [column, least] of columns) {
    const width = column === 'bar' ? least + more : least;
    if (width > 0) at += CELL_GAP;
    left[column] = at;
    at += width;
    right[column] = at;
  }
  const most = Math.max(
    1e-9,
    ...legend.owners.map(({ after, ideal }) => Math.max(shareOf(after, legend), ideal ?? 0)),
  );
  return {
    legend,
    left: left as Record<Column, number>,
    right: right as Record<Column, number>,
    width: at,
    weights: columns.some(([column, width]) => column === 'weight' && width > 0),
    whole: (LEAST_BAR + more) / (most * BAR_MARGIN),
  };
}

/** Who leads how much, column by column downwards, with a bar of the share and a tick at its ideal. */
export function legendGroup(legend: Legend, x: number, y: number, width: number, columns: number): string {
  const deep = Math.ceil(legend.owners.length / columns);
  const table = tableOf(legend, (width - (columns - 1) * GAP) / columns);
  // In the middle of the room, of which bars take only so much.
  const first = x + (width - columns * (table.width + GAP) + GAP) / 2;
  const out = ['<g class="legend">'];
  for (let column = 0; column * deep < legend.owners.length; column += 1) {
    const from = column * deep;
    out.push(
      `<g transform="translate(${num(first + column * (table.width + GAP))} ${num(y)})">`,
      heads(table),
    );
    for (const [row, owner] of legend.owners.slice(from, from + deep).entries()) {
      out.push(
        `<g class="entry ${ownerClass(from + row)}" transform="translate(0 ${(row + 1) * rowHeight(legend)})">`,
        entry(owner, table),
        '</g>',
      );
    }
    out.push('</g>');
  }
  return [...out, '</g>'].join('\n');
}

const text = (x: number, y: number, words: string, look = ''): string =>
  `<text${look === '' ? '' : ` class="${look}"`} x="${num(x)}" y="${y}">${xml(words)}</text>`;

function heads({ legend: { planned }, left, right, weights }: Table): string {
  const y = 15;
  return [
    text(left.name, y, 'node', 'head'),
    ...(weights ? [text(right.weight, y, 'weight', 'head end')] : []),
    ...(planned ? [text(right.before, y, 'before', 'head end')] : []),
    text(right.after, y, planned ? 'after' : 'leads', 'head end'),
    text(right.share, y, planned ? 'share after' : 'share', 'head end'),
    text(right.ideal, y, 'ideal', 'head end'),
  ].join('\n');
}

function entry(owner: RingOwner, table: Table): string {
  const { legend, left, right, width, weights, whole } = table;
  const y = 16;
  const fill = owner.color === null ? 'class="nobody"' : `fill="${owner.color}"`;
  const bar = (look: string, long: number): string =>
    `<rect ${look} x="${num(left.bar)}" y="7.5" width="${num(long)}" height="8" rx="2"/>`;
  const share = shareOf(owner.after, legend);
  const out = [
    `<rect class="hit" width="${num(width)}" height="${rowHeight(legend)}"/>`,
    `<rect ${fill} y="4.5" width="${SWATCH}" height="${SWATCH}" rx="3"/>`,
    text(left.name, y, nameOf(owner)),
  ];
  if (nameOf(owner) !== owner.name) out.push(`<title>${xml(owner.name)}</title>`);
  if (owner.state !== 'active') out.push(state(owner.state, left.state));
  if (weights && owner.weight !== null) out.push(text(right.weight, y, String(owner.weight), 'end quiet'));
  if (legend.planned) {
    out.push(text(right.before, y, String(owner.before), 'end quiet'));
    out.push(text(right.before + CELL_GAP, y, '→', 'end quiet'));
  }
  const look = !legend.planned ? '' : owner.before === owner.after ? ' quiet' : ' strong';
  out.push(text(right.after, y, String(owner.after), `end${look}`));
  out.push(text(right.share, y, percent(share), 'end'));
  out.push(bar('class="track"', right.bar - left.bar));
  if (share > 0) out.push(bar(fill, share * whole));
  if (owner.ideal !== null) {
    out.push(`<path class="tick" d="M${num(left.bar + Math.max(1, owner.ideal * whole))} 4.5v14"/>`);
    out.push(text(right.ideal, y, percent(owner.ideal), 'end quiet'));
  }
  return out.join('\n');
}

const state = (name: string, x: number): string =>
  [
    `<g class="state ${STATES[name]?.tone ?? 'quiet'}">`,
    `<rect x="${num(x)}" y="3.5" width="${num(stateWidth(name))}" height="17" rx="8.5"/>`,
    text(x + 6, 15.5, stateText(name)),
    '</g>',
  ].join('');
