import type { LockView } from '../../client/api.js';
import { $, h, Keyed, say } from './dom.js';
import type { State } from './store.js';
import { percent, rate } from './words.js';

interface Share {
  readonly id: string;
  readonly share: number;
  readonly calls: number | null;
  readonly failed: number | null;
  readonly color: string;
}

/** Each node's share of the service calls completed since the last refresh. */
export function createShares(): (state: State) => void {
  const none = h(
    'p',
    { class: 'quiet' },
    'No service calls right now. To send some: ',
    h('code', {}, 'muster route demo.echo --count 1000'),
  );
  const list = h('ul', { class: 'bars' });
  $('shares').append(none, list);
  const keyed = new Keyed<Share>(list, ({ id }) => {
    const meter = h('div', { class: 'bar' });
    const fill = h('div', { class: 'fill' });
    meter.append(fill);
    const text = h('span', { class: 'number' });
    return {
      element: h('li', {}, h('span', { class: 'name' }, id), meter, text),
      update: ({ share, calls, failed, color }) => {
        // By the object model: a style in the text of the page would be refused.
        fill.style.width = `${share * 100}%`;
        fill.style.background = color;
        const bad = (failed ?? 0) > 0 ? `, ${rate(failed)} failed` : '';
        say(text, `${percent(share)} · ${rate(calls)}/s${bad}`);
      },
    };
  });
  return ({ look, colors }) => {
    const overview = look?.overview;
    if (!overview) return;
    const any = overview.nodes.some(({ callShare }) => callShare !== null);
    list.hidden = !any;
    none.hidden = any;
    keyed.show(
      overview.nodes.map((node, i) => [
        node.id,
        {
          id: node.id,
          share: node.callShare ?? 0,
          calls: node.callsPerSecond,
          failed: node.callsFailedPerSecond,
          color: colors[i % colors.length] ?? 'gray',
        },
      ]),
    );
  };
}

/** Locks that are held or waited for. */
export function createLocks(): (state: State) => void {
  const none = h('p', { class: 'quiet' }, 'No locks held.');
  const list = h('ul', { class: 'locks-list' });
  $('locks').append(none, list);
  const keyed = new Keyed<LockView>(list, ({ name }) => {
    const text = h('span', { class: 'quiet' });
    return {
      element: h('li', {}, h('code', {}, name), ' ', text),
      update: ({ holders, waiting, permits }) => {
        const tokens = holders.map(({ token }) => token).join(', ');
        const of = permits > 1 ? ` of ${permits} permits` : '';
        const held = holders.length === 0 ? 'free' : `${holders.length}${of} held, token ${tokens}`;
        say(text, waiting > 0 ? `${held}, ${waiting} waiting` : held);
      },
    };
  });
  return ({ look }) => {
    const overview = look?.overview;
    if (!overview) return;
    const shown = overview.locks.filter(({ holders, waiting }) => holders.length + waiting > 0);
    keyed.show(shown.map((lock) => [lock.name, lock]));
    none.hidden = shown.length > 0;
  };
}
