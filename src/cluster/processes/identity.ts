import { readFileSync } from 'node:fs';
import { pause } from '../../util/pause.js';
import { statOf } from './proc.js';

/**
 * Who a process is. A pid alone is no identity: it is used again after the process ended, so the time the
 * process started (unique with the pid within one boot) and a marker on its command line must agree as well.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** Linux: `<boot id>/<start time in clock ticks since boot>`; elsewhere what `ps -o lstart=` says. */
  readonly started: string;
  /** A word of the process's command line that only this node of this cluster has. */
  readonly marker: string;
}

export type ProcessState = 'running' | 'stopped' | 'gone';

interface Seen {
  readonly started: string;
  readonly stopped: boolean;
  /** Empty for a process that the kernel takes apart: its memory went first, its files and ports may still be held. */
  readonly command: string;
}

let bootId: string | undefined;

function lookLinux(pid: number): Seen | null {
  try {
    const stat = statOf(pid);
    if (stat.ended) return null;
    bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return { started: `${bootId}/${stat.started}`, stopped: stat.stopped, command };
  } catch {
    return null;
  }
}

function lookElsewhere(pid: number): Seen | null {
  try {
    // Not imported above: on Linux, where nothing needs it, it would cost every command a millisecond.
    const { execFileSync } = process.getBuiltinModule('node:child_process');
    const line = execFileSync('ps', ['-ww', '-o', 'lstart=,stat=,command=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, LC_ALL: 'C' },
    }).trim();
    const found = /^(\w+ +\w+ +\d+ [\d:]+ \d+) +(\S+) +(.*)$/s.exec(line);
    if (!found || found[2]!.startsWith('Z')) return null;
    return { started: found[1]!, stopped: found[2]!.startsWith('T'), command: found[3]! };
  } catch {
    return null;
  }
}

const look = process.platform === 'linux' ? lookLinux : lookElsewhere;

/** The identity of a process that runs now, or null when there is none with that pid. */
export function identify(pid: number, marker: string): ProcessIdentity | null {
  const seen = look(pid);
  return seen && { pid, started: seen.started, marker };
}

/** What became of exactly this process; another one under the same pid counts as `gone`. */
export function stateOf(identity: ProcessIdentity): ProcessState {
  if (!Number.isSafeInteger(identity.pid) || identity.pid <= 1) return 'gone';
  const seen = look(identity.pid);
  if (!seen || seen.started !== identity.started) return 'gone';
  if (seen.command !== '' && !seen.command.includes(identity.marker)) return 'gone';
  return seen.stopped ? 'stopped' : 'running';
}

export const isAlive = (identity: ProcessIdentity): boolean => stateOf(identity) !== 'gone';

/** Sends a signal to exactly this process. False: it is gone, and nothing was signalled. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Waits until the process is gone; false when it is still there after `timeoutMs`. */
export async function waitGone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (let restMs = 2; ; restMs = Math.min(restMs * 1.5, 50)) {
    if (!isAlive(identity)) return true;
    if (performance.now() >= deadline) return false;
    await pause(restMs);
  }
}
