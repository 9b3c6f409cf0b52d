import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../.deps', import.meta.url));

/** The peers that benchmarks run beside muster, pinned, so that figures stay comparable. */
const pinned = {
  'consistent-hash': '1.2.2',
  'node-hashring': '1.0.2',
  hashring: '3.2.0',
  ketama: '1.0.0',
  'rendezvous-hash': '1.0.1',
  etcd3: '1.1.2',
  pg: '8.23.1',
  moleculer: '0.14.35',
} as const;

export type Peer = keyof typeof pinned;

/**
 * Installs the given packages into `benchmarks/.deps` (git-ignored) when they are not there in the pinned
 * version, without their install scripts. Returns a `require` that finds them. Throws with npm's own words
 * when npm fails.
 */
export function peers(...names: Peer[]): NodeJS.Require {
  mkdirSync(folder, { recursive: true });
  const own = `${folder}/package.json`;
  // npm takes the nearest folder with a package.json for the project: without this one, muster's.
  if (!existsSync(own)) writeFileSync(own, '{ "private": true }\n');
  const missing = names.filter((name) => installed(name) !== pinned[name]);
  if (missing.length > 0) {
    // `--no-save` would prune what an earlier benchmark installed, so all are named.
    const present = (Object.keys(pinned) as Peer[]).filter((name) => installed(name) === pinned[name]);
    const wanted = [...missing, ...present].map((name) => `${name}@${pinned[name]}`);
    const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder];
    const run = spawnSync('npm', ['install', ...options, ...wanted], { cwd: folder, encoding: 'utf8' });
    if (run.status !== 0)
      throw new Error(`npm could not install ${missing.join(', ')}: ${run.stderr ?? run.error}`);
  }
  return createRequire(`${folder}/package.json`);
}

function installed(name: string): string | null {
  try {
    return JSON.parse(readFileSync(`${folder}/node_modules/${name}/package.json`, 'utf8')).version;
  } catch {
    return null;
  }
}
