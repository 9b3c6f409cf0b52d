import type { NodeAction } from '../../cluster/lifecycle/action.js';
import type { NodeFigures } from '../../cluster/observe/overview.js';
import { stateOf } from '../../cluster/observe/overview-events.js';
import type { NodeRow } from '../../cluster/observe/status.js';
import { Sparkline } from './charts.js';
import { buttonWords, perform } from './confirm.js';
import { $, h, Keyed, s, say } from './dom.js';
import { follow } from './ring.js';
import type { State, Store } from './store.js';
import { latency, rate } from './words.js';

interface Item {
  readonly row: NodeRow;
  readonly figures: NodeFigures;
  readonly color: string;
  readonly history: readonly (number | null)[];
}

const columns: readonly (readonly [title: string, label: string, of: (item: Item) => string])[] = [
  ['Primary', 'partitions it is primary of', ({ row }) => String(row.primaries)],
  ['Backup', 'partitions it is an in-sync backup of', ({ row }) => String(row.backups)],
  ['Requests/s', 'reads and writes per second', ({ figures }) => rate(figures.opsPerSecond)],
  ['p50', 'median latency', ({ figures }) => latency(figures.p50Ms)],
  ['p99', '99th percentile of latency', ({ figures }) => latency(figures.p99Ms)],
  ['Lag', 'log entries its slowest backup is behind', ({ figures }) => rate(figures.lag)],
];

/** What can be done to a node in its state. */
function actionsFor(state: string): readonly NodeAction[] {
  if (state === 'down') return ['start'];
  return state === 'paused' ? ['resume', 'kill'] : ['pause', 'restart', 'kill'];
}

function buttonsOf(store: Store, node: string): (state: string) => HTMLElement {
  const box = h('div', { class: 'buttons', role: 'group', 'aria-label': `Actions on ${node}` });
  const made = new Map<NodeAction, HTMLButtonElement>();
  for (const kind of ['start', 'resume', 'pause', 'restart', 'kill'] as const) {
    const button = h(
      'button',
      {
        type: 'button',
        class: kind === 'kill' ? 'danger' : null,
        'aria-label': `${buttonWords[kind]} ${node}`,
      },
      buttonWords[kind],
    );
    button.onclick = () => void perform(store, { kind, node });
    made.set(kind, button);
    box.append(button);
  }
  return (state) => {
    const shown = actionsFor(state);
    for (const kind of shown) made.get(kind)?.removeAttribute('hidden');
    for (const [kind, button] of made) {
      if (shown.includes(kind)) continue;
      // The button that was just used goes, and the focus stays with the node.
      if (document.activeElement === button) made.get(shown[0] as NodeAction)?.focus();
      button.hidden = true;
    }
    return box;
  };
}

function rowOf(store: Store, { row: { id } }: Item): { element: Element; update: (item: Item) => void } {
  const dot = s('svg', { class: 'dot', viewBox: '0 0 10 10', 'aria-hidden': 'true' });
  const circle = s('circle', { cx: 5, cy: 5, r: 5 });
  dot.append(circle);
  const state = h('span', { class: 'state' });
  const problem = h('span', { class: 'problem quiet' });
  const cells = columns.map(([title]) => h('td', { role: 'cell', 'data-title': title, class: 'number' }));
  const spark = new Sparkline();
  const buttons = buttonsOf(store, id);
  const element = h(
    'tr',
    { role: 'row' },
    h('th', { role: 'rowheader', scope: 'row' }, dot, ' ', id),
    h('td', { role: 'cell', class: 'state-cell' }, state, problem),
    ...cells,
    h('td', { role: 'cell', class: 'spark-cell' }, spark.element),
    h('td', { role: 'cell', class: 'actions' }, buttons('down')),
  );
  element.onpointerenter = () => follow(id);
  element.onpointerleave = () => follow(null);
  element.onfocus = () => follow(id);
  element.addEventListener('focusin', () => follow(id));
  element.addEventListener('focusout', () => follow(null));
  return {
    element,
    update: (item) => {
      const now = stateOf(item.row);
      circle.setAttribute('fill', item.color);
      say(state, now);
      state.dataset.state = now;
      const why =
        now === 'silent' || (now === 'down' && item.row.problem !== 'no process') ? item.row.problem : null;
      say(problem, why ?? '');
      for (const [i, [, , of]] of columns.entries()) say(cells[i] as Element, of(item));
      spark.show(item.history);
      buttons(now);
    },
  };
}

/** The table of nodes, with what can be done to each; on a narrow window a card for each. */
export function createNodes(store: Store): (state: State) => void {
  const body = h('tbody', { role: 'rowgroup' });
  const head = [
    h('th', { role: 'columnheader', scope: 'col' }, 'Node'),
    h('th', { role: 'columnheader', scope: 'col' }, 'State'),
    ...columns.map(([title, label]) =>
      h('th', { role: 'columnheader', scope: 'col', class: 'number', title: label }, title),
    ),
    h('th', { role: 'columnheader', scope: 'col' }, 'Recent requests/s'),
    h('th', { role: 'columnheader', scope: 'col' }, 'Actions'),
  ];
  // The roles are said anew: as cards, by CSS, it would be no table to a screen reader.
  $('nodes').append(
    h(
      'table',
      { role: 'table', 'aria-labelledby': 'nodes-title' },
      h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, ...head)),
      body,
    ),
  );
  const keyed = new Keyed<Item>(body, (item) => rowOf(store, item));
  return ({ look, colors, history }) => {
    const overview = look?.overview;
    if (!overview) return;
    keyed.show(
      overview.status.nodes.map((row, i) => [
        row.id,
        {
          row,
          figures: overview.nodes[i] as NodeFigures,
          color: colors[i % colors.length] ?? 'gray',
          history: history.map(({ nodes }) => nodes[row.id] ?? null),
        },
      ]),
    );
  };
}
