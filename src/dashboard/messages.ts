import type { TxView } from '../client/api.js';
import { type Action, nodeActions } from '../cluster/lifecycle/action.js';
import type { FeedEvent, Look, Point } from '../cluster/observe/observer.js';
import type { TraceEvent } from '../core/machine/types.js';
import { limits } from '../limits.js';
import { asFields, bad, isArray, isCount, isTxId, onlyFields } from '../wire/check.js';

/** What the dashboard tells a page. */
export type Told =
  | {
      readonly type: 'hello';
      readonly cluster: string;
      /** The cluster must be named in the commands that are shown. */
      readonly named: boolean;
      /** From one look to the next, in ms. */
      readonly everyMs: number;
      /** By the order of the nodes, `#rrggbb`. */
      readonly colors: readonly string[];
      readonly history: readonly Point[];
      readonly events: readonly FeedEvent[];
      readonly look: Omit<Look, 'events'>;
    }
  | {
      readonly type: 'look';
      readonly look: Omit<Look, 'events'>;
      /** What the pictures of the last minutes get; null: nothing could be seen. */
      readonly point: Point | null;
      /** What happened since the message before. */
      readonly events: readonly FeedEvent[];
    }
  /** An `act` is done, or was refused. */
  | {
      readonly type: 'done';
      readonly id: number;
      readonly ok: boolean;
      readonly text: string;
      readonly command: string;
    }
  | {
      readonly type: 'trace';
      readonly id: number;
      readonly tx: string;
      readonly parts: readonly TxView[];
      readonly trace: readonly TraceEvent[];
      readonly problem: string | null;
    };

/** A request of the page; the response repeats its `id`. */
export type Asked =
  | { readonly type: 'act'; readonly id: number; readonly action: Action }
  | { readonly type: 'trace'; readonly id: number; readonly tx: string };

const isNode = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= limits.nameLength;

function checkAction(value: unknown): Action {
  const action = asFields(value, 'action');
  if (action.kind === 'heal') {
    onlyFields(action, 1, 'action');
    return { kind: 'heal' };
  }
  if (action.kind === 'netsplit') {
    const { groups } = action;
    const sound =
      isArray(groups) &&
      groups.length <= limits.localNodes &&
      groups.every((group) => isArray(group) && group.length <= limits.members && group.every(isNode));
    if (!sound) bad('action.groups', 'lists of nodes');
    onlyFields(action, 2, 'action');
    return { kind: 'netsplit', groups: groups as string[][] };
  }
  const kind = nodeActions.find((one) => one === action.kind);
  if (kind === undefined) bad('action.kind', [...nodeActions, 'netsplit', 'heal'].join(', '));
  if (!isNode(action.node)) bad('action.node', 'a node');
  onlyFields(action, 2, 'action');
  return { kind, node: action.node };
}

/** What a page sent, validated; throws `bad-message`. */
export function decodeAsked(text: string): Asked {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    bad('message', 'JSON');
  }
  const asked = asFields(value, 'message');
  if (!isCount(asked.id)) bad('id', 'a whole number from 0');
  onlyFields(asked, 3, 'message');
  if (asked.type === 'act') return { type: 'act', id: asked.id, action: checkAction(asked.action) };
  if (asked.type === 'trace' && isTxId(asked.tx)) return { type: 'trace', id: asked.id, tx: asked.tx };
  return bad('type', 'act, or trace of a transaction');
}
