import type { Member } from '../core/map/types.js';
import { type Rules, soundRules } from '../core/rules.js';
import type { Recovered } from '../storage/contract.js';
import type { FileStorage } from '../storage/file-storage.js';

/** How a node's storage is opened, and given another identity. */
export interface Vouching {
  open(): Promise<FileStorage>;
  /** The store cannot vouch for what it acknowledged, for this reason; its next start is numbered above `seen`. */
  remint(reason: string, seen: number): Promise<unknown>;
  /** Something a person should know. */
  note(text: string): void;
  /** Other rules, for the simulator. */
  readonly rules?: Rules;
}

/** Why a store cannot vouch for what it acknowledged, and the last start of it that anybody has seen; null: it can. */
export function distrust(
  member: Member,
  { store, boot }: Pick<Recovered, 'store' | 'boot'>,
  rules: Rules = soundRules,
): { readonly reason: string; readonly seen: number } | null {
  if (store !== member.store && !rules.formerStoresDistrusted) return null;
  const seen = store === member.store ? member.incarnation : member.former?.[store];
  if (seen !== undefined)
    return boot > seen
      ? null
      : { reason: `the cluster map has seen start ${seen} of it, and it remembers ${boot - 1}`, seen };
  // It may be an old copy, and what others remember of its starts they would take for this one's.
  return boot === 1 || member.incarnation === 0
    ? null
    : {
        reason: 'the node has had another store since, and nobody remembers how often this one was started',
        seen: 0,
      };
}

/**
 * Opens the storage of a member. One that cannot vouch for what it acknowledged gets a new identity first (PROTOCOL section 0). Rejects as `openStorage` does.
 */
export async function openVouched(
  member: Member,
  { open, remint, note, rules }: Vouching,
): Promise<FileStorage> {
  let storage = await open();
  const { recovered } = storage;
  const why = distrust(member, recovered, rules);
  if (why !== null) {
    for (const text of recovered.notes) note(text);
    await storage.close();
    await remint(why.reason, why.seen);
    storage = await open();
  }
  for (const text of storage.recovered.notes) note(text);
  return storage;
}
