import { ensureFolder, syncFolder } from '../files/whole.js';
import { readRun, readStore, type StoreFile, storePath, writeRun, writeStore } from './identity.js';
import { corrupt, storageError } from './io.js';
import { type Platform, systemPlatform } from './platform.js';

/**
 * Makes a data folder with a new identity, durably, and gives its store uuid; of a folder that has one already,
 * gives that. Rejects with `storage-full`, `storage-failed`, `storage-corrupt`, `storage-locked`.
 */
export async function createStore(dir: string, platform: Platform = systemPlatform): Promise<string> {
  try {
    const found = await readStore(platform.files, dir);
    if (found !== null) {
      // Whoever made it may have ended before its name was durable.
      await syncFolder(platform.files, dir);
      return found.store;
    }
    await ensureFolder(platform.files, dir);
    const release = await platform.lock(dir);
    try {
      return (await createLocked(dir, platform)).store;
    } finally {
      await release();
    }
  } catch (error) {
    throw storageError(error, dir, 'making the data folder');
  }
}

/** The same for a caller that holds the lock; a store that was found may not be durable. */
export async function createLocked(dir: string, { files, newId, now }: Platform): Promise<StoreFile> {
  const found = await readStore(files, dir);
  if (found !== null) return found;
  const store = newId();
  const made: StoreFile = { format: 1, store, lineage: store, created: new Date(now()).toISOString() };
  await writeRun(files, dir, { format: 1, boot: 0, machine: null, durability: 'fsync', clean: 0, notes: [] });
  await writeStore(files, dir, made);
  return made;
}

/** Gives the store a new identity, durably. Its data stays. The caller holds the lock. */
export async function mint(dir: string, old: StoreFile, { files, newId }: Platform): Promise<StoreFile> {
  const store = { ...old, store: newId() };
  await writeStore(files, dir, store);
  return store;
}

/**
 * Gives a store that is not open a new identity, because it cannot vouch for what it acknowledged: the cluster
 * map has seen a later start of it than it remembers (its folder was rolled back or cloned). The data stays; to the cluster it
 * is another replica and learns again. `seenBoot`: the next start is numbered above this. Gives the new uuid.
 * The reason is among the notes of the next open. Throws `storage-locked` while it is open.
 */
export async function remintStore(
  dir: string,
  reason: string,
  seenBoot = 0,
  platform: Platform = systemPlatform,
): Promise<string> {
  const { files } = platform;
  try {
    const release = await platform.lock(dir);
    try {
      const old = await readStore(files, dir);
      if (old === null) throw corrupt(dir, storePath(dir), 'there is no store here');
      const run = await readRun(files, dir);
      const store = await mint(dir, old, platform);
      const note = `the store got a new identity (${old.store} is now ${store.store}): ${reason}`;
      await writeRun(files, dir, {
        ...run,
        boot: Math.max(run.boot, seenBoot),
        notes: [...run.notes, note],
      });
      return store.store;
    } finally {
      await release();
    }
  } catch (error) {
    throw storageError(error, dir, 'changing the identity');
  }
}
