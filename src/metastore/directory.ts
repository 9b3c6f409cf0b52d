/**
 * The cluster map as numbered files in one folder: `0000000007.json` is revision 7, the newest number wins.
 * Publishing is put-if-absent: write a temporary file, fsync it, `link()` it to its number, fsync the folder; EEXIST is the
 * conflict. No daemon and no lock, so a process killed or stopped anywhere blocks nobody, and a numbered file is always whole.
 * For processes of one machine on a local file system.
 *
 * **Old numbers** more than `KEPT` behind the newest are removed. A publisher that slept for that long might then link a
 * number that was taken once and removed. So after linking it looks again:
 * - the newest number is less than its own + KEPT: a number is removed only by someone who saw one KEPT above it,
 *   and numbers never go down, so ours was never removed, so the link was the first at it: **ok**. Higher numbers may well be
 *   there already: others built on ours. (Calling that lost would call an applied publish a conflict.)
 * - otherwise it cannot tell whether it was first and then slept, or late: **unknown**. No reader takes a file that low for the
 *   newest, so a late one has no effect; whoever gets `unknown` reads back and sees a revision past its own.
 *
 * **Durable before seen.** A reader that meets a new revision fsyncs the folder before it gives it out, so nobody acts on a
 * map that a power failure could still take back.
 */
import * as fs from 'node:fs';
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
/** Temporary files of dead processes go after this long, in ms; any after the second. */
const STALE_MS = 10 * 60_000;
const ANCIENT_MS = 24 * 3_600_000;

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
      async () => (await this.numbers()).at(-1) ?? 0,
      mapNumber,
    );
  }

  async read(): Promise<ClusterMap | null> {
    try {
      for (;;) {
        const newest = (await this.numbers()).at(-1);
        if (newest === undefined) return null;
        if (newest === this.known?.revision) return this.known;
        const map = await this.take(newest);
        if (map === null) continue; // removed since: there are newer ones
        return this.keep(map);
      }
    } catch (error) {
      throw this.unavailable(error);
    }
  }

  async readFrom(revision: number): Promise<ClusterMap | null> {
    if (this.known !== null && this.known.revision >= revision) return this.known;
    try {
      const [numbers, map] = await Promise.all([this.numbers(), this.take(revision)]);
      // Far behind, it may be the file of a publisher that came too late.
      if (map !== null && (numbers.at(-1) ?? 0) < revision + this.kept) {
        return this.keep(map);
      }
    } catch (error) {
      throw this.unavailable(error);
    }
    return this.read();
  }

  private keep(map: ClusterMap): ClusterMap {
    if (map.revision > (this.known?.revision ?? 0)) this.known = map;
    return map;
  }

  /** That revision, seen by nobody before it is durable; null: it is not there. */
  private async take(revision: number): Promise<ClusterMap | null> {
    const [map] = await Promise.all([this.readNumber(revision), syncFolder(this.files, this.folder)]);
    return map;
  }

  async publish(map: ClusterMap, expected: number): Promise<PublishOutcome> {
    const revision = expected + 1;
    let linked = false;
    let temporary: string | null = null;
    try {
      if (this.closed || map.revision !== revision)
        throw new Error(`revision ${map.revision} cannot follow ${expected}`);
      if (expected === 0) {
        await this.files.mkdir(this.folder).catch((error: unknown) => {
          if (codeOf(error) !== 'EEXIST') throw error;
        });
        await syncFolder(this.files, dirname(this.folder));
      }
      if (this.watching.seen > expected) return 'conflict'; // without asking the disk
      const before = await this.numbers();
      if ((before.at(-1) ?? 0) !== expected) return 'conflict';
      temporary = join(this.folder, `.tmp-${process.pid}-${Date.now()}-${++temporaries}`);
      await writeNewDurably(this.files, temporary, encodeMap(map));
      if (this.watching.seen > expected) return 'conflict';
      try {
        await this.files.link(temporary, this.path(revision));
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return 'conflict';
        linked = !NOT_LINKED.has(codeOf(error)); // anything else might have linked it
        throw error;
      }
      linked = true;
      const [numbers] = await Promise.all([this.numbers(), syncFolder(this.files, this.folder)]);
      if ((numbers.at(-1) ?? 0) >= revision + this.kept) return 'unknown';
      await this.collect(numbers);
      return 'ok';
    } catch (error) {
      this.options.onError?.(error);
      return linked ? 'unknown' : 'failed';
    } finally {
      if (temporary !== null) await this.files.unlink(temporary).catch(() => {});
    }
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

  /** The numbers there are, ascending. */
  private async numbers(): Promise<number[]> {
    try {
      const names = await this.files.readdir(this.folder);
      return names
        .map(mapNumber)
        .filter((n) => n !== null)
        .sort((a, b) => a - b);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  }

  private async readNumber(revision: number): Promise<ClusterMap | null> {
    const path = this.path(revision);
    const text = await readWhole(this.files, path);
    if (text === null) return null;
    const map = decodeMap(text);
    if (map === null || map.revision !== revision) {
      throw new MusterError('metastore-unavailable', `the cluster map ${path} is damaged`, {
        details: { path },
      });
    }
    return map;
  }

  /** Removes what is far behind; a failure is no one's problem, the next publisher tries again. */
  private async collect(numbers: readonly number[]): Promise<void> {
    const newest = numbers.at(-1) ?? 0;
    const old = numbers.filter((n) => n <= newest - this.kept);
    await Promise.all(old.map((n) => this.files.unlink(this.path(n)).catch(() => {})));
    if (old.length > 0 || newest === 1) await this.collectTemporaries().catch(() => {});
  }

  /** Taking a slow publisher's temporary file away is safe: its `link()` fails, and so does its publish. */
  private async collectTemporaries(): Promise<void> {
    if (this.files !== nodeFiles) return;
    for (const name of await this.files.readdir(this.folder)) {
      const pid = /^\.tmp-(\d+)-/.exec(name)?.[1];
      if (pid === undefined) continue;
      const path = join(this.folder, name);
      const age = Date.now() - (await fs.promises.stat(path)).mtimeMs;
      if (age > ANCIENT_MS || (age > STALE_MS && !alive(Number(pid))))
        await fs.promises.rm(path, { force: true });
    }
  }

  private unavailable(cause: unknown): MusterError {
    if (cause instanceof MusterError) return cause;
    const message = `the folder of the cluster map, ${this.folder}, cannot be read: ${(cause as Error).message}`;
    return new MusterError('metastore-unavailable', message, { details: { path: this.folder }, cause });
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}
