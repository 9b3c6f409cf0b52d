import { readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { invalid, MusterError } from '../errors.js';
import { readWholeSync } from '../files/whole.js';
import { limits } from '../limits.js';
import { didYouMean, namesBeside } from '../text/nearest.js';

type Env = Readonly<Record<string, string | undefined>>;

/** Where clusters live: `$MUSTER_HOME`, else `$XDG_DATA_HOME/muster`, else `~/.local/share/muster`. Absolute. */
export function dataHome(env: Env = process.env): string {
  if (env.MUSTER_HOME) return resolve(env.MUSTER_HOME);
  // The XDG specification: a relative path is invalid and to be ignored.
  const xdg = env.XDG_DATA_HOME;
  return join(xdg?.startsWith('/') ? xdg : join(homedir(), '.local', 'share'), 'muster');
}

/** Where the user's settings live: `$MUSTER_HOME/config`, else `$XDG_CONFIG_HOME/muster`, else `~/.config/muster`. */
export function configHome(env: Env = process.env): string {
  if (env.MUSTER_HOME) return join(resolve(env.MUSTER_HOME), 'config');
  const xdg = env.XDG_CONFIG_HOME;
  return join(xdg?.startsWith('/') ? xdg : join(homedir(), '.config'), 'muster');
}

export const clustersDir = (env: Env = process.env): string => join(dataHome(env), 'clusters');

const NAME = /^[a-z0-9][a-z0-9._-]*$/i;

/** Throws `usage` for a name that is not a safe single path segment; `what` is `cluster` or `node`. */
export function checkName(what: 'cluster' | 'node', name: string): string {
  if (!NAME.test(name) || name.length > limits.nameLength) {
    const expected = `1 to ${limits.nameLength} letters, digits, ".", "_" or "-", starting with a letter or digit`;
    throw invalid(`${what} name`, name, expected, { details: { command: what } });
  }
  return name;
}

/** The folder of a cluster (whether it exists or not). */
export const clusterDir = (name: string, env: Env = process.env): string =>
  join(clustersDir(env), checkName('cluster', name));

export const tokenFile = (dir: string): string => join(dir, 'token');
export const mapDir = (dir: string): string => join(dir, 'map');
/** The copy of the newest cluster map that a node has acted on. */
export const mapCopyDir = (dir: string, node: string): string => join(nodeDir(dir, node), 'map');
/** The copies of all nodes that live in this folder. */
export const mapCopyDirs = (dir: string): string[] =>
  namesIn(join(dir, 'nodes')).map((node) => mapCopyDir(dir, node));
export const nodeDir = (dir: string, node: string): string => join(dir, 'nodes', node);
export const nodeDataDir = (dir: string, node: string): string => join(nodeDir(dir, node), 'data');
export const nodeLogFile = (dir: string, node: string): string => join(nodeDir(dir, node), 'log');
/** File that says which process runs the node; written by its launcher. */
export const processFile = (dir: string, node: string): string => join(nodeDir(dir, node), 'process.json');
/** The network faults of a cluster. Beside its cluster map, so that nodes which live in another data folder, and link to that, follow the same. */
export function faultsFile(dir: string): string {
  try {
    return join(dirname(realpathSync(mapDir(dir))), 'faults.json');
  } catch {
    // No map, no nodes.
    return join(dir, 'faults.json');
  }
}
export const clusterFile = (dir: string): string => join(dir, 'cluster.json');

/** What a cluster's folder says of it; the rest is in the cluster map. */
export interface ClusterFile {
  readonly format: 1;
  readonly name: string;
  /** The cluster's identity; a cluster created anew under the same name has another. */
  readonly cluster: string;
  readonly createdAt: string;
  /** Address that the nodes bind to. */
  readonly host: string;
  /** The nodes in order, with the port each listens on (0: the system picks). */
  readonly nodes: readonly { readonly id: string; readonly port: number }[];
  /** Modules of services that every node runs, as absolute paths. */
  readonly services?: readonly string[];
  /** Handlers that a node runs at once. */
  readonly maxInflight?: number;
}

/** What lies in a folder, hidden files aside; nothing when it cannot be read. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => !name.startsWith('.'));
  } catch {
    return [];
  }
}

/** Reads `cluster.json`; throws `unknown-cluster` when the cluster does not exist. */
export function readClusterFile(dir: string): ClusterFile {
  const name = dir.slice(dir.lastIndexOf('/') + 1);
  let text: string | null;
  try {
    text = readWholeSync(clusterFile(dir));
  } catch (cause) {
    throw new MusterError(
      'metastore-unavailable',
      `cannot read cluster "${name}": ${(cause as Error).message}`,
      {
        details: { path: clusterFile(dir) },
        tookEffect: 'no',
        cause,
      },
    );
  }
  if (text === null) {
    throw new MusterError(
      'unknown-cluster',
      `unknown cluster "${name}"${didYouMean(name, namesIn(dirname(dir)))}`,
      { details: { cluster: name } },
    );
  }
  try {
    const file = JSON.parse(text) as ClusterFile;
    if (file.format === 1 && typeof file.name === 'string' && Array.isArray(file.nodes)) return file;
  } catch {
    // Falls through to the one message for every kind of damage.
  }
  throw new MusterError('storage-corrupt', `${clusterFile(dir)} is damaged`, {
    details: { path: clusterFile(dir) },
  });
}

/** The cluster's secret, as demanded at the handshake; rejects with `metastore-unavailable` when it cannot be read. */
export function readToken(dir: string): string {
  try {
    const text = readWholeSync(tokenFile(dir));
    if (text === null) throw new Error(`file ${tokenFile(dir)} not found`);
    return text.trim();
  } catch (cause) {
    throw new MusterError(
      'metastore-unavailable',
      `cannot read the cluster token: ${(cause as Error).message}`,
      {
        details: { path: tokenFile(dir) },
        cause,
      },
    );
  }
}

/** The place of a node in a cluster; rejects with `unknown-node`. */
export function requireNode(file: ClusterFile, id: string): { readonly id: string; readonly port: number } {
  const node = file.nodes.find((n) => n.id === id);
  if (!node) {
    const known = namesBeside(
      id,
      file.nodes.map((n) => n.id),
    );
    throw new MusterError(
      'unknown-node',
      `unknown node "${id}": the nodes of cluster "${file.name}" are ${known}`,
      {
        details: { node: id },
      },
    );
  }
  return node;
}
