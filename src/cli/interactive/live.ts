import type { MusterClient } from '../../client/api.js';
import { openClient } from '../../client/open.js';
import { findCluster } from '../../cluster/folder/registry.js';
import { clusterStatus } from '../../cluster/observe/status.js';
import type { MusterError } from '../../errors.js';
import type { Paint } from '../../render/terminal.js';
import type { LiveLines } from '../prompts/menu.js';
import { headerLines } from './header.js';
import type { Situation } from './situation.js';

const everyMs = 1000;

/** Polls a cluster once a second, and notifies listeners of changes. */
export class LiveCluster implements LiveLines {
  #now: Situation;
  #client: MusterClient | null = null;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  #closed = false;
  readonly #listeners = new Set<() => void>();

  constructor(
    readonly cluster: string,
    readonly paint: Paint,
    readonly unicode: boolean,
  ) {
    this.#now = { cluster, status: null, problem: null, inDoubt: 0 };
  }

  get now(): Situation {
    return this.#now;
  }

  lines(columns: number): readonly string[] {
    return headerLines(this.#now, { columns, paint: this.paint, unicode: this.unicode });
  }

  subscribe(changed: () => void): () => void {
    this.#listeners.add(changed);
    this.#schedule();
    return () => {
      this.#listeners.delete(changed);
    };
  }

  /** Polls now. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#looking;
    await this.#client?.close().catch(() => {});
  }

  /** Schedules the next poll; only while there are listeners. */
  #schedule(): void {
    if (this.#timer || this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#listeners.size === 0) return;
      void this.look().then(() => this.#schedule());
    }, everyMs);
  }

  async #look(): Promise<void> {
    const before = JSON.stringify(this.#now);
    try {
      const found = findCluster(this.cluster);
      this.#client ??= await openClient({ clusterDir: found.dir, timeoutMs: everyMs });
      const status = await clusterStatus(found, this.#client, everyMs);
      const inDoubt = status.nodes.some((node) => node.reachable)
        ? await this.#client.tx.list({ timeoutMs: everyMs }).then(
            (list) => new Set(list.filter(({ state }) => state === 'in-doubt').map(({ id }) => id)).size,
            () => this.#now.inDoubt,
          )
        : 0;
      this.#now = { cluster: this.cluster, status, problem: null, inDoubt };
    } catch (error) {
      // It may have been destroyed: a new cluster of the same name is a different one.
      await this.#client?.close().catch(() => {});
      this.#client = null;
      this.#now = {
        cluster: this.cluster,
        status: null,
        problem: (error as MusterError).message,
        inDoubt: 0,
      };
    }
    if (JSON.stringify(this.#now) !== before) for (const changed of this.#listeners) changed();
  }
}
