import { readFileSync } from 'node:fs';

/** What Linux says about a process in `/proc/<pid>/stat` (proc_pid_stat(5)). */
export interface ProcessStat {
  /** Process group and session, by the pid of their leader. */
  readonly group: number;
  readonly session: number;
  /** When it started, in clock ticks since boot. */
  readonly started: string;
  /** By SIGSTOP, the terminal or a debugger. */
  readonly stopped: boolean;
  /** Nothing of it is left but its row: who reaps that is not ours to say. */
  readonly ended: boolean;
}

/** Throws when there is no such process. */
export function statOf(pid: number | string): ProcessStat {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the program's name in brackets and may hold spaces and brackets of its own.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0]!.toUpperCase();
  // A zombie whose other threads have not ended holds its files, its locks and its ports as before.
  const threads = Number(fields[17]);
  return {
    group: Number(fields[2]),
    session: Number(fields[3]),
    started: fields[19]!,
    stopped: state === 'T',
    ended: (state === 'Z' && threads <= 1) || state === 'X',
  };
}
