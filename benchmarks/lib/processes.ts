import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Processes that were started here and still run, by pid: ended with this one whatever happens. */
const running = new Map<number, ChildProcess>();
process.on('exit', () => {
  for (const child of running.values()) child.kill('SIGKILL');
});
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => process.exit(1));

/** The environment for whatever is measured: this variable alone costs each Node process tens of ms. */
export function cleanEnv(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, ...env } = process.env;
  return { ...env, ...more };
}

/** Another user, and where the program runs: that user may not see where we are. */
export interface As {
  readonly uid?: number;
  readonly gid?: number;
  readonly cwd?: string;
}

/** Starts a program with its output in `log`. */
export function start(
  file: string,
  args: readonly string[],
  log: string,
  env = cleanEnv(),
  as: As = {},
): ChildProcess {
  const fd = openSync(log, 'a');
  const child = spawn(file, args, { stdio: ['ignore', fd, fd], env, ...as });
  closeSync(fd);
  const { pid } = child;
  if (pid !== undefined) {
    running.set(pid, child);
    child.once('exit', () => running.delete(pid));
  }
  child.once('error', (error) => console.error(`${file} could not be started: ${error.message}`));
  return child;
}

/** Ends it; resolves when it is gone. Sent SIGKILL when it has not ended within 5 s. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  const impatient = setTimeout(() => child.kill('SIGKILL'), 5000);
  await gone;
  clearTimeout(impatient);
}

/** Runs a program to its end and returns its standard output. Throws with what it said when it fails. */
export function run(file: string, args: readonly string[], env = cleanEnv(), as: As = {}): string {
  const done = spawnSync(file, args, { encoding: 'utf8', env, maxBuffer: 64 * 1024 * 1024, ...as });
  if (done.status !== 0)
    throw new Error(
      `${file} ${args.join(' ')} failed: ${done.error?.message ?? done.stderr}${done.stdout ?? ''}`,
    );
  return done.stdout;
}

/** Ports free a moment ago on loopback. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

/** Asks until the answer is not null; the answers' errors count as null. Throws after `withinMs`. */
export async function until<T>(
  what: string,
  withinMs: number,
  ask: () => Promise<T | null> | T | null,
  everyMs = 10,
): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    let problem: unknown = null;
    try {
      const answer = await ask();
      if (answer !== null) return answer;
    } catch (error) {
      problem = error;
    }
    if (performance.now() > end) throw new Error(`${what}: not within ${withinMs} ms`, { cause: problem });
    await new Promise((resume) => setTimeout(resume, everyMs));
  }
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) * 1024;
}

/** Processor time that a process has used so far, in ms. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // utime and stime, in clock ticks of which Linux reports 100 a second.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Calls that wrote something (to sockets and to files) a process has made so far. */
export function writeCalls(pid: number): number {
  return Number(/^syscw: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
}
