import { perform } from './confirm.js';
import { $, h, Keyed, say } from './dom.js';
import type { State, Store } from './store.js';

/** A netsplit: one side is chosen, the others are the other side. And healing. */
export function createFaults(store: Store): (state: State) => void {
  const list = h('ul', { class: 'faults-list' });
  const none = h('p', { class: 'quiet' }, 'No active faults.');
  const choices = h('div', { class: 'choices' });
  const hint = h('p', { class: 'quiet', id: 'split-hint', 'aria-live': 'polite' });
  const split = h('button', { type: 'submit', 'aria-describedby': 'split-hint' }, 'Netsplit');
  const heal = h('button', { type: 'button' }, 'Heal all faults');
  const legend = h('legend', {}, 'Isolate these nodes from the others');
  const form = h(
    'form',
    {},
    h('fieldset', {}, legend, choices),
    hint,
    h('div', { class: 'buttons' }, split, heal),
  );
  $('faults').append(none, list, form);

  let nodes: readonly string[] = [];
  const chosen = (): string[] =>
    [...choices.querySelectorAll<HTMLInputElement>('input:checked')].map(({ value }) => value);
  const groups = (): [string[], string[]] => {
    const side = chosen();
    return [side, nodes.filter((node) => !side.includes(node))];
  };
  const told = (): void => {
    const [side, others] = groups();
    const possible = side.length > 0 && others.length > 0;
    split.disabled = !possible;
    say(
      hint,
      possible
        ? `${side.join(', ')} cannot communicate with ${others.join(', ')}. Clients still reach all nodes.`
        : side.length === 0
          ? 'Select the nodes of one side.'
          : 'Leave at least one node on the other side.',
    );
  };
  form.onchange = told;
  form.onsubmit = (event) => {
    event.preventDefault();
    void perform(store, { kind: 'netsplit', groups: groups() }).then(() => {
      for (const box of choices.querySelectorAll('input')) box.checked = false;
      told();
    });
  };
  heal.onclick = () => void perform(store, { kind: 'heal' });

  const boxes = new Keyed<string>(choices, (id) => {
    const input = h('input', { type: 'checkbox', value: id });
    return { element: h('label', {}, input, ` ${id}`), update: () => {} };
  });
  const rows = new Keyed<string>(list, () => {
    const element = h('li');
    return { element, update: (text) => say(element, text) };
  });
  return ({ look }) => {
    const status = look?.overview?.status;
    if (!status) return;
    nodes = status.nodes.map(({ id }) => id);
    boxes.show(nodes.map((id) => [id, id]));
    const faults = status.faults.map(({ id, text }): [string, string] => [id, `${id}: ${text}`]);
    if (status.faultProblem !== null) faults.push(['problem', status.faultProblem]);
    rows.show(faults);
    none.hidden = faults.length > 0;
    heal.disabled = faults.length === 0;
    told();
  };
}
