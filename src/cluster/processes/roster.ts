import { mkdirSync } from 'node:fs';
import { MusterError } from '../../errors.js';
import { readWholeSync, replaceWholeSync } from '../../files/whole.js';
import { nodeDir, processFile } from '../../layout/paths.js';
import { identify, type ProcessIdentity, type ProcessState, stateOf } from './identity.js';

/** Who runs a node: written by the launcher right after the spawn; a node that does not find itself there ends. */
export interface ProcessFile extends ProcessIdentity {
  readonly format: 1;
  readonly node: string;
  /** Wall clock, ms since 1970; for people only. */
  readonly startedAt: number;
  /** `down`: the process was asked to stop, so its supervisor must not restart it. */
  readonly wanted: 'up' | 'down';
}

/** The word on a node's command line that tells its process from every other. */
export const markerOf = (cluster: string, node: string): string => `--muster-node=${cluster}/${node}`;

/** Writes `process.json` by an atomic rename, so that a reader sees the old or the new one, whole. */
export function writeProcessFile(clusterDir: string, file: ProcessFile): void {
  const path = processFile(clusterDir, file.node);
  mkdirSync(nodeDir(clusterDir, file.node), { recursive: true, mode: 0o700 });
  try {
    replaceWholeSync(path, `${JSON.stringify(file)}\n`);
  } catch (cause) {
    throw new MusterError('metastore-unavailable', `cannot write ${path}: ${(cause as Error).message}`, {
      details: { path },
      cause,
    });
  }
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

/** The last process known to run the node, or null; also null for a damaged file, which identifies no process. */
export function readProcessFile(clusterDir: string, node: string): ProcessFile | null {
  try {
    const file = JSON.parse(readWholeSync(processFile(clusterDir, node)) ?? '') as ProcessFile;
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

/** Marks a node's process as asked to end. On a full or read-only disk it goes unmarked, and can be ended all the same. */
export function markWantedDown(clusterDir: string, node: string): void {
  const file = readProcessFile(clusterDir, node);
  if (!file || file.wanted === 'down') return;
  try {
    writeProcessFile(clusterDir, { ...file, wanted: 'down' });
  } catch {
    // Only a foreground supervisor reads this mark; the process can be stopped without it.
  }
}
