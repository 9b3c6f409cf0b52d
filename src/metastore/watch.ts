import * as fs from 'node:fs';

interface Watcher {
  seen: number;
  readonly changed: (revision: number) => void;
}

/**
 * Tells watchers of newer revisions: at once when the system reports a new file in the folder, and by looking every
 * `pollMs` in any case (such reports may be missing, and the folder may not exist yet). Runs only while someone watches.
 */
export class FolderWatch {
  private readonly watchers = new Set<Watcher>();
  private system: fs.FSWatcher | null = null;
  private timer: NodeJS.Timeout | null = null;
  /** The newest revision known to be there. */
  seen = 0;
  private looking = false;
  private again = false;

  constructor(
    private readonly folder: string,
    private readonly pollMs: number,
    private readonly newest: () => Promise<number>,
    /** The revision that a file of this name holds; null: it is none. */
    private readonly revisionOf: (name: string) => number | null,
  ) {}

  add(from: number, changed: (revision: number) => void): () => void {
    const watcher: Watcher = { seen: from, changed };
    this.watchers.add(watcher);
    this.timer ??= setInterval(() => this.poll(), this.pollMs);
    this.poll();
    return () => {
      this.watchers.delete(watcher);
      if (this.watchers.size === 0) this.close();
    };
  }

  close(): void {
    this.watchers.clear();
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    this.system?.close();
    this.system = null;
  }

  private poll(): void {
    this.listen();
    void this.look();
  }

  private listen(): void {
    if (this.system !== null) return;
    try {
      const system = fs.watch(this.folder, { persistent: false }, (_, name) => this.changed(name));
      system.on('error', () => {
        system.close();
        if (this.system === system) this.system = null;
      });
      this.system = system;
    } catch {
      // No such folder yet, or no watches left: polling does it.
    }
  }

  /** A publish changes the folder half a dozen times; only the name of the new revision is news. */
  private changed(name: string | null): void {
    const revision = name === null ? null : this.revisionOf(name);
    if (revision !== null) this.tell(revision);
    else if (name === null) void this.look();
  }

  private tell(revision: number): void {
    this.seen = Math.max(this.seen, revision);
    for (const watcher of [...this.watchers]) {
      if (revision <= watcher.seen || !this.watchers.has(watcher)) continue;
      watcher.seen = revision;
      watcher.changed(revision);
    }
  }

  private async look(): Promise<void> {
    if (this.looking) {
      this.again = true;
      return;
    }
    this.looking = true;
    try {
      do {
        this.again = false;
        this.tell(await this.newest());
      } while (this.again);
    } catch {
      // A change notification may be missed; the next read reports the error.
    } finally {
      this.looking = false;
    }
  }
}
