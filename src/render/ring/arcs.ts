import { packed } from '../svg-text.js';

/** Partitions from `from` up to, not including, `to`; `to` is beyond the last partition when the arc crosses hash 0. */
export interface Arc {
  readonly from: number;
  readonly to: number;
}

/** The radii between which arcs lie. */
export interface Band {
  readonly inner: number;
  readonly outer: number;
}

/** Merges neighbours that are the same into arcs, around the ring. */
export function arcsOf(count: number, same: (a: number, b: number) => boolean): Arc[] {
  const arcs: Arc[] = [];
  for (let from = 0, at = 1; at <= count; at += 1) {
    if (at < count && same(at - 1, at)) continue;
    arcs.push({ from, to: at });
    from = at;
  }
  const [first, last] = [arcs[0], arcs.at(-1)];
  if (!first || !last || first === last || !same(count - 1, 0)) return arcs;
  return [...arcs.slice(1, -1), { from: last.from, to: count + first.to }];
}

/** The arc, or one of `least` partitions (a fraction, even) around its middle if it is smaller. */
export function widened(arc: Arc, least: number): Arc {
  const more = (least - (arc.to - arc.from)) / 2;
  return more > 0 ? { from: arc.from - more, to: arc.to + more } : arc;
}

/** Slices reach this much beyond the ring, whose rim a clip path cuts: so the short ones need no arc of their own. */
const REACH = 1.03;
/** Up to this angle a slice's straight edge, at REACH, stays outside the ring. */
const STRAIGHT = 0.4;

/** The unit of paths of slices and rims: whole numbers take a third fewer bytes than ones with two decimals. */
export const UNIT = 0.01;

/**
 * Slices of a cake around (0, 0), in UNITs, each from the centre: a ring comes of them by a clip path. That
 * takes a quarter of the bytes of arcs closed on their inner side too, which matters at 16,384 of them.
 */
export function slices(arcs: readonly Arc[], count: number, outer: number): string {
  const radius = Math.ceil(outer * REACH) / UNIT;
  let path = '';
  for (const { from, to } of arcs) {
    if (to - from >= count) return rim(radius);
    const [x, y] = rounded(from / count, radius);
    const [endX, endY] = rounded(to / count, radius);
    const angle = ((to - from) / count) * 2 * Math.PI;
    const [dx, dy] = [endX - x, endY - y];
    path +=
      angle <= STRAIGHT
        ? `l${packed(x, y, dx, dy)}z`
        : `l${packed(x, y)}a${radius} ${radius} 0 ${angle > Math.PI ? 1 : 0} 1 ${packed(dx, dy)}z`;
  }
  return path === '' ? '' : `M0 0${path}`;
}

/** What lies between two radii, for a clip path with the rule `evenodd`; in UNITs. */
export const annulus = ({ inner, outer }: Band): string =>
  rim(Math.round(outer / UNIT)) + rim(Math.round(inner / UNIT));

const rim = (r: number): string => `M0-${r}a${r} ${r} 0 0 1 0 ${2 * r} ${r} ${r} 0 0 1 0-${2 * r}z`;

/** Where the ring is at a share of a turn, clockwise from the top. */
export function pointAt(turn: number, radius: number): [number, number] {
  return [Math.sin(turn * 2 * Math.PI) * radius, -Math.cos(turn * 2 * Math.PI) * radius];
}

/** Rounded before differences are taken, so that slices which share an edge agree on it. */
const rounded = (turn: number, radius: number): [number, number] => {
  const [x, y] = pointAt(turn, radius);
  return [Math.round(x), Math.round(y)];
};

/** Where a label's middle is, how large its font, and by how many degrees it is turned. */
export interface LabelPlace {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly turned: number;
}

/** Height of capitals and figures, in ems. */
const TALL = 0.74;
/** Free space around a label: before and after it, above and below it. */
const AIR = [2, 1] as const;

/**
 * Where on an arc a label fits: upright if it can be, else along the ring, else outwards; in the first of the
 * sizes that fits. Null when it fits nowhere. `ems` is the label's width at size 1.
 */
export function labelPlace(
  arc: Arc,
  count: number,
  band: Band,
  ems: number,
  sizes: readonly number[],
): LabelPlace | null {
  const middle = (((arc.from + arc.to) / 2 / count) % 1) * 360;
  const half = ((arc.to - arc.from) / count) * Math.PI;
  if (half * 2 * band.outer < TALL * Math.min(...sizes)) return null;
  const [x, y] = pointAt(middle / 360, (band.inner + band.outer) / 2);
  // Never upside down.
  const along = middle > 90 && middle < 270 ? middle - 180 : middle;
  const outwards = middle > 180 ? middle + 90 : middle - 90;
  for (const size of sizes) {
    const [w, h] = [(ems * size) / 2 + AIR[0], (TALL * size) / 2 + AIR[1]];
    for (const turned of [0, along, outwards]) {
      const around = ((turned - middle) * Math.PI) / 180;
      if (boxFits(w, h, around, (band.inner + band.outer) / 2, band, half)) {
        return { x, y, size, turned: turned > 180 ? turned - 360 : turned };
      }
    }
  }
  return null;
}

/** Whether a box of half sizes w × h, in the middle of an arc that is taken to be at the top, lies within it. */
function boxFits(w: number, h: number, turned: number, middle: number, band: Band, half: number): boolean {
  const [sin, cos] = [Math.sin(turned), Math.cos(turned)];
  for (const across of [-1, -0.5, 0, 0.5, 1]) {
    for (const up of [-1, 0, 1]) {
      const x = across * w * cos - up * h * sin;
      const y = middle - (across * w * sin + up * h * cos);
      const radius = Math.hypot(x, y);
      if (radius < band.inner || radius > band.outer) return false;
      if (half < Math.PI && Math.abs(Math.atan2(x, y)) > half) return false;
    }
  }
  return true;
}
