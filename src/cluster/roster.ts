import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { nodeDir } from '../layout/paths.js';
import { identify, type ProcessIdentity, type ProcessState, stateOf } from './identity.js';

/** Who runs a node: written by the launcher right after the spawn, and by the node itself when it starts. */
export interface ProcessFile extends ProcessIdentity {
  readonly format: 1;
  readonly node: string;
  /** Wall clock, ms since 1970; for people only. */
  readonly startedAt: number;
  /** `down`: someone asked this process to end, so whoever watches over it must not start it again. */
  readonly wanted: 'up' | 'down';
}

/** The word on a node's command line that tells its process from every other. */
export const markerOf = (cluster: string, node: string): string => `--muster-node=${cluster}/${node}`;

const fileOf = (clusterDir: string, node: string): string => join(nodeDir(clusterDir, node), 'process.json');

/** Writes `process.json` by an atomic rename, so that a reader sees the old or the new one, whole. */
export function writeProcessFile(clusterDir: string, file: ProcessFile): void {
  const path = fileOf(clusterDir, file.node);
  mkdirSync(nodeDir(clusterDir, file.node), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  const fd = openSync(temporary, 'w', 0o600);
  try {
    writeSync(fd, `${JSON.stringify(file)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
}

/** Records that `pid` runs this node. Null: that process is gone already. For the launcher and for the node itself. */
export function recordProcess(
  clusterDir: string,
  cluster: string,
  node: string,
  pid: number,
): ProcessFile | null {
  const identity = identify(pid, markerOf(cluster, node));
  if (!identity) return null;
  const file: ProcessFile = { format: 1, node, ...identity, startedAt: Date.now(), wanted: 'up' };
  writeProcessFile(clusterDir, file);
  return file;
}

/** The last process known to run the node, or null; a damaged file counts as none, for it identifies nobody. */
export function readProcessFile(clusterDir: string, node: string): ProcessFile | null {
  try {
    const file = JSON.parse(readFileSync(fileOf(clusterDir, node), 'utf8')) as ProcessFile;
    const sound = file.format === 1 && typeof file.started === 'string' && typeof file.marker === 'string';
    return sound && file.marker.length > 0 && Number.isSafeInteger(file.pid) ? file : null;
  } catch {
    return null;
  }
}

export interface RosterRow {
  readonly id: string;
  readonly state: ProcessState;
  /** The live process; null when the state is `gone`. */
  readonly process: ProcessFile | null;
}

/** Who of these nodes has a live process. */
export function readRoster(clusterDir: string, nodes: readonly string[]): RosterRow[] {
  return nodes.map((id) => {
    const file = readProcessFile(clusterDir, id);
    const state = file ? stateOf(file) : 'gone';
    return { id, state, process: state === 'gone' ? null : file };
  });
}

/** Marks a node's process as asked to end. */
export function markWantedDown(clusterDir: string, node: string): void {
  const file = readProcessFile(clusterDir, node);
  if (file && file.wanted !== 'down') writeProcessFile(clusterDir, { ...file, wanted: 'down' });
}
