import type { Member } from '../core/map/types.js';
import { type Rules, soundRules } from '../core/rules.js';
import type { StoreStart } from '../storage/open.js';

/**
 * Why a store of a member cannot vouch for what it acknowledged, or null (PROTOCOL section 0): the map has seen later starts of it than
 * it remembers, or knows nothing of a store that is not new.
 */
export function distrust(
  member: Member,
  { store, boot, isNew }: StoreStart,
  rules: Rules = soundRules,
): string | null {
  if (store !== member.store && !rules.formerStoresDistrusted) return null;
  const seen = store === member.store ? member.incarnation : member.former?.[store];
  if (seen !== undefined)
    return boot > seen
      ? null
      : `the cluster map recorded start ${seen} of this store, the store itself only start ${boot - 1}`;
  // It may be an old copy, and what others remember of its starts they would take for this one's.
  return isNew || member.incarnation === 0
    ? null
    : 'the node has used another store since, and the cluster map has no record of the starts of this one';
}
