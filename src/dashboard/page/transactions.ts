import type { TxView } from '../../client/api.js';
import type { TraceEvent } from '../../core/machine/types.js';
import { $, h, Keyed, say } from './dom.js';
import type { State, Store } from './store.js';

interface Item {
  readonly id: string;
  readonly parts: readonly TxView[];
  /** Who leads which partition. */
  readonly ring: readonly (string | null)[];
}

const at = (ring: Item['ring'], p: number): string => `partition ${p} (${ring[p] ?? 'no primary'})`;

const stepWords: Readonly<Record<TraceEvent['what'], string>> = {
  came: 'received by the coordinator',
  prepare: 'prepare sent to',
  vote: 'vote from',
  answered: 'client answered by',
  decided: 'decided',
  finish: 'outcome sent to',
  finished: 'finished in',
};

/** One step in words. */
function stepOf({ at: ms, what, p, seq, yes }: TraceEvent, ring: Item['ring']): HTMLElement {
  const where = what === 'came' || what === 'decided' ? ` in ${at(ring, p)}` : ` ${at(ring, p)}`;
  const answer =
    yes === null ? '' : what === 'decided' ? (yes ? ': commit' : ': abort') : yes ? ': yes' : ': no';
  const entry = seq === null ? '' : `, log entry ${seq}`;
  return h(
    'li',
    { class: yes === false ? 'no' : yes === true ? 'yes' : null },
    h('span', { class: 'ms' }, `${ms.toFixed(1)} ms`),
    ` ${stepWords[what]}${where}${answer}${entry}`,
  );
}

function partOf(part: TxView, ring: Item['ring']): HTMLElement {
  const keys = part.keys.length === 0 ? '' : `: ${part.keys.join(', ')}`;
  return h(
    'li',
    {},
    h('span', { class: 'state', 'data-state': part.state }, part.state),
    ` ${part.role} in ${at(ring, part.partition)}${keys}`,
  );
}

const stateOf = (parts: readonly TxView[]): string =>
  parts.find(({ role }) => role === 'coordinator')?.state ?? parts[0]?.state ?? '';

function itemOf(store: Store, first: Item): { element: Element; update: (item: Item) => void } {
  let item = first;
  const state = h('span', { class: 'state' });
  const what = h('span', { class: 'quiet' });
  const parts = h('ul');
  const steps = h('ol', { class: 'steps' });
  const problem = h('p', { class: 'quiet' });
  const element = h(
    'details',
    {},
    h('summary', {}, h('code', {}, first.id), ' ', state, ' ', what),
    h('h3', {}, 'Open parts'),
    parts,
    h('h3', {}, 'Steps recorded by the coordinator'),
    problem,
    steps,
  );
  const trace = async (): Promise<void> => {
    if (!element.open) return;
    const told = await store.trace(first.id);
    if (told.type === 'done') return say(problem, told.text);
    say(problem, told.problem ?? (told.trace.length === 0 ? 'Trace no longer available.' : ''));
    problem.hidden = problem.textContent === '';
    steps.replaceChildren(...told.trace.map((event) => stepOf(event, item.ring)));
  };
  element.ontoggle = () => void trace();
  let shown = '';
  return {
    element,
    update: (next) => {
      const key = JSON.stringify([next.parts, next.parts.map(({ partition }) => next.ring[partition])]);
      item = next;
      if (key === shown) return;
      shown = key;
      const now = stateOf(next.parts);
      say(state, now);
      state.dataset.state = now;
      const doubt = next.parts.filter((part) => part.state === 'in-doubt').map(({ partition }) => partition);
      say(what, doubt.length === 0 ? '' : `in doubt in ${doubt.map((p) => at(next.ring, p)).join(', ')}`);
      parts.replaceChildren(...next.parts.map((part) => partOf(part, next.ring)));
      void trace();
    },
  };
}

/** Transactions that have not ended; opened, one shows its parts and its steps. */
export function createTransactions(store: Store): (state: State) => void {
  const none = h('p', { class: 'quiet' }, 'None.');
  const list = h('div', { class: 'tx-list' });
  $('transactions').append(none, list);
  const keyed = new Keyed<Item>(list, (item) => itemOf(store, item));
  return ({ look }) => {
    const overview = look?.overview;
    if (!overview) return;
    const byId = new Map<string, TxView[]>();
    for (const part of overview.transactions) byId.set(part.id, [...(byId.get(part.id) ?? []), part]);
    keyed.show([...byId].map(([id, parts]) => [id, { id, parts, ring: overview.ring }]));
    none.hidden = byId.size > 0;
  };
}
