import { spawnSync } from 'node:child_process';

const has = (program: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;

/** Installs the Debian packages whose programs are missing; their services are not started. Needs root; throws with apt's own words. */
export function needPrograms(programs: Readonly<Record<string, string>>): void {
  const packages = Object.keys(programs).filter((program) => !has(program));
  if (packages.length === 0) return;
  const wanted = [...new Set(packages.map((program) => programs[program]!))];
  console.error(`installing ${wanted.join(', ')} …`);
  // RUNLEVEL=1 keeps the packages' scripts from starting daemons on the usual ports.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', ...wanted],
  ]) {
    const done = spawnSync('apt-get', args, { encoding: 'utf8', env });
    if (done.status !== 0)
      throw new Error(`apt-get ${args[0]} failed: ${done.stderr ?? done.error?.message}`);
  }
}

/** Debian keeps its servers' programs off the PATH, in a folder for each version. */
export const POSTGRES_BIN = '/usr/lib/postgresql/15/bin';
export const POSTGRES = { [`${POSTGRES_BIN}/postgres`]: 'postgresql-15' } as const;
export const ETCD = { etcd: 'etcd-server' } as const;
export const REDIS = { 'redis-server': 'redis-server', 'redis-cli': 'redis-tools' } as const;
export const DOORS = { nginx: 'nginx-light', haproxy: 'haproxy', wrk: 'wrk' } as const;
