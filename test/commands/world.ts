import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { muster, program, type Ran } from './run.js';

/** What `--json` printed; fails with all that was said when the exit code is another than `code`. */
export function json(ran: Ran, code = 0) {
  if (ran.code !== code) throw new Error(`exit code ${ran.code}, not ${code}\n${ran.stdout}${ran.stderr}`);
  return JSON.parse(ran.stdout);
}

/** Is there a process of this pid (what waits to be reaped does not count)? */
export function alive(pid: number): boolean {
  try {
    return !/^State:\s+[ZXx]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Processes whose command line names a path below `folder`. */
export function processesBelow(folder: string): number[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
      } catch {
        return false;
      }
    })
    .map(Number)
    .filter((pid) => pid !== process.pid && alive(pid));
}

/** A command that goes on. */
export interface Going {
  readonly child: ChildProcess;
  /** What it wrote so far, to stdout and stderr. */
  readonly said: () => string;
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

/** A world of its own for clusters, on real processes; `end` destroys every cluster and removes it. */
export class World {
  constructor(readonly home = mkdtempSync(join(tmpdir(), 'muster-e2e-'))) {}

  readonly run = (...args: string[]): Promise<Ran> => muster(this.home, args);
  /** Runs with `--json`; gives what was printed. */
  readonly ok = async (...args: string[]) => json(await this.run(...args, '--json'));
  /** Runs with `--json`; expects this exit code and gives the error. */
  readonly fails = async (code: number, ...args: string[]) =>
    json(await this.run(...args, '--json'), code).error;

  /** Begins a command and leaves it going. */
  readonly begin = (...args: string[]): Going => {
    const child = spawn(process.execPath, [program, ...args], {
      env: { ...process.env, MUSTER_HOME: this.home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data) => {
        said += data;
      });
    const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
      child.once('close', (code, signal) => resolve(signal ?? code)),
    );
    return { child, said: () => said, ended };
  };

  dir(cluster: string): string {
    return join(this.home, 'clusters', cluster);
  }

  /** Names of the clusters that have a folder, hidden ones too. */
  folders(): string[] {
    const path = join(this.home, 'clusters');
    return existsSync(path) ? readdirSync(path) : [];
  }

  processes(): number[] {
    return processesBelow(this.home);
  }

  async end(): Promise<void> {
    for (const name of this.folders().filter((entry) => !entry.startsWith('.')))
      await this.run('cluster', 'destroy', name, '--yes');
    rmSync(this.home, { recursive: true, force: true });
  }
}
