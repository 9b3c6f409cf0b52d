import { limits } from '../limits.js';
import type { Liveness } from './liveness.js';
import { membersWanted } from './map/caretaking.js';
import { type MapChange, noChange, withProcess } from './map/changes.js';
import { type ClusterMap, nodeOf, type PartitionConfig } from './map/types.js';
import type { NodeView } from './node-view.js';
import { Publisher, type PublishOutcome } from './publisher.js';
import type { Replica } from './replication/replica.js';

/** How often a node looks whether the members ought to change, in ms. */
const caretakeMs = 250;

export interface Publish {
  readonly map: ClusterMap;
  readonly expected: number;
}

/** The change, and what it says of the progress of the placement under way. */
function withProgress(
  map: ClusterMap,
  change: MapChange,
  replica: (p: number) => Replica | undefined,
): MapChange {
  const placement = change.placement ?? map.placement;
  if (placement === null || change.partitions.size === 0) return change;
  let handovers = 0;
  const sent = new Map<string, number>();
  for (const [p, config] of change.partitions) {
    const before = map.partitions[p] as PartitionConfig;
    if (config.handover !== null && config.epoch > before.epoch) handovers++;
    for (const id of config.inSync) {
      if (!before.inSync.includes(id)) sent.set(`${p}/${nodeOf(id)}`, replica(p)?.lead?.copiedTo(id) ?? 0);
    }
  }
  let progress = handovers > 0;
  const copies = placement.copies.map((copy) => {
    const units = copy.sent === null ? sent.get(`${copy.p}/${copy.to}`) : undefined;
    if (units === undefined) return copy;
    progress = true;
    return { ...copy, sent: Math.round(units) };
  });
  if (!progress) return change;
  return { ...change, placement: { ...placement, copies, handovers: placement.handovers + handovers } };
}

/**
 * When a node publishes, and what: everything that its replicas and the member policy want at that moment, in one change of the map
 * (PROTOCOL.md R6; decisions 0002, 0019). What becomes of a publish is `Publisher`'s affair.
 */
export class PublishRound {
  readonly #publisher: Publisher;
  /** Something happened after which the map ought perhaps to change. */
  #reconsider = false;
  #caretakeAt: number;
  /** Changes that nobody waits for are gathered until then. */
  #gatherUntil = Number.NEGATIVE_INFINITY;
  /** After a new map all would speak up at once: who may, is drawn by lot. */
  #quietUntil = Number.NEGATIVE_INFINITY;
  readonly #node: NodeView;
  readonly #liveness: Liveness;
  readonly #url: string;

  /** `url`: where this node is reached, for the map. */
  constructor(node: NodeView, liveness: Liveness, url: string, now: number) {
    this.#node = node;
    this.#liveness = liveness;
    this.#url = url;
    this.#caretakeAt = now + caretakeMs;
    this.#publisher = new Publisher(node.rules);
  }

  reconsider(): void {
    this.#reconsider = true;
  }

  tick(): void {
    this.#publisher.tick();
  }

  /** Nothing is under way, and others are given the time to speak first. */
  get isQuiet(): boolean {
    return this.#publisher.mayStart && this.#node.now >= this.#quietUntil;
  }

  /** Nothing is under way. */
  get idle(): boolean {
    return this.#publisher.idle;
  }

  /** Only a read of the metastore leads on. */
  get needsMap(): boolean {
    return this.#publisher.needsMap;
  }

  /** A newer map is in hand. */
  adopted(): void {
    this.#quietUntil = this.#node.now + (limits.gatherMs / 2) * this.#node.random();
  }

  /** A map of this revision is in hand; see `Publisher.sawMap`. */
  sawMap(read: number | null): void {
    this.#publisher.sawMap(this.#node.revision, read);
  }

  /** The outcome came. Gives the map that was published, when it was. */
  ended(outcome: PublishOutcome): ClusterMap | null {
    return this.#publisher.ended(outcome, this.#node.revision, this.#node.reads);
  }

  /** Level-triggered: what ought to change is asked anew of every replica whenever a publish may start. */
  next(): Publish | null {
    const again = this.#publisher.repeat();
    if (again !== null) return again;
    const node = this.#node;
    if (!this.#reconsider || node.quiesced || !this.#publisher.mayStart) return null;
    this.#reconsider = false;
    const own = this.#registration();
    if (own === null) return null;
    const partitions = new Map<number, PartitionConfig>();
    let urgent = own.size > 0;
    for (const replica of node.replicas.values()) {
      const wanted = replica.wants();
      if (wanted === null) {
        // Its clients wait: it shall not have to wait for this publish to end.
        if (replica.lead?.draining === true) return null;
        continue;
      }
      partitions.set(replica.p, wanted);
      urgent ||= this.#isUrgent(wanted, replica.config);
    }
    let change: MapChange = { ...noChange, members: own, partitions };
    const members = own.size === 0 ? this.#memberChange() : null;
    if (members !== null) {
      change = { ...members, partitions };
      urgent = true;
    }
    // Each publish makes every node read the map, and many at a time get into each other's way.
    if (!urgent && node.now < Math.max(this.#gatherUntil, this.#quietUntil)) return null;
    return this.#start(change);
  }

  #start(change: MapChange): Publish | null {
    const node = this.#node;
    const { map } = node;
    const publish = this.#publisher.start(
      map,
      withProgress(map, change, (p) => node.replicas.get(p)),
    );
    if (publish === null) return null;
    this.#gatherUntil = node.now + limits.gatherMs * (0.5 + node.random());
    for (const [p, config] of this.#publisher.asking) node.replicas.get(p)?.asked(config);
    return publish;
  }

  /** The member record of this process, when the map does not have it yet; null: this node is no member. */
  #registration(): MapChange['members'] | null {
    const { node, store, incarnation, map, registered } = this.#node;
    const mine = map.members[node];
    if (mine === undefined) return null;
    if (registered) return noChange.members;
    return new Map([[node, withProcess(map, mine, { store, incarnation, url: this.#url })]]);
  }

  /** What the members ought to be, when it is time to look. */
  #memberChange(): MapChange | null {
    const node = this.#node;
    if (node.now < this.#caretakeAt) return null;
    this.#caretakeAt = node.now + caretakeMs * (1 + node.random());
    const id = `${node.node}.${node.incarnation}.${node.reads}`;
    return membersWanted(node.map, node.node, this.#liveness, id, node.rules.judgedByMany);
  }

  /** Does somebody wait for this change, or may it go along with the next few? */
  #isUrgent(wanted: PartitionConfig, now: PartitionConfig): boolean {
    if (wanted.epoch > now.epoch || now.inSync.length < this.#node.map.settings.replicas) return true;
    // One that fell silent holds up every write until it is out.
    return now.inSync.some((r) => now.target.includes(nodeOf(r)) && !wanted.inSync.includes(r));
  }
}
