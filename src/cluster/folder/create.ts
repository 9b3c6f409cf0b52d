import { randomBytes, randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type ClusterMap, type Durability, type Member, replicaId } from '../../core/map/types.js';
import { place } from '../../core/ring/placement.js';
import { invalid, MusterError } from '../../errors.js';
import {
  type ClusterFile,
  checkName,
  clusterDir,
  clusterFile,
  clustersDir,
  mapDir,
  nodeDataDir,
  nodeDir,
  tokenFile,
} from '../../layout/paths.js';
import { checkTimings, defaultRepairAfterMs, defaultTimings, limits, type Timings } from '../../limits.js';
import { DirectoryMetastore } from '../../metastore/directory.js';
import { createStore } from '../../storage/create.js';
import { writeDuration } from '../../text/duration.js';
import { plural } from '../../text/format.js';

/** What a new cluster is to be; whatever is left out has a default. */
export interface CreateOptions {
  readonly name: string;
  /** How many nodes; default 3. */
  readonly nodes?: number;
  /** Copies of each partition; default 3, or the number of nodes when that is smaller. */
  readonly replicas?: number;
  readonly partitions?: number;
  readonly minInSync?: number;
  /** Node to weight; default 1 each. */
  readonly weights?: Readonly<Record<string, number>>;
  /** Node to zone, for what fails together; none: each node fails alone. */
  readonly zones?: Readonly<Record<string, string>>;
  /** A member silent for this long, in ms, has its replicas rebuilt elsewhere. */
  readonly repairAfterMs?: number;
  /** First port: n1 listens on it, n2 on the next, …; 0: the system picks. */
  readonly port?: number;
  readonly durability?: Durability;
  readonly timings?: Timings;
  /** Modules of services that every node runs, as absolute paths. */
  readonly services?: readonly string[];
  /** Handlers that a node runs at once. */
  readonly maxInflight?: number;
}

export type Plan = Required<Omit<CreateOptions, 'weights' | 'zones'>> & {
  readonly ids: readonly string[];
  readonly zones: Readonly<Record<string, string>>;
  readonly weights: Readonly<Record<string, number>>;
};

const details = { command: 'cluster start' };

/** Returns `value` when it is within the bounds; throws `usage`. `form`: the bounds in words, where they are not plain numbers. */
function integer(what: string, value: number, min: number, max: number, form = `${min} to ${max}`): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw invalid(what, String(value), `a whole number from ${form}`, { details });
}

/** What a node's weight may be, in words. */
export const weightForm = 'a number above 0, at most 1000';

/** Fills in defaults and checks everything that can be checked before a file is touched; rejects with `usage`. */
export function planCluster(options: CreateOptions): Plan {
  const name = checkName('cluster', options.name);
  const nodes = integer('node count', options.nodes ?? 3, 1, limits.localNodes);
  const replicas = options.replicas ?? Math.min(3, nodes);
  integer('replica count', replicas, 1, limits.members);
  if (replicas > nodes) {
    const expected = `at most the node count, ${nodes}: use --replicas ${nodes} or -n ${replicas}`;
    throw invalid('replica count', replicas, expected, { details });
  }
  const minInSync = integer('min-in-sync', options.minInSync ?? (replicas >= 3 ? 2 : 1), 1, replicas);
  const partitions = integer('partition count', options.partitions ?? 64, 1, limits.partitions);
  const port = integer('port', options.port ?? 0, 0, 65_535);
  // The nodes listen on consecutive ports.
  if (port > 0) {
    const last = 65_536 - nodes;
    integer('port', port, 1, last, `1 to ${last} for ${plural(nodes, 'node')}`);
  }
  const ids = Array.from({ length: nodes }, (_, i) => `n${i + 1}`);
  const names = nodes === 1 ? 'n1' : `n1 to n${nodes}`;
  const weights = options.weights ?? {};
  for (const [id, weight] of Object.entries(weights)) {
    if (!ids.includes(id)) throw invalid('node in --weights', id, names, { details });
    if (!(weight > 0 && weight <= 1000))
      throw invalid(`weight of ${id}`, String(weight), weightForm, { details });
  }
  const zones = options.zones ?? {};
  for (const id of Object.keys(zones)) {
    if (!ids.includes(id)) throw invalid('node in --zones', id, names, { details });
  }
  const repairAfterMs = options.repairAfterMs ?? defaultRepairAfterMs;
  const { repairAfterLeastMs: minMs, repairAfterMostMs: maxMs } = limits;
  if (!Number.isSafeInteger(repairAfterMs) || repairAfterMs < minMs || repairAfterMs > maxMs) {
    const expected = `a duration from ${writeDuration(minMs)} to ${writeDuration(maxMs)}`;
    throw invalid('repair-after', `${repairAfterMs}ms`, expected, { details });
  }
  const services = options.services ?? [];
  const maxInflight = integer(
    'max-inflight',
    options.maxInflight ?? limits.serviceInflight,
    1,
    limits.serviceInflightMost,
  );
  const timings = options.timings ?? defaultTimings;
  const wrong = checkTimings(timings);
  if (wrong) throw new MusterError('usage', wrong, { details });
  const durability = options.durability ?? 'fsync';
  return {
    name,
    nodes,
    replicas,
    minInSync,
    partitions,
    port,
    ids,
    weights,
    zones,
    repairAfterMs,
    timings,
    durability,
    services,
    maxInflight,
  };
}

