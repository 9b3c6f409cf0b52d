import { randomUUID } from 'node:crypto';
import type { MusterClient } from '../../client/api.js';
import { applyChange, type MapChange } from '../../core/map/changes.js';
import { holdsShare, type MembersChange, planPlacement, unplaced } from '../../core/map/placing.js';
import { type ClusterMap, type Member, nodeOf } from '../../core/map/types.js';
import { MusterError } from '../../errors.js';
import { mapCopyDirs, mapDir } from '../../layout/paths.js';
import { newestCopy, rolledBack } from '../../metastore/copies.js';
import { DirectoryMetastore } from '../../metastore/directory.js';
import { plural } from '../../text/format.js';
import type { LocalCluster } from '../folder/registry.js';

/** Publishing gives up after so many conflicts with the nodes, which publish too; each conflict means that someone else got on. */
const ATTEMPTS = 200;

/**
 * Changes the cluster map: `change` is a pure function of the map, asked again on each newer one until its publish takes
 * effect. It must see by the map whether an earlier try of unknown outcome did, and then give null, which ends it. Returns the newest
 * map. Rejects with what `change` throws, `metastore-unavailable` or `metastore-rolled-back`.
 */
export async function changeMap(
  cluster: Pick<LocalCluster, 'dir'>,
  change: (map: ClusterMap) => MapChange | null,
): Promise<ClusterMap> {
  const path = mapDir(cluster.dir);
  const metastore = new DirectoryMetastore(path);
  try {
    let outcome = 'conflict';
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      // Before the map is read: a copy made since may well be newer.
      const known = await newestCopy(mapCopyDirs(cluster.dir));
      const map = await metastore.read();
      if (map === null)
        throw new MusterError('metastore-unavailable', `no cluster map in ${path}`, {
          details: { path },
        });
      if (map.revision < known) throw rolledBack(path, map.revision, known, map.name);
      const wanted = change(map);
      if (wanted === null) return map;
      const next = applyChange(map, wanted);
      outcome = await metastore.publish(next, map.revision);
      if (outcome === 'ok') return next;
      if (outcome === 'failed') break;
    }
    throw new MusterError('metastore-unavailable', `cannot update the cluster map: ${outcome}`, {
      details: { path },
      tookEffect: outcome === 'unknown' ? 'unknown' : 'no',
    });
  } finally {
    await metastore.close();
  }
}

/** Size of each partition as its primary says, in UTF-16 code units of keys and values, and its keys; null: it did not answer. */
export interface PartitionSize {
  readonly units: number;
  readonly keys: number;
}

export async function partitionSizes(
  client: MusterClient,
  map: ClusterMap,
  timeoutMs: number,
): Promise<(PartitionSize | null)[]> {
  const primaries = [...new Set(map.partitions.map((p) => nodeOf(p.primary)))];
  const sizes: (PartitionSize | null)[] = map.partitions.map(() => null);
  await Promise.all(
    primaries.map(async (node) => {
      try {
        const status = await client.status(node, { timeoutMs });
        for (const { partition, role, units, keys } of status.partitions)
          if (role === 'primary') sizes[partition] = { units, keys };
      } catch {
        // Its partitions stay of unknown size.
      }
    }),
  );
  return sizes;
}

/** What a change of the members would come to, before anything moves. */
export interface PlacementPlan {
  readonly map: ClusterMap;
  readonly change: ReturnType<typeof planPlacement>;
  readonly sizes: readonly (PartitionSize | null)[];
}

/** The members as they would be. */
export function membersAfter(map: ClusterMap, change: MapChange): Member[] {
  const members = { ...map.members };
  for (const [id, member] of change.members) {
    if (member === null) delete members[id];
    else members[id] = member;
  }
  return Object.values(members);
}

/**
 * Refuses a change after which the cluster could not hold all its replicas: `usage` naming what is missing. `degrade` lets
 * it go down to min-in-sync, never below.
 */
export function checkEnough(map: ClusterMap, change: MapChange, degrade: boolean, command: string): void {
  const { replicas, minInSync } = map.settings;
  const left = membersAfter(map, change).filter(holdsShare).length;
  if (left < minInSync) {
    throw new MusterError(
      'usage',
      `not enough nodes: ${plural(left, 'node')} would remain, a write needs ${minInSync}`,
      { details: { command } },
    );
  }
  if (left < replicas && !degrade) {
    throw new MusterError(
      'usage',
      `not enough nodes: ${plural(left, 'node')} would remain for ${replicas} replicas of each partition`,
      { details: { command } },
    );
  }
}

/** Computes the placement after `change` with today's sizes. Changes nothing. Rejects with `unknown-node` or `usage`. */
export async function planChange(
  client: MusterClient,
  change: MembersChange,
  cause: string,
  timeoutMs: number,
): Promise<PlacementPlan> {
  const map = await client.map();
  const sizes = await partitionSizes(client, map, timeoutMs);
  return {
    map,
    sizes,
    change: planPlacement(map, change, {
      id: randomUUID(),
      cause,
      sizes: sizes.map((size) => size?.units ?? 0),
    }),
  };
}

/**
 * Places the partitions anew and publishes that; the nodes do the rest. Nothing is published when nothing would change.
 * Rejects with `unknown-node` or `usage` and nothing changed.
 */
export async function publishPlacement(
  cluster: LocalCluster,
  client: MusterClient,
  change: MembersChange,
  as: {
    readonly cause: string;
    readonly degrade?: boolean;
    readonly command: string;
    readonly timeoutMs: number;
  },
): Promise<ClusterMap> {
  const id = randomUUID();
  const before = await client.map();
  const sizes = (await partitionSizes(client, before, as.timeoutMs)).map((size) => size?.units ?? 0);
  return changeMap(cluster, (map) => {
    if (map.placement?.id === id) return null;
    const plan = planPlacement(map, change, { id, cause: as.cause, sizes });
    checkEnough(map, plan, as.degrade ?? false, as.command);
    const same = [...plan.members].every(([node, member]) => sameMember(map.members[node], member));
    return same && plan.targets.size === 0 ? null : plan;
  });
}

const sameMember = (a: Member | undefined, b: Member | null): boolean =>
  a !== undefined && b !== null && a.state === b.state && a.weight === b.weight && a.zone === b.zone;

/** Partitions that are not yet as placement wants them, and members on their way in or out; null when there are none. */
export function unsettled(map: ClusterMap): string | null {
  const moving = Object.values(map.members).filter(
    (m) => m.state === 'draining' || (m.state === 'joining' && m.incarnation > 0),
  );
  const open = map.partitions.flatMap((_, p) => {
    const lack = unplaced(map, p);
    return lack === null ? [] : [`partition ${p}: ${lack}`];
  });
  if (open.length > 0)
    return `${open.length} of ${map.partitions.length} partitions not in place (${open[0]})`;
  return moving.length > 0 ? moving.map((m) => `${m.id} is ${m.state}`).join(', ') : null;
}

/** How far the placement under way has come: partitions in place, of all; and copies made, of those planned. */
export function progressOf(map: ClusterMap): {
  placed: number;
  total: number;
  copied: number;
  copies: number;
} {
  const total = map.partitions.length;
  const placed = map.partitions.filter((_, p) => unplaced(map, p) === null).length;
  const copies = map.placement?.copies ?? [];
  return { placed, total, copies: copies.length, copied: copies.filter((c) => c.sent !== null).length };
}
