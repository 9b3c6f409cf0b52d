import { describeCommand, describeConfig, describeResponse } from '../core/describe.js';
import { mismatch } from '../core/machine/digest.js';
import type { Command } from '../core/machine/types.js';
import type { ClusterMap, NodeId } from '../core/map/types.js';
import { nodeOf } from '../core/map/types.js';
import type { ClientRequest, ClientResponse } from '../core/messages.js';
import type { Ready } from '../core/node.js';
import type { Replica } from '../core/replication/replica.js';
import type { Disk } from './disk.js';
import { Hearing } from './hearing.js';
import type { NodeProcess } from './process.js';
import { type LoggedEntry, Proofs } from './proofs.js';

/** A promise of PROTOCOL.md section 9 that did not hold. */
export class Violation extends Error {
  constructor(
    readonly invariant: number,
    message: string,
  ) {
    super(`invariant ${invariant}: ${message}`);
  }
}

export interface Observed {
  /** The newest map published. */
  readonly map: ClusterMap;
  disk(node: NodeId): Disk;
  /** Every disk there ever was: one destroyed between its ack and the answer to the client did hold what it acked. */
  allDisks(): Iterable<Disk>;
}

/** Watches every step of every node, and asserts PROTOCOL.md section 9 while the simulation runs. */
export class Invariants {
  /** Who acted as primary, by partition and epoch. */
  readonly #actors = new Map<string, NodeProcess>();
  /** What stands at (partition, epoch, seq). */
  readonly #entries = new Map<string, string>();
  /** By partition: the epoch of the committed entry at each seq. */
  readonly #committed: Map<number, number>[] = [];
  readonly #lastCommit: number[] = [];
  readonly #digests = new Map<string, string>();
  /** Transactions whose clients were told that they are committed before that was decided, and those that are in a log as such, or as aborted. */
  readonly #answered = new Set<string>();
  readonly #decided = new Map<string, 'decide' | 'abort'>();
  #revision = 0;
  #before: ClusterMap | null = null;
  readonly #hearing = new Hearing();
  /** How much was looked at: a run in which nothing happened proves nothing. */
  readonly seen = {
    epochs: 0,
    commits: 0,
    acks: 0,
    digests: 0,
    snapshots: 0,
    handovers: 0,
    copies: 0,
    drops: 0,
    joined: 0,
    left: 0,
    out: 0,
  };
  readonly #proofs: Proofs;
  readonly #minInSync: number;
  readonly #quiet: boolean;
  readonly #world: Observed;

  constructor(world: Observed, partitions: number, minInSync: number, quiet: boolean) {
    this.#world = world;
    this.#quiet = quiet;
    this.#minInSync = minInSync;
    this.#proofs = new Proofs(partitions);
    for (let p = 0; p < partitions; p++) {
      this.#committed.push(new Map());
      this.#lastCommit.push(0);
    }
  }

  /** A message of `from` has arrived. */
  heard(by: NodeId, from: NodeId, now: number): void {
    this.#hearing.heard(by, from, now);
  }

