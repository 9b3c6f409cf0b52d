import { type Member, startsSeen } from '../core/map/types.js';
import type { FileStorage } from '../storage/file-storage.js';

/** How a node's storage is opened, and given another identity. */
export interface Vouching {
  open(): Promise<FileStorage>;
  /** The store cannot vouch for what it acknowledged, for this reason; its next start is numbered above `seen`. */
  remint(reason: string, seen: number): Promise<unknown>;
  /** Something a person should know. */
  note(text: string): void;
}

/**
 * Opens the storage of a member. One of which the map has seen later starts than it remembers cannot vouch for what it acknowledged
 * since: it gets a new identity first (PROTOCOL section 0). Rejects as `openStorage` does.
 */
export async function openVouched(member: Member, { open, remint, note }: Vouching): Promise<FileStorage> {
  let storage = await open();
  const { recovered } = storage;
  const seen = startsSeen(member, recovered.store);
  if (recovered.boot <= seen) {
    for (const text of recovered.notes) note(text);
    await storage.close();
    const remembered = recovered.boot - 1;
    await remint(`the cluster map has seen start ${seen} of it, and it remembers ${remembered}`, seen);
    storage = await open();
  }
  for (const text of storage.recovered.notes) note(text);
  return storage;
}
