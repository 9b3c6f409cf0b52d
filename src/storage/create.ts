import { ensureFolder, syncFolder } from '../files/whole.js';
import { readStore, type StoreFile, writeRun, writeStore } from './identity.js';
import { storageError } from './io.js';
import { type Platform, systemPlatform } from './platform.js';

/**
 * Makes a data folder with a new identity, durably, and gives its store uuid; of a folder that has one already,
 * gives that. Rejects with `storage-full`, `storage-failed`, `storage-corrupt`, `storage-locked`.
 */
export async function createStore(dir: string, platform: Platform = systemPlatform): Promise<string> {
  try {
    const found = await readStore(platform.files, dir);
    if (found !== null) {
      // Its creator may have exited before the name was durable.
      await syncFolder(platform.files, dir);
      return found.store;
    }
    await ensureFolder(platform.files, dir);
    const release = await platform.lock(dir);
    try {
      return (await createLocked(dir, platform)).store.store;
    } finally {
      await release();
    }
  } catch (error) {
    throw storageError(error, dir, 'creating the data folder');
  }
}

/** The same for a caller that holds the lock; a store that was found may not be durable. */
export async function createLocked(
  dir: string,
  { files, newId, now }: Platform,
): Promise<{ readonly store: StoreFile; readonly isNew: boolean }> {
  const found = await readStore(files, dir);
  if (found !== null) return { store: found, isNew: false };
  const store = newId();
  const made: StoreFile = { format: 1, store, lineage: store, created: new Date(now()).toISOString() };
  await writeRun(files, dir, { format: 1, boot: 0, machine: null, durability: 'fsync', clean: 0, notes: [] });
  await writeStore(files, dir, made);
  return { store: made, isNew: true };
}