  published(map: ClusterMap, now: number): void {
    if (map.revision <= this.#revision)
      throw new Violation(13, `revision ${map.revision} after ${this.#revision}`);
    this.#revision = map.revision;
    this.#neverShort(map);
    this.#outForMany(map, now);
    this.#countChanges(map);
    map.partitions.forEach((_, p) => {
      this.#inSyncHoldsCommitted(p);
    });
  }

  inspect(process: NodeProcess, ready: Ready): void {
    const { core } = process;
    for (const record of ready.write ?? []) {
      if (record.type === 'snapshot') {
        this.seen.snapshots++;
        this.#inSyncKeepsCommitted(process, record.partition, record.snapshot.seq + 1);
      }
      if (record.type === 'drop') {
        this.seen.drops++;
        this.#inSyncKeepsCopy(process, record.partition);
      }
      if (record.type === 'promise') this.#checkPromise(process, record.partition, record.epoch);
      if (record.type !== 'append') continue;
      const { entry, partition } = record;
      this.#inSyncKeepsCommitted(process, partition, entry.seq);
      const replica = core.replicas.get(partition);
      const key = `${partition}:${entry.epoch}:${entry.seq}`;
      const at = replica?.log.at(entry.seq);
      if (at !== entry) continue; // already overwritten in this very batch
      const text = `${replica?.log.epochAt(entry.seq - 1)}|${describeCommand(entry.command)}`;
      const known = this.#entries.get(key);
      if (known === undefined) {
        this.#entries.set(key, text);
        this.#proofs.logged(partition, entry);
      } else if (known !== text)
        throw new Violation(
          2,
          `two entries at p${partition} e${entry.epoch} #${entry.seq}: ${known} and ${text}`,
        );
    }
    for (const { message } of ready.send) {
      if (message.type === 'ack') this.#isOnDisk(process, message.acks);
      else if (message.type === 'tx-vote' && message.yes) this.#voteIsHeld(message.from, message.seq);
    }
    for (const replica of core.replicas.values()) {
      const { p, lead } = replica;
      if (lead !== null) {
        // Or it would hear an older primary after a restart.
        if (replica.promised < lead.epoch)
          throw new Violation(
            1,
            `${process.node} acts in p${p} e${lead.epoch}, it promised e${replica.promised}`,
          );
        const key = `${p}:${lead.epoch}`;
        const actor = this.#actors.get(key);
        if (actor === undefined) {
          this.#actors.set(key, process);
          this.seen.epochs++;
        } else if (actor !== process) {
          throw new Violation(1, `${actor.node} and ${process.node} both act in p${p} e${lead.epoch}`);
        }
      }
      this.#checkCommit(process, p);
    }
    for (const { p, seq } of ready.diverged)
      throw new Violation(10, `${process.node}: p${p} differs from its primary's copy at #${seq}`);
    for (const { step, tx } of ready.reached) {
      if (step !== 'answered') continue;
      this.#answered.add(tx);
      if (this.#decided.get(tx) === 'abort') throw this.#torn(tx);
    }
    for (const { response } of ready.reply) {
      if (
        response.ok &&
        response.type === 'write' &&
        response.result.ok &&
        response.result.version !== undefined
      )
        this.seen.acks++;
    }
  }

  /** Invariant 8, at each ack between replicas: what it speaks of is on this disk, the promise included. */
  #isOnDisk({ node, disk }: NodeProcess, acks: readonly number[]): void {
    for (let i = 0; i < acks.length; i += 4) {
      const [p, epoch, , match] = acks.slice(i, i + 4) as [number, number, number, number];
      if (disk.promised(p) < epoch)
        throw new Violation(8, `${node} acks p${p} in e${epoch}, its disk has promised e${disk.promised(p)}`);
      if (match > disk.tail(p))
        throw new Violation(8, `${node} acks #${match} of p${p}, its disk has #${disk.tail(p)}`);
    }
  }

  /** Invariant 8, at each vote: enough disks hold what was prepared. */
  #voteIsHeld(p: number, seq: number): void {
    const copies = this.#copies(p, seq);
    if (copies < this.#minInSync)
      throw new Violation(8, `a vote of p${p} #${seq} with ${copies} copies on disk`);
  }

  /** Invariants 3 and 4, at each write: whoever the map calls in sync rewrites nothing that is committed. */
  #inSyncKeepsCommitted(process: NodeProcess, p: number, from: number): void {
    const { node, store } = process.identity;
    const last = this.#lastCommit[p] as number;
    // A disk that lost the end of its log writes it anew.
    if (process.disk.damaged || process.disk.rewound) return;
    if (from > last || this.#world.map.partitions[p]?.inSync.includes(`${node}/${store}`) !== true) return;
    throw new Violation(
      3,
      `${node}/${store} is in sync in p${p} and rewrites its log from #${from}; committed is #${last}`,
    );
  }

  /** Invariant 16: nobody is put out whom more than half of the others hear. */
  #outForMany(map: ClusterMap, now: number): void {
    const before = this.#before;
    if (before === null) return;
    for (const [id, { state }] of Object.entries(map.members))
      if (state === 'out' && before.members[id]?.state === 'active' && this.#hearing.byMost(id, before, now))
        throw new Violation(16, `${id} is put out, and more than half of the others hear it`);
  }

  #countChanges(map: ClusterMap): void {
    const before = this.#before;
    this.#before = map;
    if (before === null) return;
    map.partitions.forEach((config, p) => {
      if (config.handover !== null && config.epoch > (before.partitions[p]?.epoch ?? 0))
        this.seen.handovers++;
    });
    const done = (m: ClusterMap): number => m.placement?.copies.filter((c) => c.sent !== null).length ?? 0;
    if (map.placement?.id === before.placement?.id) this.seen.copies += done(map) - done(before);
    for (const id of Object.keys(before.members)) if (map.members[id] === undefined) this.seen.left++;
    for (const [id, { state }] of Object.entries(map.members)) {
      const was = before.members[id]?.state;
      if (state === 'active' && was === 'joining') this.seen.joined++;
      if (state === 'out' && was === 'active') this.seen.out++;
    }
  }

