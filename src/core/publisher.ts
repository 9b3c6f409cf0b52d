import { applyChange, isEmpty, type MapChange } from './map/changes.js';
import type { ClusterMap, PartitionConfig } from './map/types.js';
import type { Rules } from './rules.js';

/** `unknown`: it may take effect, now or later; read to find out. `failed`: it certainly never will. */
export type PublishOutcome = 'ok' | 'conflict' | 'unknown' | 'failed';

interface Flight {
  readonly map: ClusterMap;
  readonly expected: number;
  readonly asking: ReadonlyMap<number, PartitionConfig>;
  /**
   * `sent`: its outcome has not come. `open`: only a newer revision in hand settles it (outcome unknown, or a
   * conflict, which for an attempt repeated may be with its own first try). `repeat`: to be sent once more.
   */
  state: 'sent' | 'open' | 'repeat';
  /** An earlier attempt may still take effect, so a failure of this one says nothing. */
  doubtful: boolean;
  /** Reads begun before the outcome came prove nothing. */
  readsBefore: number;
}

const nobody: ReadonlyMap<number, PartitionConfig> = new Map();

/** One publish at a time: from the moment it is handed out until its fate is certain (R6). */
export class Publisher {
  #flight: Flight | null = null;
  /** Ticks to sit out after a failure. */
  #pause = 0;
  #failures = 0;
  /** Only for the variant that repeats a promotion without looking at the newer map. */
  #stubborn = new Map<number, PartitionConfig>();
  readonly #rules: Rules;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  get idle(): boolean {
    return this.#flight === null;
  }

  get asking(): ReadonlyMap<number, PartitionConfig> {
    return this.#flight?.asking ?? nobody;
  }

  /** Only a read of the metastore leads on. */
  get needsMap(): boolean {
    return this.#flight?.state === 'open';
  }

  tick(): void {
    if (this.#pause > 0) this.#pause--;
  }

  get mayStart(): boolean {
    return this.#flight === null && this.#pause === 0;
  }

  /** The publish under way, if it has to be sent once more. */
  repeat(): { map: ClusterMap; expected: number } | null {
    const flight = this.#flight;
    if (flight?.state !== 'repeat' || this.#pause > 0) return null;
    flight.state = 'sent';
    return { map: flight.map, expected: flight.expected };
  }

  start(map: ClusterMap, wanted: MapChange): { map: ClusterMap; expected: number } | null {
    let change = wanted;
    if (!this.#rules.promoteChecksEpoch && this.#stubborn.size > 0) {
      const partitions = new Map(wanted.partitions);
      for (const [p, config] of this.#stubborn) partitions.set(p, config);
      this.#stubborn = new Map();
      change = { ...wanted, partitions };
    }
    if (isEmpty(change)) return null;
    this.#flight = {
      map: applyChange(map, change),
      expected: map.revision,
      asking: change.partitions,
      state: 'sent',
      doubtful: false,
      readsBefore: 0,
    };
    return { map: this.#flight.map, expected: map.revision };
  }

  /** The outcome came; `reads` is the number of reads begun so far. Gives the map that was published, when it was. */
  ended(outcome: PublishOutcome, revisionInHand: number, reads: number): ClusterMap | null {
    const flight = this.#flight;
    if (flight === null) return null;
    if (outcome === 'ok') {
      this.#flight = null;
      this.#failures = 0;
      return flight.map;
    }
    if (outcome === 'failed') {
      this.#failures = Math.min(this.#failures + 1, 5);
      this.#pause = 2 ** this.#failures;
    }
    if (outcome === 'failed' && (!flight.doubtful || !this.#rules.failureKeepsDoubt)) {
      this.#flight = null;
      return null;
    }
    if (outcome === 'conflict' && !this.#rules.promoteChecksEpoch) {
      for (const [p, config] of flight.asking) this.#stubborn.set(p, config);
    }
    flight.state = 'open';
    flight.doubtful = true;
    flight.readsBefore = reads;
    this.sawMap(revisionInHand, null);
    return null;
  }

  /**
   * A map of this revision is in hand; `read` numbers the read of the metastore that gave it, null when it came otherwise.
   * A revision past the one expected settles the publish: the compare-and-set can no longer take effect, and the map says
   * whether it did. A read begun since that still shows the revision expected means that it has to be sent again.
   */
  sawMap(revision: number, read: number | null): void {
    const flight = this.#flight;
    if (flight?.state !== 'open') return;
    if (revision > flight.expected) this.#flight = null;
    else if (read !== null && read > flight.readsBefore) {
      if (this.#rules.oldReadKeepsDoubt) flight.state = 'repeat';
      else this.#flight = null;
    }
  }
}
