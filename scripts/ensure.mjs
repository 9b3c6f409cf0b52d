// Makes a fresh clone ready to run: installs what package-lock.json names when that is not installed, and builds
// dist/ when it is missing or was built from other sources. Both questions are answered by content, not by time
// stamps, in some ten milliseconds. `npm test` and `npm run demo` begin with it.
//   node scripts/ensure.mjs [--types] [--force]     --types: with declarations; --force: builds in any case
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stampFile = join(root, 'dist', '.built.json');
/** What the build makes its result from, beside `package.json` and the lock file. */
const sources = [
  'src',
  'commands',
  'scripts/build.mjs',
  'scripts/page.mjs',
  'scripts/types.mjs',
  'scripts/notices.mjs',
  'tsconfig.json',
];
const products = [
  'dist/cli.cjs',
  'dist/gateway.cjs',
  'dist/asking.cjs',
  'dist/complete.cjs',
  'dist/dashboard.html',
  'dist/src/host/main.js',
  'dist/src/cluster/lock-run/watchdog.js',
  'dist/src/index.js',
  'oclif.manifest.json',
];

const readJson = (path) => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
};

const say = (text) => process.stderr.write(`${text}\n`);

/** Ends the process with a message and exit code 1. */
function fail(message) {
  say(`Error: ${message}`);
  process.exit(1);
}

/** Is Node new enough for what package.json asks? */
function checkNode() {
  const wanted = /(\d+)\.(\d+)/.exec(readJson(join(root, 'package.json')).engines.node);
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [needMajor, needMinor] = [Number(wanted[1]), Number(wanted[2])];
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  fail(
    `muster needs Node ${needMajor}.${needMinor} or later; this is ${process.version} (${process.execPath}).`,
  );
}

/** What the lock file names and node_modules lacks, or holds in another version. Optional packages may be absent. */
export function missingPackages() {
  const wanted = readJson(join(root, 'package-lock.json'))?.packages ?? {};
  const have = readJson(join(root, 'node_modules/.package-lock.json'))?.packages ?? {};
  return Object.entries(wanted)
    .filter(([path, entry]) => {
      if (path === '' || entry.link) return false;
      const found = have[path];
      if (found === undefined)
        return entry.optional !== true && entry.devOptional !== true && entry.peer !== true;
      return found.version !== entry.version;
    })
    .map(([path]) => path.replace(/^.*node_modules\//, ''));
}

function npm(words) {
  // npm's own script when npm started us: there may be several npms on a machine, or none on the PATH.
  const { npm_execpath: script } = process.env;
  const [file, args] = script ? [process.execPath, [script, ...words]] : ['npm', words];
  // stdout stays free for the data of whatever runs next.
  return spawnSync(file, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: !script && process.platform === 'win32',
  });
}

function install() {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const some = missing.slice(0, 3).join(', ');
  say(
    `Installing packages (${missing.length} are missing or outdated: ${some}${missing.length > 3 ? ', …' : ''}) …`,
  );
  const common = ['--no-audit', '--no-fund', '--loglevel=error', '--include=dev'];
  // Not `npm ci`: the lock file names the binaries of the platform it was made on, and `ci` refuses it on any other.
  const done = npm(['install', ...common]);
  const still = missingPackages();
  if (done.status === 0 && still.length === 0) return;
  fail(
    `the packages could not be installed (${done.error?.message ?? `npm install: exit code ${done.status}`}${still.length > 0 ? `; ${still[0]} is missing` : ''}). ` +
      'Nothing else was done. Is the package registry reachable, and the disk not full? Then run the same command again.',
  );
}

/** A digest of everything the build reads. */
export function sourceDigest() {
  const files = ['package.json', 'package-lock.json'];
  for (const source of sources) {
    if (/\.\w+$/.test(source)) files.push(source);
    else {
      for (const name of readdirSync(join(root, source), { recursive: true })) {
        if (/\.([cm]?[jt]s|html|css|json)$/.test(name)) files.push(`${source}/${name.split('\\').join('/')}`);
      }
    }
  }
  const hash = createHash('sha256');
  for (const file of files.sort()) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

function buildIfNeeded({ types, force }) {
  const digest = sourceDigest();
  const stamp = readJson(stampFile);
  const whole = products.every((file) => existsSync(join(root, file)));
  if (!force && whole && stamp?.digest === digest && (stamp.types || !types)) return;
  const args = [join(root, 'scripts/build.mjs'), ...(types ? ['--types'] : [])];
  const built = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (built.status !== 0)
    fail(`the build failed (${built.error?.message ?? `exit code ${built.status}`}); see above.`);
  writeFileSync(stampFile, `${JSON.stringify({ digest, types })}\n`);
}

/** Installs and builds what is missing; tells of it on stderr; ends the process with exit code 1 when that fails. */
export function ensure({ types = false, force = false } = {}) {
  checkNode();
  install();
  buildIfNeeded({ types, force });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  ensure({ types: process.argv.includes('--types'), force: process.argv.includes('--force') });
}