  #inSyncKeepsCopy(process: NodeProcess, p: number): void {
    const { node, store } = process.identity;
    if (this.#world.map.partitions[p]?.inSync.includes(`${node}/${store}`) === true)
      throw new Violation(3, `${node}/${store} is in sync in p${p} and deletes its copy`);
  }

  /** Invariant 15: where nothing fails, no move ever leaves a partition with fewer replicas than it had. */
  #neverShort(map: ClusterMap): void {
    if (!this.#quiet) return;
    map.partitions.forEach((config, p) => {
      if (config.inSync.length < map.settings.replicas)
        throw new Violation(15, `p${p} has ${config.inSync.length} replicas: ${describeConfig(config)}`);
    });
  }

  #checkPromise(process: NodeProcess, p: number, epoch: number): void {
    const published = this.#world.map.partitions[p]?.epoch ?? 0;
    if (epoch > published)
      throw new Violation(13, `${process.node} promised p${p} e${epoch}, the map says e${published}`);
  }

  #checkCommit(process: NodeProcess, p: number): void {
    const replica = process.core.replicas.get(p);
    if (replica === undefined) return;
    const committed = this.#committed[p] as Map<number, number>;
    const last = this.#lastCommit[p] as number;
    const from = Math.max(replica.log.baseSeq + 1, replica.commit - 64);
    for (let seq = Math.min(Math.max(from, last + 1), replica.commit); seq <= replica.commit; seq++) {
      const epoch = replica.log.epochAt(seq);
      if (epoch === null) continue;
      const known = committed.get(seq);
      if (known === undefined) {
        committed.set(seq, epoch);
        this.seen.commits++;
        const command = replica.log.at(seq)?.command;
        this.#checkDecision(command);
        if (command?.type === 'stage') this.#checkStaged(replica, command);
      } else if (known !== epoch) {
        throw new Violation(
          5,
          `p${p} #${seq} is committed as e${known} and, at ${process.node}, as e${epoch}`,
        );
      }
    }
    if (replica.commit > last) {
      this.#lastCommit[p] = replica.commit;
      this.#inSyncHoldsCommitted(p);
    }
    this.#checkDigest(process, p);
  }

  /** Invariant 17: what a client was told to be committed is never aborted, by this coordinator or any later one. */
  #checkDecision(command: Command | undefined): void {
    if (command?.type !== 'decide' && command?.type !== 'abort') return;
    // An abort that comes when it is over does nothing.
    if (this.#decided.has(command.tx)) return;
    this.#decided.set(command.tx, command.type);
    if (command.type === 'abort' && this.#answered.has(command.tx)) throw this.#torn(command.tx);
  }

  /** Invariant 17: what is over is not staged once more. */
  #checkStaged({ machine }: Replica, { tx, session, n }: Extract<Command, { type: 'stage' }>): void {
    const known = machine.lookup(session, n, 0);
    if (known !== null && typeof known === 'object' && machine.rows.get('staged', tx) !== undefined)
      throw new Violation(17, `${tx} is staged, and its client has its result already`);
  }

  #torn(tx: string): Violation {
    return new Violation(17, `${tx} is aborted, and its client was told that it is committed`);
  }

  /** Equal state at equal seq; looked at now and then, for it costs. */
  #checkDigest(process: NodeProcess, p: number): void {
    const replica = process.core.replicas.get(p);
    if (replica === undefined || replica.commit === 0 || replica.commit % 4 !== 0) return;
    const key = `${p}:${replica.commit}`;
    const mark = `${process.node}:${process.identity.incarnation}:${key}`;
    if (this.#digestsSeen.has(mark)) return;
    this.#digestsSeen.add(mark);
    const snapshot = replica.machine.snapshot();
    const wrong = mismatch(snapshot.digest, snapshot);
    if (wrong !== null) throw new Violation(10, `the digest of p${p} at #${replica.commit}: ${wrong}`);
    const digest = JSON.stringify(snapshot);
    const known = this.#digests.get(key);
    if (known === undefined) this.#digests.set(key, digest);
    else {
      this.seen.digests++;
      if (known !== digest)
        throw new Violation(10, `state of p${p} at #${replica.commit} differs:\n  ${known}\n  ${digest}`);
    }
  }
  readonly #digestsSeen = new Set<string>();

  /** Invariants 3 and 8: what is committed is on the disk of every replica that the map calls in sync. */
  #inSyncHoldsCommitted(p: number): void {
    const config = this.#world.map.partitions[p];
    const last = this.#lastCommit[p] as number;
    if (config === undefined || last === 0) return;
    const epoch = this.#committed[p]?.get(last);
    for (const replica of config.inSync) {
      const disk = this.#world.disk(nodeOf(replica));
      // A wiped disk is another store: the replica the map names is lost, and nobody may take its place.
      if (disk.store !== replica.slice(replica.indexOf('/') + 1)) continue;
      // Its end is lost, and it knows; that it does not lead before it has it back shows in what is committed then.
      if (disk.lacks) continue;
      const held = disk.epochAt(p, last);
      if (held === 'covered' || (held !== null && (epoch === undefined || held === epoch))) continue;
      throw new Violation(
        3,
        `${replica} is in sync in p${p} r${this.#world.map.revision}, and lacks the committed #${last}@${epoch} (has ${held}, tail ${disk.tail(p)})`,
      );
    }
  }

  /** Invariant 8, at the acknowledgement itself: enough disks hold the entries that it rests on. */
  acked(p: number, request: ClientRequest, response: ClientResponse): void {
    for (const needed of this.#proofs.of(p, request, response)) {
      const copies = needed.entries.map((entry) => this.#copiesOf(entry));
      if (copies.some((count) => count >= this.#minInSync)) continue;
      throw new Violation(
        8,
        `${describeResponse(response)} of p${p} acknowledged with ${Math.max(0, ...copies)} copies on disk of ${needed.what}`,
      );
    }
  }

  #copiesOf({ p, seq, epoch }: LoggedEntry): number {
    let copies = 0;
    for (const disk of this.#world.allDisks()) {
      const held = disk.epochAt(p, seq);
      if (held === 'covered' || held === epoch) copies++;
    }
    return copies;
  }

  /** On how many disks that committed entry is. */
  #copies(p: number, seq: number): number {
    const epoch = this.#committed[p]?.get(seq);
    let copies = 0;
    for (const disk of this.#world.allDisks()) {
      const held = disk.epochAt(p, seq);
      if (held === 'covered' || (held !== null && (epoch === undefined || held === epoch))) copies++;
    }
    return copies;
  }
}
