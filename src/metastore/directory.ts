/**
 * The cluster map as numbered files in one folder: `0000000007.json` is revision 7, the newest number wins.
 * Publishing is put-if-absent: `link()` of a finished, synced temporary file to its number; EEXIST is the conflict. No daemon
 * and no lock, so a process killed or stopped anywhere blocks nobody, and a numbered file is always whole.
 * For processes of one machine on a local file system.
 *
 * **Why it is linearizable.** Old numbers are removed, any process may sleep between any two calls, and a folder is not read
 * atomically: a name that comes or goes meanwhile is in the answer or not. The one danger is a number that is linked a second time after it was
 * removed. It never is:
 * - A publisher of N (1) makes its temporary file, whose name bears N, (2) then reads the folder, and goes on only if N-1 is the newest
 *   number there and can still be opened, (3) then links. For 1: if there is no number, and no trace that any was ever removed.
 * - A collector, which has itself linked C, (1) leaves that trace durably, (2) then reads the folder, and (3) removes the temporary files for
 *   all numbers up to C-KEPT, and only when all are gone (4) those numbers, one after another, the lowest first.
 *
 * So when X is removed no lower number is there: each was linked before C, so the collector's reading found and removed it. Hence, if
 * the newest number M of a reading can still be opened afterwards, nothing above M was removed since the reading began: whatever was newest then was there
 * throughout, so it was found, so M is at least that. (M)
 * By (M), N was not taken yet when the publisher began step 2. So whoever collects N linked its C after that, and reads the folder
 * after that; it finds the temporary file of step 1 and removes it before it removes N. Then `link()` has nothing to link (ENOENT;
 * a file without a name gets no new one); before that, N is there (EEXIST). Either way N is linked once. (Induction over time: both steps use that no number has been linked twice before.)
 *
 * - **A publish** takes effect at its `link()`: N-1 was the newest then, or the link would have failed. It is never late.
 * - **A read** reads the folder, then opens the newest number it found; gone by then: again. By (M) it is at least what was newest when the
 *   read began, and it was published before the read ended. That somebody starves takes KEPT publishes during each attempt.
 * - **Durable before seen.** A publisher syncs the folder before it says `ok`, a reader before it gives a map out. So nobody acts on a map that
 *   a power failure could take back. The data was synced before the link.
 *
 * Checked by `test/metastore/simulation.ts`, which runs this file over a simulated file system; docs/decisions/0035.
 */
import { dirname, join } from 'node:path';
import type { ClusterMap } from '../core/map/types.js';
import { MusterError } from '../errors.js';
import { codeOf, type FileSystem } from '../files/contract.js';
import { nodeFiles } from '../files/node.js';
import { readWhole, syncFolder, writeNewDurably } from '../files/whole.js';
import type { Metastore, PublishOutcome } from './contract.js';
import { decodeMap, encodeMap, mapFileName, mapNumber } from './map-file.js';
import { FolderWatch } from './watch.js';

/** Revisions that are kept, the newest included. */
export const KEPT = 64;
/** Marks that revisions were removed: a folder with neither this file nor a revision never had one. */
export const COLLECTED = '.collected';
/** So many readings of a folder may be overtaken in a row; more is not publishers, but files that cannot be. */
const maxAttempts = 100;
/** Largest file of a map, in bytes: the most partitions and members there can be take about a tenth. */
const mapBytes = 64 * 1024 * 1024;

export interface DirectoryOptions {
  /** How often a watch looks by itself, in ms. Default 1000. */
  readonly pollMs?: number;
  /** Told why a publish was `failed` or `unknown`. */
  readonly onError?: (error: unknown) => void;
  /** The file system; a simulated one in tests. */
  readonly files?: FileSystem;
  /** Revisions that are kept, the newest included; fewer in tests. */
  readonly kept?: number;
}

/** What `link()` fails with only when it did nothing. */
const NOT_LINKED = new Set(['ENOENT', 'ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS', 'EMLINK', 'EXDEV']);

let temporaries = 0;

/** The revision that a temporary file is to become, or null. */
function temporaryNumber(name: string): number | null {
  const number = /^\.tmp-(\d+)-/.exec(name)?.[1];
  return number === undefined ? null : Number(number);
}

