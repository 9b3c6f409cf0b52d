import { randomUUID } from 'node:crypto';
import { readRun, readStore, type StoreFile, storePath, writeRun, writeStore } from './identity.js';
import { corrupt, makeFolder, storageError } from './io.js';
import { lockFolder } from './lock.js';

/**
 * Makes a data folder with a new identity, durably, and gives its store uuid; of a folder that has one already,
 * gives that. Rejects with `storage-full`, `storage-failed`, `storage-corrupt`, `storage-locked`.
 */
export async function createStore(dir: string): Promise<string> {
  try {
    const found = readStore(dir);
    if (found !== null) return found.store;
    makeFolder(dir);
    const release = await lockFolder(dir);
    try {
      return createLocked(dir).store;
    } finally {
      await release();
    }
  } catch (error) {
    throw storageError(error, dir, 'making the data folder');
  }
}

/** The same for a caller that holds the lock. */
export function createLocked(dir: string): StoreFile {
  const found = readStore(dir);
  if (found !== null) return found;
  const store = randomUUID();
  const made: StoreFile = { format: 1, store, lineage: store, created: new Date().toISOString() };
  writeRun(dir, { format: 1, boot: 0, machine: null, durability: 'fsync', clean: 0, notes: [] });
  writeStore(dir, made);
  return made;
}

/** Gives the store a new identity, durably. Its data stays. The caller holds the lock. */
export function mint(dir: string, old: StoreFile): StoreFile {
  const store = { ...old, store: randomUUID() };
  writeStore(dir, store);
  return store;
}

/**
 * Gives a store that is not open a new identity, because it cannot vouch for what it acknowledged: the cluster
 * map has seen a later start of it than it remembers (its folder was rolled back or cloned). The data stays; to the cluster it
 * is another replica and learns again. `seenBoot`: the next start is numbered above this. Gives the new uuid.
 * The reason is among the notes of the next open. Throws `storage-locked` while it is open.
 */
export async function remintStore(dir: string, reason: string, seenBoot = 0): Promise<string> {
  try {
    const release = await lockFolder(dir);
    try {
      const old = readStore(dir);
      if (old === null) throw corrupt(dir, storePath(dir), 'there is no store here');
      const run = readRun(dir);
      const store = mint(dir, old);
      const note = `the store got a new identity (${old.store} is now ${store.store}): ${reason}`;
      writeRun(dir, { ...run, boot: Math.max(run.boot, seenBoot), notes: [...run.notes, note] });
      return store.store;
    } finally {
      await release();
    }
  } catch (error) {
    throw storageError(error, dir, 'changing the identity');
  }
}