/** The first map: nothing was ever written, so every chosen replica is in sync. */
export function firstMap(plan: Plan, cluster: string, stores: ReadonlyMap<string, string>): ClusterMap {
  const members: Record<string, Member> = {};
  for (const id of plan.ids) {
    members[id] = {
      id,
      store: stores.get(id)!,
      incarnation: 0,
      url: '',
      weight: plan.weights[id] ?? 1,
      zone: plan.zones[id] ?? '',
      state: 'active',
    };
  }
  const targets = place({
    partitions: plan.partitions,
    replicas: plan.replicas,
    members: Object.values(members),
  });
  const { partitions, replicas, minInSync, durability, timings, repairAfterMs } = plan;
  return {
    format: 1,
    cluster,
    name: plan.name,
    revision: 1,
    settings: { partitions, replicas, minInSync, durability, timings, repairAfterMs },
    members,
    partitions: targets.map((target) => {
      const inSync = target.map((id) => replicaId(id, stores.get(id)!));
      return { gen: 1, epoch: 1, primary: inSync[0]!, inSync, target, placed: 1, handover: null };
    }),
    placement: null,
  };
}

/** Makes a file or the entries of a folder durable. */
function syncPath(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function discard(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // The error that led here says more; `sweep` takes what is left.
  }
}

const STALE_MS = 60 * 60_000;

/** What an interrupted creation left behind; it was never a cluster. */
function sweep(parent: string): void {
  for (const entry of readdirSync(parent)) {
    if (!entry.startsWith('.new-')) continue;
    const path = join(parent, entry);
    try {
      if (Date.now() - statSync(path).mtimeMs > STALE_MS) rmSync(path, { recursive: true, force: true });
    } catch {
      // Someone else swept it.
    }
  }
}

/**
 * Makes a new cluster's folder: token, a store for each node, and the first cluster map. All of it is built
 * aside and takes its name by one rename, so that an interruption leaves no half-made cluster. The caller
 * holds the cluster's lock. Rejects with `name-taken`, `usage` or `metastore-unavailable`. Returns the folder.
 */
export async function createCluster(options: CreateOptions): Promise<string> {
  const plan = planCluster(options);
  const dir = clusterDir(plan.name);
  const taken = () =>
    new MusterError('name-taken', `cluster "${plan.name}" already exists`, {
      details: { cluster: plan.name },
    });
  if (existsSync(dir)) throw taken();
  const parent = clustersDir();
  const aside = join(parent, `.new-${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    sweep(parent);
    mkdirSync(aside, { mode: 0o700 });
    const cluster = randomUUID();
    const file: ClusterFile = {
      format: 1,
      name: plan.name,
      cluster,
      createdAt: new Date().toISOString(),
      host: '127.0.0.1',
      nodes: plan.ids.map((id, i) => ({ id, port: plan.port === 0 ? 0 : plan.port + i })),
      ...(plan.services.length === 0 ? {} : { services: plan.services }),
      ...(plan.maxInflight === limits.serviceInflight ? {} : { maxInflight: plan.maxInflight }),
    };
    writeFileSync(clusterFile(aside), `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
    writeFileSync(tokenFile(aside), `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 });
    const stores = new Map<string, string>();
    await Promise.all(
      plan.ids.map(async (id) => {
        const data = nodeDataDir(aside, id);
        mkdirSync(data, { recursive: true, mode: 0o700 });
        stores.set(id, await createStore(data));
      }),
    );
    const metastore = new DirectoryMetastore(mapDir(aside));
    const outcome = await metastore.publish(firstMap(plan, cluster, stores), 0);
    await metastore.close();
    if (outcome !== 'ok') {
      throw new MusterError('metastore-unavailable', `cannot write the first cluster map: ${outcome}`, {
        details: { path: mapDir(dir) },
      });
    }
    // What is acknowledged later must not vanish with the folders it is in, should the power fail.
    for (const id of plan.ids) syncPath(nodeDir(aside, id));
    for (const path of [join(aside, 'nodes'), clusterFile(aside), tokenFile(aside), aside]) syncPath(path);
    renameSync(aside, dir);
    syncPath(parent);
    syncPath(dirname(parent));
    return dir;
  } catch (error) {
    discard(aside);
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') throw taken();
    if (error instanceof MusterError) throw error;
    throw new MusterError(
      code === 'ENOSPC' ? 'storage-full' : 'metastore-unavailable',
      `cannot create the cluster folder: ${(error as Error).message}`,
      {
        details: { path: parent },
        cause: error,
      },
    );
  }
}