interface Listing {
  /** The numbers there are, ascending. */
  readonly numbers: readonly number[];
  readonly temporaries: readonly { readonly name: string; readonly revision: number }[];
}

/** `Metastore` in a folder; the first `publish` makes the folder when there is none. */
export class DirectoryMetastore implements Metastore {
  private readonly files: FileSystem;
  private readonly kept: number;
  private readonly watching: FolderWatch;
  /** The newest map read, so that an unchanged one is not read again. */
  private known: ClusterMap | null = null;
  private closed = false;

  constructor(
    readonly folder: string,
    private readonly options: DirectoryOptions = {},
  ) {
    this.files = options.files ?? nodeFiles;
    this.kept = options.kept ?? KEPT;
    this.watching = new FolderWatch(
      folder,
      options.pollMs ?? 1000,
      async () => (await this.list()).numbers.at(-1) ?? 0,
      mapNumber,
    );
  }

  async read(): Promise<ClusterMap | null> {
    try {
      let gone = 0;
      for (let attempt = 0; attempt < maxAttempts; attempt++) {
        const newest = (await this.list()).numbers.at(-1);
        if (newest === undefined) {
          if (await this.neverCollected()) return null;
          continue;
        }
        const map = await this.take(newest);
        if (map !== null) return map;
        // Removed since: there are newer ones. A number is never seen again once it is gone, but for a link to nothing.
        if (newest === gone) throw this.damaged(newest, 'is a dangling symbolic link');
        gone = newest;
      }
      throw new Error('no map found, or it was replaced during every read');
    } catch (error) {
      throw this.unavailable(error);
    }
  }

  async readFrom(revision: number): Promise<ClusterMap | null> {
    if (this.known !== null && this.known.revision >= revision) return this.known;
    try {
      const map = await this.take(revision);
      if (map !== null) return map;
    } catch (error) {
      throw this.unavailable(error);
    }
    return this.read();
  }

  /** That revision, seen by nobody before it is durable; null: it is not there any more. */
  private async take(revision: number): Promise<ClusterMap | null> {
    const { known } = this;
    if (known?.revision === revision) return (await this.isThere(revision)) ? known : null;
    const [map] = await Promise.all([this.open(revision), syncFolder(this.files, this.folder)]);
    if (map !== null && map.revision > (this.known?.revision ?? 0)) this.known = map;
    return map;
  }

  async publish(map: ClusterMap, expected: number): Promise<PublishOutcome> {
    const revision = expected + 1;
    let linked = false;
    let temporary: string | null = null;
    try {
      if (this.closed || map.revision !== revision)
        throw new Error(`revision ${map.revision} cannot follow revision ${expected}`);
      if (this.watching.seen > expected) return 'conflict'; // without asking the disk
      // Only a hint, which saves the loser of a race the work; `isNewest` is the check.
      if (((await this.list()).numbers.at(-1) ?? 0) !== expected) return 'conflict';
      if (expected === 0) await this.makeFolder();
      temporary = this.temporaryFor(revision);
      await writeNewDurably(this.files, temporary, encodeMap(map));
      if (this.watching.seen > expected || !(await this.isNewest(expected))) return 'conflict';
      try {
        await this.files.link(temporary, this.path(revision));
      } catch (error) {
        // ENOENT: a collector took the temporary file, so the number has been there and is gone.
        if (codeOf(error) === 'EEXIST' || codeOf(error) === 'ENOENT') return 'conflict';
        linked = !NOT_LINKED.has(codeOf(error)); // anything else might have linked it
        throw error;
      }
      linked = true;
      await syncFolder(this.files, this.folder);
      // A failure is harmless: the next publisher tries again.
      await this.collect(revision - this.kept).catch(() => {});
      return 'ok';
    } catch (error) {
      this.options.onError?.(error);
      return linked ? 'unknown' : 'failed';
    } finally {
      if (temporary !== null) await this.files.unlink(temporary).catch(() => {});
    }
  }

