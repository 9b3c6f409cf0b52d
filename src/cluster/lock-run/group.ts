import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { statOf } from '../processes/proc.js';

/** Does a process of this group, begun as a session of its own, still run? */
function runsOnLinux(group: number): boolean {
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const stat = statOf(pid);
      if (stat.group === group && stat.session === group && !stat.ended) return true;
    } catch {
      // It ended while we looked.
    }
  }
  return false;
}

function runsElsewhere(group: number): boolean {
  const text = execFileSync('ps', ['-A', '-o', 'pgid=,stat='], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return text.split('\n').some((line) => {
    const [pgid, stat = ''] = line.trim().split(/\s+/);
    return Number(pgid) === group && !stat.startsWith('Z');
  });
}

/** Is any process of the group left? A group's number is not used again before all of it is gone. */
export function groupAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch (error) {
    // EPERM: there are some, or only zombies.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return process.platform === 'linux' ? runsOnLinux(group) : runsElsewhere(group);
}

/** Signals every process of the group; nothing when none is left. */
export function signalGroup(group: number, name: NodeJS.Signals): void {
  try {
    process.kill(-group, name);
    // A stopped process handles the signal only after SIGCONT.
    if (name === 'SIGTERM' || name === 'SIGINT' || name === 'SIGHUP') process.kill(-group, 'SIGCONT');
  } catch {
    // Gone, or of another user: whether it is gone is asked apart.
  }
}
