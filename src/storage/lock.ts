import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { MusterError } from '../errors.js';
import { readWholeSync } from '../files/whole.js';
import { abstractName } from '../os/abstract-socket.js';

/** Lets go of the lock. A process that dies lets go as well. */
export type Release = () => Promise<void>;

/**
 * Keeps a data folder to one process. Not written against `FileSystem`: what it asks is which processes of this machine live.
 * Its calls are synchronous, so that between looking at a dead process's lock and setting it aside this process does nothing else. Linux and Windows: a socket or pipe named from the folder's identity, which the
 * kernel closes with the process. Elsewhere a file with pid and start time. Rejects with `storage-locked`.
 * An abstract socket belongs to a network namespace: two containers that share a folder do not see one another's.
 */
export async function lockFolder(dir: string, platform: string = process.platform): Promise<Release> {
  const { dev, ino } = fs.statSync(dir, { bigint: true });
  if (platform === 'linux') return lockByName(abstractName(`muster-store-${dev}-${ino}`), dir);
  if (platform === 'win32') return lockByName(`\\\\.\\pipe\\muster-store-${dev}-${ino}`, dir);
  return lockByFile(join(dir, 'lock'), dir);
}

function locked(dir: string, by: string): MusterError {
  return new MusterError('storage-locked', `data folder ${dir} is in use by ${by}`, {
    details: { path: dir },
  });
}

function lockByName(name: string, dir: string): Promise<Release> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? locked(dir, 'another process') : error),
    );
    server.listen({ path: name, exclusive: true }, () => {
      server.unref();
      resolve(() => new Promise((closed) => server.close(() => closed())));
    });
  });
}

/** Start time of a process, as the system reports it; null when the process does not exist. */
function startOf(pid: number): string | null {
  try {
    // Not imported above: on Linux, where nothing needs it, it takes a tenth of a node's start.
    const { execFileSync } = process.getBuiltinModule('node:child_process');
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
  } catch {
    return null;
  }
}

async function lockByFile(path: string, dir: string): Promise<Release> {
  const mine = JSON.stringify({ pid: process.pid, started: startOf(process.pid) });
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  fs.writeFileSync(temporary, mine, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        fs.linkSync(temporary, path); // with its content, or not at all
        return async () => fs.rmSync(path, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = readWholeSync(path);
      if (holder === null) continue; // let go of meanwhile
      const { pid, started } = JSON.parse(holder) as { pid: number; started: string | null };
      if (startOf(pid) === started && started !== null) throw locked(dir, `process ${pid}`);
      setAside(path, `${temporary}.stale`, holder);
    }
    throw locked(dir, 'another process');
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

/** Takes a dead process's lock away; puts it back if another process was quicker and it is a living one's. */
function setAside(path: string, aside: string, expected: string): void {
  try {
    fs.renameSync(path, aside);
    if (readWholeSync(aside) !== expected) fs.linkSync(aside, path);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    fs.rmSync(aside, { force: true });
  }
}
