import type { ClusterMap } from '../core/map/types.js';
import { MusterError } from '../errors.js';
import type { Metastore, PublishOutcome } from './contract.js';

/** The maps that several `MemoryMetastore`s share, as processes share a folder. */
export class MemoryMaps {
  /** Stored as JSON, so that no caller can change a published map. */
  text: string | null = null;
  revision = 0;
  /** While set, reads reject and publishes fail. */
  down = false;
  readonly listeners = new Set<() => void>();
}

/** `Metastore` in memory. */
export class MemoryMetastore implements Metastore {
  private readonly watches = new Set<() => void>();
  private closed = false;

  constructor(private readonly maps: MemoryMaps = new MemoryMaps()) {}

  async read(): Promise<ClusterMap | null> {
    if (this.maps.down) throw new MusterError('metastore-unavailable', 'metastore is down');
    return this.maps.text === null ? null : (JSON.parse(this.maps.text) as ClusterMap);
  }

  readFrom(): Promise<ClusterMap | null> {
    return this.read();
  }

  async publish(map: ClusterMap, expected: number): Promise<PublishOutcome> {
    const { maps } = this;
    if (this.closed || maps.down || map.revision !== expected + 1) return 'failed';
    if (maps.revision !== expected) return 'conflict';
    maps.text = JSON.stringify(map);
    maps.revision = map.revision;
    for (const listener of [...maps.listeners]) listener();
    return 'ok';
  }

  watch(from: number, changed: (revision: number) => void): () => void {
    const { maps } = this;
    let seen = from;
    let ended = false;
    const look = (): void => {
      queueMicrotask(() => {
        if (ended || maps.revision <= seen) return;
        seen = maps.revision;
        changed(seen);
      });
    };
    const end = (): void => {
      ended = true;
      maps.listeners.delete(look);
      this.watches.delete(end);
    };
    maps.listeners.add(look);
    this.watches.add(end);
    look();
    return end;
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const end of [...this.watches]) end();
  }
}
