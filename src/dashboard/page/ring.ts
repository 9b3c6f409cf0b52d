import { plural } from '../../text/format.js';
import { $, s, say } from './dom.js';
import type { State } from './store.js';

const OUTER = 100;
const INNER = 66;
const RIM = 106;

const point = (turn: number, radius: number): string => {
  const angle = turn * 2 * Math.PI;
  return `${(Math.sin(angle) * radius).toFixed(2)} ${(-Math.cos(angle) * radius).toFixed(2)}`;
};

/** A part of a ring, from turn to turn, clockwise from the top. */
function slice(from: number, to: number, inner: number, outer: number): string {
  // A whole turn has the same beginning and end, which SVG takes for nothing.
  const end = Math.min(to, from + 0.9999);
  const large = end - from > 0.5 ? 1 : 0;
  return (
    `M${point(from, outer)}A${outer} ${outer} 0 ${large} 1 ${point(end, outer)}` +
    `L${point(end, inner)}A${inner} ${inner} 0 ${large} 0 ${point(from, inner)}Z`
  );
}

/** The ring: hash 0 at the top, clockwise, a colour for each node; a mark outside where replicas are lacking. */
export function createRing(): (state: State) => void {
  const arcs = s('g', { class: 'arcs' });
  const rim = s('g', { class: 'rim' });
  const figure = s('text', { class: 'figure', y: '-2' });
  const note = s('text', { class: 'note', y: '14' });
  const picture = s('svg', { viewBox: '-112 -112 224 224', role: 'img' }, arcs, rim, figure, note);
  $('ring').append(picture);
  let drawn = '';
  return ({ look, colors }) => {
    const overview = look?.overview;
    if (!overview) return;
    const { ring, status } = overview;
    const { lacking, total, serving, inSync } = status.partitions;
    const key = JSON.stringify([ring, lacking, serving]);
    if (key === drawn) return;
    drawn = key;
    const index = new Map<string | null, number>(status.nodes.map(({ id }, i) => [id, i]));
    arcs.replaceChildren();
    for (let at = 0; at < ring.length; ) {
      const owner = ring[at] ?? null;
      const from = at;
      while (at < ring.length && (ring[at] ?? null) === owner) at++;
      const i = index.get(owner);
      const color = i === undefined ? 'var(--line)' : (colors[i % colors.length] ?? 'var(--line)');
      const title = s(
        'title',
        {},
        `${owner ?? 'no primary'}: ${from === at - 1 ? `partition ${from}` : `partitions ${from} to ${at - 1}`}`,
      );
      arcs.append(
        s(
          'path',
          { d: slice(from / total, at / total, INNER, OUTER), fill: color, 'data-node': owner },
          title,
        ),
      );
    }
    rim.replaceChildren(
      ...lacking.map(({ partition }) =>
        s('path', { d: slice(partition / total, (partition + 1) / total, OUTER + 3, RIM) }),
      ),
    );
    say(figure, String(total));
    say(note, total === 1 ? 'partition' : 'partitions');
    const owners = status.nodes.map(({ id, primaries }) => `${id} is primary of ${primaries}`).join(', ');
    picture.setAttribute('aria-label', `Hash ring of ${plural(total, 'partition')}: ${owners}`);
    say(
      $('ring-note'),
      inSync === total
        ? 'Colours show the primary of each partition. All replicas are in sync.'
        : `Colours show the primary of each partition. Marked outside: ${plural(total - inSync, 'under-replicated partition')}.`,
    );
  };
}

/** While a node is pointed at or has the focus, the arcs of the others fade. */
export function follow(node: string | null): void {
  for (const arc of $('ring').querySelectorAll('[data-node]'))
    arc.classList.toggle('faded', node !== null && arc.getAttribute('data-node') !== node);
}
