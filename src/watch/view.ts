import type { Action, NodeAction } from '../cluster/lifecycle/action.js';
import type { FeedEvent, Look, Point } from '../cluster/observe/observer.js';
import { stateOf } from '../cluster/observe/overview-events.js';
import type { NodeRow } from '../cluster/observe/status.js';

/** What the person has done so far: a choice, a question that is open, what was answered. */
export interface View {
  /** The node that keys are for; null: the first. */
  readonly selected: string | null;
  /** Waits for y or n. */
  readonly asking: Action | null;
  readonly help: boolean;
  /** The last thing said in the bottom line. */
  readonly notice: { readonly text: string; readonly bad: boolean } | null;
}

/** Everything that the screen shows. */
export interface WatchState extends View {
  readonly cluster: string;
  readonly look: Look;
  readonly history: readonly Point[];
  readonly events: readonly FeedEvent[];
}

export const startingView: View = { selected: null, asking: null, help: false, notice: null };

/** What a key asks for beside a change of the view. */
export type Effect = { readonly kind: 'leave' } | { readonly kind: 'act'; readonly action: Action } | null;

const rowsOf = (look: Look): readonly NodeRow[] => look.overview?.status.nodes ?? [];

/** The node that keys are for; null when there is none. */
export function selectedNode(view: View, look: Look): NodeRow | null {
  const rows = rowsOf(look);
  return rows.find(({ id }) => id === view.selected) ?? rows[0] ?? null;
}

function moved(view: View, look: Look, by: number): View {
  const rows = rowsOf(look);
  const at = rows.findIndex(({ id }) => id === selectedNode(view, look)?.id);
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
  return { ...view, selected: next?.id ?? null, notice: null };
}

/** What a key does to a node in its state; null: that makes no sense there. */
export function actionFor(key: string, row: NodeRow): NodeAction | null {
  const state = stateOf(row);
  const dead = state === 'down';
  if (key === 'K') return dead ? null : 'kill';
  if (key === 'p') return dead ? null : state === 'paused' ? 'resume' : 'pause';
  return dead ? 'start' : 'restart';
}

/** Does it take something away that was there? Then it is asked for. */
const destroys = (action: Action): boolean =>
  action.kind === 'kill' || action.kind === 'pause' || action.kind === 'restart';

/** The view after a key, and what the key asks for. Pure. */
export function onKey(view: View, key: string, look: Look): { view: View; effect: Effect } {
  const stays = (next: View): { view: View; effect: Effect } => ({ view: next, effect: null });
  // Ctrl-C and Ctrl-D always leave.
  if (key === '\u0003' || key === '\u0004') return { view, effect: { kind: 'leave' } };
  if (view.asking !== null) {
    const done = { ...view, asking: null };
    if (key === 'y' || key === 'Y') return { view: done, effect: { kind: 'act', action: view.asking } };
    return stays({ ...done, notice: { text: 'cancelled', bad: false } });
  }
  if (view.help) return key === 'q' ? { view, effect: { kind: 'leave' } } : stays({ ...view, help: false });
  switch (key) {
    case 'q':
      return { view, effect: { kind: 'leave' } };
    case '?':
      return stays({ ...view, help: true });
    case 'up':
    case 'k':
      return stays(moved(view, look, -1));
    case 'down':
    case 'j':
      return stays(moved(view, look, 1));
    case 'h':
      return { view, effect: { kind: 'act', action: { kind: 'heal' } } };
    case 'K':
    case 'p':
    case 'r': {
      const row = selectedNode(view, look);
      if (row === null) return stays(view);
      const kind = actionFor(key, row);
      if (kind === null) return stays({ ...view, notice: { text: `${row.id} is already down`, bad: true } });
      const action: Action = { kind, node: row.id };
      if (destroys(action)) return stays({ ...view, asking: action, notice: null });
      return { view, effect: { kind: 'act', action } };
    }
    default:
      return stays(view);
  }
}

const named: Readonly<Record<string, string>> = {
  '\u001b[A': 'up',
  '\u001b[B': 'down',
  '\u001bOA': 'up',
  '\u001bOB': 'down',
};

/** The keys in what a terminal sent at once. */
export const keysOf = (data: string): string[] =>
  (data.match(/\u001b\[[0-9;]*[A-Za-z~]|\u001bO[A-Z]|[\s\S]/gu) ?? []).map((key) => named[key] ?? key);
