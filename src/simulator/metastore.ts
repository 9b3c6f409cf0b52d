import type { ClusterMap, NodeId } from '../core/map/types.js';
import type { PublishOutcome } from '../core/publisher.js';
import type { Random } from '../core/random.js';
import { MusterError } from '../errors.js';
import type { Metastore } from '../metastore/contract.js';
import { decodeMap, encodeMap } from '../metastore/map-file.js';
import type { Gate } from './gate.js';
import type { MetastoreFaults } from './metastore-faults.js';
import type { EventQueue } from './queue.js';
import type { RareState } from './rare-states.js';

/** The metastore: linearizable, with compare-and-set, and unreliable in every way a real one can be. */
export class SimMetastore {
  map: ClusterMap;
  down = false;
  /** Nodes that cannot reach it. */
  readonly blind = new Set<NodeId>();
  faults: MetastoreFaults;
  /** Maps that may still be published. */
  readonly underWay = new Set<ClusterMap>();
  /** The cluster was made by version 0.1, whose first map knew less. */
  oldFormat = false;
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #published: (map: ClusterMap) => void;
  readonly #met: (state: RareState) => void;

  constructor(
    map: ClusterMap,
    queue: EventQueue,
    random: Random,
    faults: MetastoreFaults,
    published: (map: ClusterMap) => void,
    met: (state: RareState) => void,
  ) {
    this.map = map;
    this.#queue = queue;
    this.#random = random;
    this.faults = faults;
    this.#published = published;
    this.#met = met;
  }

  /** The file of a map. */
  fileOf(map: ClusterMap): string {
    if (!this.oldFormat || map.revision > 1) return encodeMap(map);
    const { placement: _, ...old } = map;
    const members = Object.entries(map.members).map(
      ([id, { state: __, ...member }]) => [id, member] as const,
    );
    const partitions = map.partitions.map(({ placed: __, handover: ___, ...config }) => config);
    return encodeMap({ ...old, members: Object.fromEntries(members), partitions } as unknown as ClusterMap);
  }

  #delay(): number {
    return this.#random.chance(0.05) ? this.#random.between(20, 400) : this.#random.between(0.2, 4);
  }

  /** `by`: the node that asks; null: somebody else. */
  publish(
    by: NodeId | null,
    map: ClusterMap,
    expected: number,
    done: (outcome: PublishOutcome) => void,
  ): void {
    const random = this.#random;
    const { fail, lost, timeoutAfter, late } = this.faults;
    this.underWay.add(map);
    const attempt = (): PublishOutcome => {
      this.underWay.delete(map);
      if (this.map.revision !== expected) return 'conflict';
      this.map = map;
      this.#published(map);
      return 'ok';
    };
    const never = (outcome: PublishOutcome): void => {
      this.underWay.delete(map);
      later(() => outcome);
    };
    const later = (outcome: () => PublishOutcome): void =>
      this.#queue.after(this.#delay(), () => this.#queue.after(this.#delay() / 2, () => done(outcome())));
    if (this.down || this.#isBlind(by) || random.chance(fail)) never('failed');
    else if (random.chance(lost)) never('unknown');
    else if (random.chance(late)) {
      this.#queue.after(random.between(50, 3000), () =>
        this.#met(attempt() === 'ok' ? 'late publish applied' : 'late publish refused'),
      );
      later(() => 'unknown');
    } else {
      const forget = random.chance(timeoutAfter);
      this.#queue.after(this.#delay(), () => {
        const outcome = attempt();
        this.#queue.after(this.#delay(), () => done(forget ? 'unknown' : outcome));
      });
    }
  }

  #isBlind(node: NodeId | null): boolean {
    return node !== null && this.blind.has(node);
  }

  read(by: NodeId | null, done: (map: ClusterMap | null) => void): void {
    const fails = this.down || this.#isBlind(by) || this.#random.chance(this.faults.readFail);
    this.#queue.after(this.#delay(), () => {
      const { map } = this;
      this.#queue.after(this.#delay(), () => done(fails ? null : map));
    });
  }
}

export interface MetastoreClientOptions {
  readonly store: SimMetastore;
  readonly gate: Gate;
  /** As who it asks now; null: as nobody that can be cut off. */
  readonly reader: () => NodeId | null;
  readonly published?: (map: ClusterMap, outcome: PublishOutcome) => void;
}

/** The metastore as one process has it. */
export class SimMetastoreClient implements Metastore {
  readonly #options: MetastoreClientOptions;
  #changed: ((revision: number) => void) | null = null;

  constructor(options: MetastoreClientOptions) {
    this.#options = options;
  }

  read(): Promise<ClusterMap | null> {
    const { store, gate, reader } = this.#options;
    return new Promise((resolve, reject) => {
      if (!gate.alive) return;
      store.read(reader(), (map) =>
        gate.run('metastore', () => {
          // By way of its file, as in production.
          if (map !== null) resolve(decodeMap(store.fileOf(map)));
          else reject(new MusterError('metastore-unavailable', 'the cluster map could not be read'));
        }),
      );
    });
  }

  readFrom(): Promise<ClusterMap | null> {
    return this.read();
  }

  publish(map: ClusterMap, expected: number): Promise<PublishOutcome> {
    const { store, gate, reader, published } = this.#options;
    return new Promise((resolve) => {
      // One that was killed in the same turn asks for nothing any more.
      if (!gate.alive) return;
      store.publish(reader(), map, expected, (outcome) =>
        gate.run('metastore', () => {
          published?.(map, outcome);
          resolve(outcome);
        }),
      );
    });
  }

  watch(_from: number, changed: (revision: number) => void): () => void {
    this.#changed = changed;
    return () => {
      this.#changed = null;
    };
  }

  /** Tells the watch of a revision. */
  tell(revision: number): void {
    this.#options.gate.run('metastore', () => this.#changed?.(revision));
  }

  async close(): Promise<void> {}
}
