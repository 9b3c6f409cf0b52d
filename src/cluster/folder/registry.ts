import { existsSync, readdirSync } from 'node:fs';
import { MusterError } from '../../errors.js';
import {
  type ClusterFile,
  clusterDir,
  clusterFile,
  clustersDir,
  readClusterFile,
} from '../../layout/paths.js';
import { type RosterRow, readRoster } from '../processes/roster.js';

/** A cluster on this machine: where it is, what it is, and which of its processes live. */
export interface LocalCluster {
  readonly dir: string;
  readonly file: ClusterFile;
  readonly roster: readonly RosterRow[];
}

const ids = (file: ClusterFile): string[] => file.nodes.map((n) => n.id);

/** The cluster of that name; rejects with `unknown-cluster`. */
export function findCluster(name: string): LocalCluster {
  const dir = clusterDir(name);
  const file = readClusterFile(dir);
  return { dir, file, roster: readRoster(dir, ids(file)) };
}

export const clusterExists = (name: string): boolean => existsSync(clusterFile(clusterDir(name)));

/** The cluster of that name, with at least one live process; else `unknown-cluster` or `not-running`. */
export function findRunning(name: string): LocalCluster {
  const found = findCluster(name);
  if (found.roster.every((row) => row.state === 'gone')) {
    throw new MusterError('not-running', `no node of cluster "${name}" is running`, {
      details: { cluster: name },
    });
  }
  return found;
}

/** The roster of a cluster as it is now. */
export const freshRoster = (cluster: LocalCluster): RosterRow[] => readRoster(cluster.dir, ids(cluster.file));

export interface ListedCluster {
  readonly name: string;
  /** `damaged`: its folder is there, its description cannot be read. */
  readonly state: 'running' | 'partly' | 'stopped' | 'damaged';
  readonly nodes: number;
  readonly up: number;
  readonly dir: string;
  readonly createdAt: string | null;
}

/** Every cluster of this user on this machine, by name. */
export function listClusters(): ListedCluster[] {
  let names: string[];
  try {
    names = readdirSync(clustersDir()).filter((entry) => !entry.startsWith('.'));
  } catch {
    return [];
  }
  return names.sort().map((name): ListedCluster => {
    const dir = `${clustersDir()}/${name}`;
    try {
      const { file, roster } = findCluster(name);
      const up = roster.filter((row) => row.state !== 'gone').length;
      const state = up === 0 ? 'stopped' : up === file.nodes.length ? 'running' : 'partly';
      return { name, state, nodes: file.nodes.length, up, dir, createdAt: file.createdAt };
    } catch {
      return { name, state: 'damaged', nodes: 0, up: 0, dir, createdAt: null };
    }
  });
}
