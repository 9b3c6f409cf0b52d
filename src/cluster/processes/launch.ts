import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, mkdirSync, readSync } from 'node:fs';
import { isErrorCode, MusterError } from '../../errors.js';
import { openRegularSync } from '../../files/whole.js';
import { type ClusterFile, nodeDir, nodeLogFile } from '../../layout/paths.js';
import { type NodeEntry, nodeEntry } from './entry.js';
import { isAlive } from './identity.js';
import { markerOf, type ProcessFile, readProcessFile, recordProcess } from './roster.js';

/** A node process just started, watched until someone is satisfied that it runs. */
export interface Launched {
  readonly id: string;
  readonly process: ProcessFile | null;
  readonly child: ChildProcess;
  /** Resolves when the process has ended, with what its log says of the reason. Never rejects. */
  readonly ended: Promise<MusterError>;
}

/** Without variables that only cost a node time: it speaks to this machine alone. With what it must know of its launcher. */
function nodeEnv(tethered: boolean): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, ...env } = process.env;
  const launched = { ...env, MUSTER_LAUNCHER: String(process.pid) };
  return tethered ? { ...launched, MUSTER_TETHERED: '1' } : launched;
}

const LOG_TAIL_BYTES = 16 * 1024;

/** What a node wrote to its log from byte `from` on (the last 16 KiB of it). */
function logSince(path: string, from: number): string {
  try {
    const { fd, bytes: size } = openRegularSync(path);
    try {
      const start = Math.max(from, size - LOG_TAIL_BYTES);
      const buffer = Buffer.alloc(Math.max(0, size - start));
      readSync(fd, buffer, 0, buffer.length, start);
      return buffer.toString('utf8');
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}

/** The error that is the last thing a node logged; null when it ended otherwise (killed, say). */
export function lastError(dir: string, id: string): MusterError | null {
  const log = `\n${logSince(nodeLogFile(dir, id), 0)}`;
  const at = log.lastIndexOf('\n{"level":"error"');
  if (at < 0 || /\n\{"level":/.test(log.slice(at + 1))) return null;
  const error = explainExit(id, '', log.slice(at));
  return error.code === 'node-failed' ? null : error;
}

/** The error a node logged last (a JSON line with `code` of the catalogue), or its last lines as they are. */
export function explainExit(id: string, how: string, log: string): MusterError {
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  for (const line of lines.toReversed()) {
    if (!line.startsWith('{')) continue;
    try {
      const said = JSON.parse(line) as {
        code?: unknown;
        msg?: unknown;
        message?: unknown;
        details?: unknown;
      };
      if (!isErrorCode(said.code)) continue;
      const details = typeof said.details === 'object' && said.details !== null ? said.details : {};
      return new MusterError(said.code, `${id}: ${String(said.message ?? said.msg)}`, {
        details: { ...details, node: id },
        tookEffect: 'no',
      });
    } catch {
      // Not a log line of ours.
    }
  }
  // Of a stack trace the frames say least.
  const telling = lines.filter((line) => !/^\s+at |^Node\.js v|^\s*\^+\s*$|^\s*[{}]\s*$/.test(line));
  const tail = telling.slice(-5).map((line) => `\n    ${line}`);
  const last = tail.length === 0 ? 'its log is empty' : `the last lines of its log:${tail.join('')}`;
  return new MusterError('node-failed', `${id} exited (${how}); ${last}`, { details: { node: id } });
}

/** Records a new process in the roster. If that fails, the process is killed: no later command could find it. */
function recordOrEnd(dir: string, cluster: string, id: string, child: ChildProcess): ProcessFile | null {
  try {
    return recordProcess(dir, cluster, id, child.pid!);
  } catch (cause) {
    child.kill('SIGKILL');
    const path = nodeDir(dir, id);
    const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC';
    throw new MusterError(
      full ? 'storage-full' : 'metastore-unavailable',
      `cannot start ${id}: ${full ? 'the disk is full' : (cause as Error).message}`,
      { details: { path, node: id }, tookEffect: 'no', cause },
    );
  }
}

/** The node's log, to append to. Throws `node-failed`. */
function openLog(dir: string, id: string): { fd: number; bytes: number } {
  const { O_APPEND, O_CREAT, O_WRONLY } = constants;
  try {
    return openRegularSync(nodeLogFile(dir, id), { flags: O_WRONLY | O_APPEND | O_CREAT });
  } catch (cause) {
    throw new MusterError('node-failed', `cannot write the log of ${id}: ${(cause as Error).message}`, {
      details: { node: id, path: nodeLogFile(dir, id) },
      cause,
    });
  }
}

/**
 * Starts a node's process, detached, its output appended to the node's log, and writes it into the roster at
 * once. `tethered`: the process ends when this one does (its standard input closes). The caller holds the
 * cluster's lock. Rejects with `node-state` when the node runs already.
 */
export function launchNode(
  dir: string,
  file: ClusterFile,
  id: string,
  options: { tethered?: boolean; entry?: NodeEntry } = {},
): Launched {
  const last = readProcessFile(dir, id);
  if (last && isAlive(last)) {
    throw new MusterError('node-state', `${id} is already running (pid ${last.pid})`, {
      details: { node: id },
    });
  }
  mkdirSync(nodeDir(dir, id), { recursive: true, mode: 0o700 });
  const { fd: log, bytes: from } = openLog(dir, id);
  const entry = options.entry ?? nodeEntry();
  const tethered = options.tethered ?? false;
  const argv = ['--no-warnings', ...entry.execArgv, entry.file, dir, id, markerOf(file.cluster, id)];
  const child = spawn(process.execPath, argv, {
    cwd: dir,
    detached: true,
    env: nodeEnv(tethered),
    stdio: [tethered ? 'pipe' : 'ignore', log, log],
  });
  closeSync(log);
  const ended = new Promise<MusterError>((resolve) => {
    child.once('error', (cause) =>
      resolve(
        new MusterError('node-failed', `cannot start ${id}: ${cause.message}`, {
          details: { node: id },
          cause,
        }),
      ),
    );
    child.once('exit', (code, sig) =>
      resolve(explainExit(id, sig ?? `exit code ${code}`, logSince(nodeLogFile(dir, id), from))),
    );
  });
  const process_ = child.pid === undefined ? null : recordOrEnd(dir, file.cluster, id, child);
  child.stdin?.on('error', () => {});
  child.unref();
  return { id, process: process_, child, ended };
}
