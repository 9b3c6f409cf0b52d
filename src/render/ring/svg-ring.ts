import { num, packed, xml } from '../svg-text.js';
import { type Arc, annulus, arcsOf, type Band, slices, UNIT, widened } from './arcs.js';
import type { RingOwner } from './owners.js';
import { figures, gaps, labels, marks, notches } from './svg-marks.js';

/** Radii; the band beyond the ring, if it is more than 0 wide, says whom a changed arc belonged to. */
export interface RingSize extends Band {
  readonly band: number;
}

interface Ring {
  readonly x: number;
  readonly y: number;
  readonly size: RingSize;
  /** Names the ring's group and clip paths. */
  readonly id: string;
  readonly owners: readonly RingOwner[];
  /** By partition, indices into `owners`. */
  readonly led: readonly number[];
  /** Who led before a plan: what differs is emphasised, the rest is calm. */
  readonly was?: readonly number[];
  /** Lines for the hole; the first is the largest. */
  readonly figures: readonly string[];
}

/** Between ring and band. */
const GAP = 4;
/** For the marks and their figures. */
const MARGIN = 26;
/** Arcs narrower than this on average, in pixels, are drawn without smoothing, which would blend them with the ground. */
const SMOOTH = 2;
/** Even the narrowest change shows at least this much of the band, in pixels. */
const LEAST_BAND = 1.6;

/** What a ring takes around its centre, with its marks. */
export const ringReach = (size: RingSize): number => edgeOf(size) + MARGIN;

const edgeOf = ({ outer, band }: RingSize): number => (band > 0 ? outer + GAP + band : outer);

/** One ring: the arcs by owner, so that hovering an owner shows all of its, then gaps, labels and marks. */
export function ringGroup({ x, y, size, id, owners, led, was, figures: texts }: Ring): string {
  const count = led.length;
  const arcs = arcsOf(count, (a, b) => led[a] === led[b] && was?.[a] === was?.[b]);
  const differs = (i: number): boolean => was !== undefined && was[i] !== led[i];
  const changed = ({ from }: Arc): boolean => differs(from);
  const sharp = (2 * Math.PI * size.inner) / arcs.length < SMOOTH;
  const band: Band = { inner: size.outer + GAP, outer: edgeOf(size) };
  const moved = arcs.filter(changed);
  const left = arcsOf(count, (a, b) => was?.[a] === was?.[b] && differs(a) === differs(b)).filter(changed);

  const rest = { owners, count, sharp };
  const inRing = { ...rest, ownerOf: led, clip: `${id}-ring`, outer: size.outer };
  const said = (verb: string) => (owner: string, partitions: number) =>
    `${owner} ${verb} ${partitions} of ${count}`;
  const out = [
    `<g class="ring ${id}" transform="translate(${packed(x, y)})">`,
    clipPath(`${id}-ring`, size),
    `<circle class="track" r="${num((size.inner + size.outer) / 2)}" stroke-width="${num(size.outer - size.inner)}"/>`,
  ];
  if (was === undefined) {
    out.push(layer({ ...inRing, name: 'arcs', arcs, said: said('is primary of') }));
  } else {
    const stay = arcs.filter((arc) => !changed(arc));
    const least = (LEAST_BAND / (2 * Math.PI * band.outer)) * count;
    const inBand = { ...rest, ownerOf: was, clip: `${id}-band`, outer: band.outer, least };
    out.push(
      layer({ ...inRing, name: 'calm', arcs: stay, said: said('keeps') }),
      layer({ ...inRing, name: 'changed', arcs: moved, said: said('gains') }),
      clipPath(`${id}-band`, band),
      layer({ ...inBand, name: 'was', arcs: left, said: said('loses') }),
    );
  }
  const reach = (arc: Arc): number => (changed(arc) ? band.outer : size.outer);
  out.push(
    gaps(arcs, count, size.inner, reach),
    notches(count, size.inner),
    '<g class="labels">',
    labels(arcs, count, size, (arc) => ({
      owner: owners[led[arc.from]!]!,
      calm: was !== undefined && !changed(arc),
    })),
    was ? labels(left, count, band, (arc) => ({ owner: owners[was[arc.from]!]!, calm: false })) : '',
    '</g>',
    marks(count, edgeOf(size)),
    figures(texts),
    '</g>',
  );
  return out.filter((line) => line !== '').join('\n');
}

/** The i-th owner's class, for rings and legend alike. */
export const ownerClass = (i: number): string => `k${i}`;

interface Layer {
  readonly name: string;
  readonly clip: string;
  readonly arcs: readonly Arc[];
  readonly ownerOf: readonly number[];
  readonly owners: readonly RingOwner[];
  readonly count: number;
  readonly outer: number;
  readonly sharp: boolean;
  /** What the pointer is told. */
  readonly said: (owner: string, partitions: number) => string;
  /** Partitions (a fraction, even) that every arc is drawn wide at least. */
  readonly least?: number;
}

/** Arcs of one kind: one path an owner. */
function layer({ name, clip, arcs, ownerOf, owners, count, outer, sharp, said, least = 0 }: Layer): string {
  if (arcs.length === 0) return '';
  const own = owners.map((): Arc[] => []);
  for (const arc of arcs) own[ownerOf[arc.from]!]!.push(arc);
  const paths = owners.flatMap((owner, i) => {
    const mine = own[i]!;
    if (mine.length === 0) return [];
    const partitions = mine.reduce((sum, { from, to }) => sum + to - from, 0);
    const look =
      owner.color === null ? `arc ${ownerClass(i)} nobody"` : `arc ${ownerClass(i)}" fill="${owner.color}"`;
    const wide = mine.map((arc) => widened(arc, least));
    const title = `<title>${xml(said(owner.name, partitions))}</title>`;
    return [`<path class="${look} d="${slices(wide, count, outer)}">${title}</path>`];
  });
  const rendering = sharp ? ' shape-rendering="crispEdges"' : '';
  return [
    `<g class="${name}" transform="scale(${UNIT})" clip-path="url(#${clip})"${rendering}>`,
    ...paths,
    '</g>',
  ].join('\n');
}

const clipPath = (id: string, band: Band): string =>
  `<clipPath id="${id}"><path clip-rule="evenodd" d="${annulus(band)}"/></clipPath>`;