  /**
   * Puts a map in place that is newer than all in the folder, whatever revisions lie between: a copy, or what was lost when the
   * folder was put back to an older set. No compare-and-set. Rejects when it may not be there durably.
   */
  async restore(map: ClusterMap): Promise<void> {
    const { revision } = map;
    await this.makeFolder();
    const temporary = this.temporaryFor(revision);
    try {
      await writeNewDurably(this.files, temporary, encodeMap(map));
      await this.files.link(temporary, this.path(revision)).catch((error: unknown) => {
        if (codeOf(error) !== 'EEXIST') throw error;
      });
      await syncFolder(this.files, this.folder);
    } finally {
      await this.files.unlink(temporary).catch(() => {});
    }
    await this.collect(revision - this.kept).catch(() => {});
  }

  watch(from: number, changed: (revision: number) => void): () => void {
    return this.watching.add(from, changed);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.watching.close();
  }

  private path(revision: number): string {
    return join(this.folder, mapFileName(revision));
  }

  private temporaryFor(revision: number): string {
    const number = String(revision).padStart(10, '0');
    return join(this.folder, `.tmp-${number}-${process.pid}-${Date.now()}-${++temporaries}`);
  }

  private made = false;

  private async makeFolder(): Promise<void> {
    if (this.made && (await this.exists(this.folder))) return;
    await this.files.mkdir(this.folder).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
    // Also when another made it, who may have died before this.
    await syncFolder(this.files, dirname(this.folder));
    this.made = true;
  }

  /** Step 2 of a publisher: was this the newest revision at some moment since the call? 0: was there none? */
  private async isNewest(revision: number): Promise<boolean> {
    const newest = (await this.list()).numbers.at(-1) ?? 0;
    if (newest !== revision) return false;
    return revision === 0 ? this.neverCollected() : this.isThere(revision);
  }

  private isThere(revision: number): Promise<boolean> {
    return this.exists(this.path(revision));
  }

  private async neverCollected(): Promise<boolean> {
    return !(await this.exists(join(this.folder, COLLECTED)));
  }

  private async exists(path: string): Promise<boolean> {
    try {
      await this.files.stat(path);
      return true;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
  }

  private async list(): Promise<Listing> {
    const names = await this.files.readdir(this.folder).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    });
    const numbers: number[] = [];
    const temporaries: { name: string; revision: number }[] = [];
    for (const name of names) {
      const number = mapNumber(name);
      if (number !== null) numbers.push(number);
      const revision = temporaryNumber(name);
      if (revision !== null) temporaries.push({ name, revision });
    }
    return { numbers: numbers.sort((a, b) => a - b), temporaries };
  }

  private async open(revision: number): Promise<ClusterMap | null> {
    const text = await readWhole(this.files, this.path(revision), mapBytes);
    if (text === null) return null;
    const map = decodeMap(text);
    if (map === null || map.revision !== revision) throw this.damaged(revision, 'is damaged');
    return map;
  }

  /** Removes the numbers up to `last`, in the order that the head of this file demands. Rejects when it could not. */
  private async collect(last: number): Promise<void> {
    if (last < 1) return;
    await this.leaveTrace();
    const { numbers, temporaries } = await this.list();
    const remove = (name: string): Promise<void> =>
      this.files.unlink(join(this.folder, name)).catch((error: unknown) => {
        if (codeOf(error) !== 'ENOENT') throw error;
      });
    // Also those of processes that were killed.
    await Promise.all(temporaries.filter((t) => t.revision <= last).map((t) => remove(t.name)));
    for (const number of numbers) if (number <= last) await remove(mapFileName(number));
  }

  private traced = false;

  private async leaveTrace(): Promise<void> {
    if (this.traced) return;
    const path = join(this.folder, COLLECTED);
    if (!(await this.exists(path))) {
      await writeNewDurably(this.files, path, 'Older cluster maps were removed from this folder.\n').catch(
        (error: unknown) => {
          if (codeOf(error) !== 'EEXIST') throw error;
        },
      );
    }
    await syncFolder(this.files, this.folder);
    this.traced = true;
  }

  private damaged(revision: number, how: string): MusterError {
    const path = this.path(revision);
    return new MusterError('metastore-unavailable', `cluster map ${path} ${how}`, { details: { path } });
  }

  private unavailable(cause: unknown): MusterError {
    if (cause instanceof MusterError) return cause;
    const message = `cannot read the cluster map folder ${this.folder}: ${(cause as Error).message}`;
    return new MusterError('metastore-unavailable', message, { details: { path: this.folder }, cause });
  }
}
