import { percent, plural } from '../../text/format.js';
import { num, wrap, xml } from '../svg-text.js';
import { type Owners, ownersOf, type RingOwner } from './owners.js';
import { type Legend, legendColumns, legendGroup, legendHeight, legendWidth } from './svg-legend.js';
import { ownerClass, type RingSize, ringGroup, ringReach } from './svg-ring.js';
import { ringStyle } from './svg-style.js';

export interface RingSvg {
  /** Such as `cluster demo, revision 12`. */
  readonly title: string;
  /** Such as `plan: add n6; 34 of 192 replicas move (least 34)`. */
  readonly subtitle?: string;
  /** In the order of the ring. `after`: the primary after a plan; where it is left out the primary stays. */
  readonly partitions: readonly { readonly primary: string | null; readonly after?: string | null }[];
  /** `state`: `active`, `draining`, `joining`, `out` or `down`. Draining or out, a node's ideal is to lead nothing. */
  readonly nodes: readonly { readonly id: string; readonly weight: number; readonly state: string }[];
}

const PAD = 32;
const ONE: RingSize = { outer: 240, inner: 166, band: 0 };
const TWO: RingSize = { outer: 212, inner: 142, band: 16 };
const TITLE = 20;
const SUBTITLE = 14;
/** Between rings, and between ring and legend. */
const GAP = 36;
/** The width of a legend beside a ring, at least. */
const BESIDE = 440;
/** Above this many nodes the picture is as wide as this many columns of the legend take. */
const MANY = 48;
const MANY_COLUMNS = 3;
/** Entries that a column of a legend below has at least, before there is a further column. */
const LEAST_DEEP = 4;

/**
 * The ring as a picture that stands alone: hash 0 at the top, clockwise, one colour a node, with a legend of who
 * leads how much against the ideal. With a plan two rings, before and after; in the latter arcs whose primary
 * changes stand out, and a band outside them shows who led them before. Light or dark as the reader's system is;
 * a browser shows the arcs of the node under the pointer. The same input gives the same bytes.
 */
export function ringSvg(picture: RingSvg): string {
  const all = ownersOf(picture);
  const legend: Legend = {
    owners: all.owners,
    partitions: all.before.length,
    planned: all.after !== null,
  };
  const size = all.after === null ? ONE : TWO;
  const side = 2 * ringReach(size);
  const beside = all.after === null && legendHeight(legend, 1) <= side;
  const least = all.owners.length > MANY ? legendWidth(legend, MANY_COLUMNS) : legendWidth(legend, 1);
  const legendRoom = Math.max(beside ? BESIDE : 2 * side + GAP, least);
  const inner = beside ? side + GAP + legendRoom : legendRoom;
  const width = inner + 2 * PAD;

  const heading = headingGroup(picture, inner);
  const top = heading.bottom + 12;
  const centre = top + side / 2;
  const parts = [heading.text];
  if (all.after === null) parts.push(single(all, beside ? PAD + side / 2 : width / 2, centre));
  else parts.push(...pair(all, width / 2, centre));

  let bottom = top + side;
  if (all.after !== null) {
    parts.push(`<text class="note" x="${num(width / 2)}" y="${num(bottom + 14)}">${xml(noteOf(all))}</text>`);
    bottom += 24;
  }
  if (beside) {
    const y = centre - legendHeight(legend, 1) / 2;
    parts.push(legendGroup(legend, PAD + side + GAP, y, legendRoom, 1));
  } else if (legend.owners.length > 0) {
    const columns = legendColumns(legend, inner, LEAST_DEEP);
    parts.push(legendGroup(legend, PAD, bottom + 20, inner, columns));
    bottom += 20 + legendHeight(legend, columns);
  }
  const height = bottom + PAD;
  const box = `${num(width)} ${num(height)}`;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" class="muster-ring" width="${num(width)}" height="${num(height)}" viewBox="0 0 ${box}" role="img" aria-labelledby="muster-ring-title muster-ring-desc">`,
    `<title id="muster-ring-title">${xml(picture.title)}</title>`,
    `<desc id="muster-ring-desc">${xml(description(picture, all))}</desc>`,
    ringStyle(all.owners.map((_, i) => ownerClass(i))),
    '<rect class="ground" width="100%" height="100%"/>',
    ...parts,
    '</svg>',
  ].join('\n')}\n`;
}

function single({ owners, before }: Owners, x: number, y: number): string {
  const nodes = owners.filter(({ color }) => color !== null).length;
  const figures = [plural(before.length, 'partition'), plural(nodes, 'node')];
  return ringGroup({ x, y, size: ONE, id: 'muster-now', owners, led: before, figures });
}

function pair({ owners, before, after }: Owners, middle: number, y: number): string[] {
  const shift = ringReach(TWO) + GAP / 2;
  const leading = (led: readonly number[]): string => {
    const count = [...new Set(led)].filter((owner) => owners[owner]!.color !== null).length;
    return `on ${plural(count, 'node')}`;
  };
  const all = { y, size: TWO, owners };
  return [
    ringGroup({
      ...all,
      size: { ...TWO, band: 0 },
      x: middle - shift,
      id: 'muster-before',
      led: before,
      figures: ['before', plural(before.length, 'partition'), leading(before)],
    }),
    ringGroup({
      ...all,
      x: middle + shift,
      id: 'muster-after',
      led: after!,
      was: before,
      figures: ['after', plural(changes(before, after!), 'primary moves', 'primaries move'), leading(after!)],
    }),
  ];
}

const changes = (before: readonly number[], after: readonly number[]): number =>
  after.filter((owner, i) => owner !== before[i]).length;

const noteOf = ({ before, after }: Owners): string => {
  const count = changes(before, after!);
  if (count === 0) return 'No primary moves.';
  const all = plural(before.length, 'partition');
  return `The primary of ${count} of ${all} moves (bright); the outer band shows the previous primaries.`;
};

function headingGroup({ title, subtitle }: RingSvg, width: number): { text: string; bottom: number } {
  let y = PAD - 6;
  const lines: string[] = [];
  for (const line of wrap(title, TITLE, width, 'bold')) {
    y += 26;
    lines.push(`<text class="title" x="${PAD}" y="${y - 6}">${xml(line)}</text>`);
  }
  for (const line of subtitle ? wrap(subtitle, SUBTITLE, width, 'sans') : []) {
    y += 20;
    lines.push(`<text class="subtitle" x="${PAD}" y="${y - 4}">${xml(line)}</text>`);
  }
  return { text: lines.join('\n'), bottom: y };
}

/** For those who hear the picture. */
function description({ subtitle }: RingSvg, { owners, before, after }: Owners): string {
  const share = (count: number): string => percent(before.length === 0 ? 0 : count / before.length);
  const said = (owner: RingOwner): string => {
    const now = `${owner.name}${owner.state === 'active' ? '' : ` (${owner.state})`} is primary of ${owner.before}`;
    const then = after === null ? now : `${now}, then ${owner.after}`;
    return `${then}, ${share(owner.after)}${owner.ideal === null ? '' : ` (ideal ${percent(owner.ideal)})`}`;
  };
  const first = `Hash ring of ${plural(before.length, 'partition')}, clockwise from hash 0 at the top.`;
  return [
    ...(subtitle ? [subtitle] : []),
    ...(after === null ? [first] : [`${first} ${noteOf({ owners, before, after })}`]),
    `${owners.map(said).join('; ')}.`,
  ].join('\n');
}
