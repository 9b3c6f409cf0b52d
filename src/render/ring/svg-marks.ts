import { inkOn } from '../node-colors.js';
import { num, packed, textWidth, xml } from '../svg-text.js';
import { type Arc, type Band, labelPlace, pointAt } from './arcs.js';
import type { RingOwner } from './owners.js';

/** Gaps between arcs only in a ring whose arcs are this wide on average, and there between those of at least SEPARATE. */
const AIRY = 9;
/** Notches between the partitions of an arc, too. */
const SEPARATE = 5;
const NOTCH = 7;
const LABEL_SIZES = [13, 11.5, 10, 8.5];

const spoke = (turn: number, from: number, to: number): string =>
  `M${packed(...pointAt(turn, from))}L${packed(...pointAt(turn, to))}`;

/** Between arcs that are wide enough to spare it; `reach` says how far out an arc goes. */
export function gaps(
  arcs: readonly Arc[],
  count: number,
  inner: number,
  reach: (arc: Arc) => number,
): string {
  if (arcs.length < 2 || (2 * Math.PI * inner) / arcs.length < AIRY) return '';
  const wide = (arc: Arc): boolean => ((arc.to - arc.from) / count) * 2 * Math.PI * inner >= SEPARATE;
  const spokes = arcs.map((arc, i) => {
    const last = arcs.at(i - 1)!;
    if (!wide(arc) || !wide(last)) return '';
    return spoke(arc.from / count, inner - 1, Math.min(reach(arc), reach(last)) + 1);
  });
  const path = spokes.join('');
  return path === '' ? '' : `<path class="gaps" d="${path}"/>`;
}

/** Little cuts at the inner rim let one count the partitions of an arc. */
export function notches(count: number, inner: number): string {
  if (count < 2 || (2 * Math.PI * inner) / count < SEPARATE) return '';
  const path = Array.from({ length: count }, (_, i) => spoke(i / count, inner - 1, inner + NOTCH));
  return `<path class="notches" d="${path.join('')}"/>`;
}

/** Names on the arcs that have room for one: who cannot tell the colours apart can read. */
export function labels(
  arcs: readonly Arc[],
  count: number,
  band: Band,
  of: (arc: Arc) => { readonly owner: RingOwner; readonly calm: boolean },
): string {
  const texts = arcs.flatMap((arc) => {
    const { owner, calm } = of(arc);
    if (owner.color === null) return [];
    for (const name of new Set([owner.name, owner.short])) {
      const place = labelPlace(arc, count, band, textWidth(name, 1), LABEL_SIZES);
      if (!place) continue;
      const { x, y, size, turned } = place;
      const turn = turned === 0 ? '' : ` rotate(${num(turned)})`;
      const ink = calm ? '' : ` fill="${inkOn(owner.color)}"`;
      const at = `translate(${packed(x, y)})${turn}`;
      return [`<text${ink} font-size="${size}" dy=".36em" transform="${at}">${xml(name)}</text>`];
    }
    return [];
  });
  return texts.join('\n');
}

/** Hash 0 with the direction, and which partitions begin at the quarters. */
export function marks(count: number, edge: number): string {
  const tick = (turn: number): string => `<path d="${spoke(turn, edge + 2, edge + 8)}"/>`;
  const out = ['<g class="marks">', tick(0), `<text y="${num(-edge - 12)}">0</text>`];
  for (const quarter of count >= 8 && count % 4 === 0 ? [1, 2, 3] : []) {
    const [x, y] = pointAt(quarter / 4, edge + 12);
    const anchor = ['', ' text-anchor="start"', '', ' text-anchor="end"'][quarter]!;
    const base = quarter === 2 ? y + 8 : y + 4;
    out.push(
      tick(quarter / 4),
      `<text x="${num(x)}" y="${num(base)}"${anchor}>${(count / 4) * quarter}</text>`,
    );
  }
  const radius = edge + 16;
  const [from, to] = [pointAt(0.012, radius), pointAt(0.035, radius)];
  out.push(
    `<path d="M${packed(...from)}A${radius} ${radius} 0 0 1 ${packed(...to)}"/>`,
    `<path class="head" d="M0-3.5L7 0 0 3.5z" transform="translate(${packed(...to)}) rotate(${num(0.035 * 360)})"/>`,
    '</g>',
  );
  return out.join('\n');
}

/** In the middle of the hole. */
export function figures([first = '', ...more]: readonly string[]): string {
  const top = -8 * more.length;
  return [
    `<text class="figure" y="${num(top + 6)}">${xml(first)}</text>`,
    ...more.map((line, i) => `<text class="figures" y="${num(top + 30 + 20 * i)}">${xml(line)}</text>`),
  ].join('\n');
}
