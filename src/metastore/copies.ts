/**
 * The copies of the newest cluster map that nodes keep, each in its own folder. A node acts on no map before its copy of it is
 * durable. So a map folder that was put back to an older set is noticed for certain, also after a restart of everything, and the newest map
 * can be had back. Nothing is ever served on a map older than a copy.
 */
import { readdir } from 'node:fs/promises';
import type { ClusterMap } from '../core/map/types.js';
import { MusterError } from '../errors.js';
import { codeOf } from '../files/contract.js';
import type { Metastore, PublishOutcome } from './contract.js';
import { DirectoryMetastore } from './directory.js';
import { mapNumber } from './map-file.js';

/** The newest revision in these folders of maps, by the names alone; 0 when there is none. Rejects with `metastore-unavailable`. */
export async function newestCopy(folders: readonly string[]): Promise<number> {
  const revisions = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(folder).catch((cause: Error) => {
        if (codeOf(cause) === 'ENOENT') return [];
        throw new MusterError('metastore-unavailable', `cannot read ${folder}: ${cause.message}`, {
          details: { path: folder },
          cause,
        });
      });
      return Math.max(0, ...names.map((name) => mapNumber(name) ?? 0));
    }),
  );
  return Math.max(0, ...revisions);
}

/** The error for a map folder whose newest revision is older than what nodes have acted on. */
export function rolledBack(folder: string, found: number, known: number, cluster: string): MusterError {
  const message =
    `cluster map in ${folder} was ${found === 0 ? 'removed' : 'rolled back'}: ` +
    `${found === 0 ? 'no revision found' : `its newest revision is ${found}`}, nodes have already used revision ${known}`;
  return new MusterError('metastore-rolled-back', message, {
    details: { path: folder, found, known, cluster },
  });
}

/** The folder that holds a node's copy: one map, the newest it was given. */
export const copyIn = (folder: string): DirectoryMetastore => new DirectoryMetastore(folder, { kept: 1 });

export interface CopyOptions {
  /** Where this node's copy is kept. */
  readonly copy: string;
  /** The folders of all copies that can be seen from here. */
  readonly copies: () => readonly string[];
  readonly cluster: string;
  /** Told when the folder is found older than the copy, and null when it is as new again. */
  readonly changed: (error: MusterError | null) => void;
}

/**
 * A node's metastore: gives out no newer map before the node's copy of it is durable. An older map than the copy is still given out, for
 * the core has to see it to stop serving (PROTOCOL R13).
 */
export class CopyingMetastore implements Metastore {
  readonly #inner: DirectoryMetastore;
  readonly #options: CopyOptions;
  readonly #copy: DirectoryMetastore;
  #known = 0;
  #older = false;

  constructor(inner: DirectoryMetastore, options: CopyOptions) {
    this.#inner = inner;
    this.#options = options;
    this.#copy = copyIn(options.copy);
  }

  /**
   * The map to start with. Rejects with `metastore-rolled-back` when any node has acted on a newer one: this node may have been
   * down then, and could not know.
   */
  async first(): Promise<ClusterMap | null> {
    // Before the map is read: a copy made since may well be newer.
    const known = await newestCopy([this.#options.copy, ...this.#options.copies()]);
    const map = await this.#inner.read();
    const found = map?.revision ?? 0;
    if (found < known) throw rolledBack(this.#inner.folder, found, known, this.#options.cluster);
    if (map !== null) await this.#remember(map);
    return map;
  }

  async read(): Promise<ClusterMap | null> {
    const map = await this.#inner.read();
    if (map !== null) await this.#given(map);
    return map;
  }

  async readFrom(revision: number): Promise<ClusterMap | null> {
    const map = await this.#inner.readFrom(revision);
    if (map !== null && map.revision > this.#known) await this.#remember(map);
    return map;
  }

  async publish(map: ClusterMap, expected: number): Promise<PublishOutcome> {
    try {
      // A node that slept while the folder was put back knows nothing of it, and must not build on it.
      if ((await newestCopy(this.#options.copies())) > expected) return 'conflict';
    } catch {
      return 'failed';
    }
    const outcome = await this.#inner.publish(map, expected);
    if (outcome !== 'ok') return outcome;
    try {
      await this.#remember(map);
      return 'ok';
    } catch {
      return 'unknown'; // it is published, and must not be acted on before it is remembered
    }
  }

  watch(from: number, changed: (revision: number) => void): () => void {
    return this.#inner.watch(from, changed);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #given(map: ClusterMap): Promise<void> {
    const older = map.revision < this.#known;
    if (older !== this.#older) {
      this.#older = older;
      const { cluster, changed } = this.#options;
      changed(older ? rolledBack(this.#inner.folder, map.revision, this.#known, cluster) : null);
    }
    if (map.revision > this.#known) await this.#remember(map);
  }

  async #remember(map: ClusterMap): Promise<void> {
    if (map.revision <= this.#known) return;
    await this.#copy.restore(map).catch((cause: Error) => {
      const path = this.#options.copy;
      const message = `cannot write a copy of the cluster map to ${path}: ${cause.message}`;
      throw new MusterError('metastore-unavailable', message, { details: { path }, cause });
    });
    this.#known = Math.max(this.#known, map.revision);
  }
}
