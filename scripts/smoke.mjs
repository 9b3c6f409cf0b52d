// What `npm test` cannot show, for .ci/run: the built program on other Nodes, the package installed elsewhere, and
// `npm run demo` in a tree where nothing is installed or built. Everything happens in one temporary folder; nothing is left
// behind, no process either, and a process that would be is a failure.
//   node scripts/smoke.mjs [node22] [node24] [pack] [demo]      all of them when none is named
// MUSTER_SMOKE_REPORT names a file that gets {passed, failed, skipped} as JSON.
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensure, root } from './ensure.mjs';

const temporary = realpathSync(mkdtempSync(join(tmpdir(), 'muster-smoke-')));
const say = (text) => process.stdout.write(`${text}\n`);
const assert = (condition, message) => {
  if (!condition) throw new Error(message);
};

/** The environment of a person who has nothing of ours set, and whose only muster lives in `home`. */
function environment(home) {
  const ours = /^(MUSTER_|npm_|INIT_CWD$|NODE_OPTIONS$|VITEST)/;
  const kept = Object.entries(process.env).filter(
    ([name]) => !ours.test(name) || name.toLowerCase().startsWith('npm_config_'),
  );
  return { ...Object.fromEntries(kept), MUSTER_HOME: home };
}

/** Runs a command to its end; fails with what it said when its exit code is not 0. Gives stdout. */
function run(file, args, { cwd = temporary, home = join(temporary, 'home'), minutes = 5 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env: environment(home), stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), minutes * 60_000);
    let stdout = '';
    let all = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      all += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      all += text;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(stdout);
      else
        reject(new Error(`${[file, ...args].join(' ')} ended with ${signal ?? code}:\n${all.slice(-4000)}`));
    });
  });
}

const npm = (args, options) => run('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], options);

/** Processes whose command line names a path below `folder`. Linux only; elsewhere none are seen. */
function processesBelow(folder) {
  if (!existsSync('/proc/self/cmdline')) return [];
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** The main job, with `node` as the Node and `program` as muster's bin/run.js: count, kill -9, count, stop, start, read; and then `more`. */
async function mainJob(node, program, home, more = async () => {}) {
  mkdirSync(home, { recursive: true });
  const muster = (...words) => run(node, [program, ...words, '--cluster', 'smoke'], { home, minutes: 2 });
  const json = async (...words) => JSON.parse(await muster(...words, '--json'));
  const started = await json('cluster', 'start', '-n', '3');
  if (existsSync('/proc')) {
    for (const { id, pid } of started.nodes) {
      assert(
        realpathSync(`/proc/${pid}/exe`) === realpathSync(node),
        `${id} runs on another Node than ${node}`,
      );
    }
  }
  assert((await json('counter', 'incr', 'hits')).value === 1, 'the first increment must give 1');
  await muster('kv', 'put', 'greeting', 'hello');
  const { pid } = await json('node', 'kill', '--role', 'primary', '--of', 'hits');
  assert(
    started.nodes.some((row) => row.pid === pid),
    'the process killed must be one of those started',
  );
  assert((await json('counter', 'incr', 'hits')).value === 2, 'the increment after kill -9 must give 2');
  await muster('cluster', 'stop');
  const left = processesBelow(home);
  assert(left.length === 0, `cluster stop left processes: ${left.join(', ')}`);
  await json('cluster', 'start');
  await muster('wait', '--for', 'in-sync');
  assert((await json('counter', 'get', 'hits')).value === 2, 'the counter must be 2 after stop and start');
  assert(
    (await muster('kv', 'get', 'greeting')) === 'hello\n',
    'the value must be there after stop and start',
  );
  await more();
  await muster('cluster', 'stop');
  await muster('cluster', 'destroy', '--yes');
  assert(processesBelow(home).length === 0, 'processes are left after stop and destroy');
}

/** Installs the given Node from the registry, as the package that holds its binary; gives the path of the binary. */
async function nodeBinary(major) {
  const prefix = join(temporary, `node${major}`);
  mkdirSync(prefix);
  const quiet = ['--prefix', prefix, '--no-save', '--no-package-lock'];
  // What npm's `node` package fetches by an install script, which newer npms do not run unasked.
  const packages = [`node-${process.platform}-${process.arch}@${major}`, `node@${major}`];
  for (const name of packages) {
    try {
      await npm(['install', name, ...quiet]);
      const path = join(prefix, 'node_modules', name.slice(0, name.lastIndexOf('@')), 'bin/node');
      const version = (await run(path, ['--version'])).trim();
      assert(version.startsWith(`v${major}.`), `${name} holds ${version}`);
      return { path, version };
    } catch (error) {
      if (name === packages.at(-1)) throw error;
    }
  }
}

/** A data folder that one Node holds must be locked for the other, in whichever order: what they make of a lock's name differs. */
async function lockedForBoth(one, other) {
  const file = join(temporary, 'lock.mjs');
  const lock = JSON.stringify(pathToFileURL(join(root, 'src/storage/lock.ts')).href);
  writeFileSync(
    file,
    `import { spawnSync } from 'node:child_process';
const { lockFolder } = await import(${lock});
const [, file, folder, next] = process.argv;
const outcome = await lockFolder(folder).then(() => 'taken', ({ code }) => code);
if (next === undefined) console.log(outcome);
else console.log(outcome, spawnSync(next, [...process.execArgv, file, folder], { encoding: 'utf8' }).stdout.trim());
process.exit();
`,
  );
  const tsx = import.meta.resolve('tsx');
  for (const [first, second] of [
    [one, other],
    [other, one],
  ]) {
    const said = (await run(first, ['--import', tsx, file, temporary, second])).trim();
    assert(said === 'taken storage-locked', `${first} held a folder, and ${second} said: ${said}`);
  }
}

async function onNode(major) {
  const { path, version } = await nodeBinary(major);
  await lockedForBoth(process.execPath, path);
  await mainJob(path, join(root, 'bin/run.js'), join(temporary, `home-${major}`));
  rmSync(join(temporary, `node${major}`), { recursive: true, force: true });
  return `Node ${version}: 3 nodes, a primary killed, both increments and the value there after stop and start; a folder in use is locked for it and for ${process.version}`;
}

async function packed() {
  const app = join(temporary, 'app');
  mkdirSync(app);
  await npm(['pack', '--pack-destination', app], { cwd: root });
  const tarball = readdirSync(app).find((file) => file.endsWith('.tgz'));
  writeFileSync(join(app, 'package.json'), '{"name":"app","private":true,"type":"module"}\n');
  await npm(['install', join(app, tarball)], { cwd: app });
  const program = realpathSync(join(app, 'node_modules/.bin/muster'));
  const home = join(temporary, 'home-pack');
  const use = `import { connect } from 'muster-cluster';
const client = await connect({ cluster: 'smoke' });
const value: number = await client.counter.incr('hits', 5);
await client.close();
console.log(value);
`;
  writeFileSync(join(app, 'use.mjs'), use.replace(': number', ''));
  await mainJob(process.execPath, program, home, async () => {
    const printed = await run(process.execPath, ['use.mjs'], { cwd: app, home });
    assert(printed === '7\n', 'the library must count on to 7');
  });
  writeFileSync(join(app, 'use.ts'), use.replace('console.log(value);\n', 'export default value;\n'));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const compilerOptions = { noEmit: true, strict: true, target: 'es2022', module: 'nodenext', types: [] };
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
  await run(process.execPath, [tsc, '-p', app], { cwd: app });
  const inside = readdirSync(join(app, 'node_modules/muster-cluster'), { recursive: true, encoding: 'utf8' });
  const strange = inside.filter((file) => /(^|[\\/])(test|benchmarks|shared)([\\/]|$)/.test(file));
  assert(strange.length === 0, `the package holds what it should not: ${strange.slice(0, 3).join(', ')}`);
  return `${tarball}: installed elsewhere, program, library and types work (${inside.length} files)`;
}

async function demo() {
  const clone = join(temporary, 'clone');
  const left = new Set(['node_modules', 'dist', '.git', '.deps', 'oclif.manifest.json']);
  cpSync(root, clone, {
    recursive: true,
    filter: (from) =>
      !relative(root, from)
        .split(sep)
        .some((part) => left.has(part)),
  });
  const home = join(temporary, 'home-demo');
  const report = JSON.parse(
    await run('npm', ['run', '--silent', 'demo', '--', '--for', '5s', '--json'], { cwd: clone, home }),
  );
  assert(report.verdict === 'ok', `the demo's verdict is ${report.verdict}`);
  return 'npm run demo in a tree with nothing installed: verdict ok';
}

const all = { node22: () => onNode(22), node24: () => onNode(24), pack: packed, demo };
const asked = process.argv.slice(2);
const unknown = asked.find((name) => !Object.hasOwn(all, name));
if (unknown !== undefined) {
  process.stderr.write(`Error: there is no smoke "${unknown}"; there are ${Object.keys(all).join(', ')}\n`);
  process.exit(2);
}
ensure({ types: true });
const counts = { passed: 0, failed: 0, skipped: 0 };
try {
  for (const name of asked.length > 0 ? asked : Object.keys(all)) {
    const begin = performance.now();
    const seconds = () => `${((performance.now() - begin) / 1000).toFixed(1)} s`;
    try {
      const text = await all[name]();
      counts.passed++;
      say(`✓ ${name}: ${text} (${seconds()})`);
    } catch (error) {
      counts.failed++;
      say(`✗ ${name}: ${error.message} (${seconds()})`);
    }
    // Found by pid and by their path in our own folder; after a success there are none.
    await endAll(processesBelow(temporary));
  }
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
if (process.env.MUSTER_SMOKE_REPORT)
  writeFileSync(process.env.MUSTER_SMOKE_REPORT, `${JSON.stringify(counts)}\n`);
process.exitCode = counts.failed === 0 ? 0 : 1;

async function endAll(pids) {
  const kill = (pid, signal) => {
    try {
      process.kill(pid, signal);
      return true;
    } catch {
      return false;
    }
  };
  for (const pid of pids) kill(pid, 'SIGTERM');
  for (let i = 0; i < 100 && pids.some((pid) => kill(pid, 0)); i++)
    await new Promise((resume) => setTimeout(resume, 50));
  for (const pid of pids) if (kill(pid, 0)) kill(pid, 'SIGKILL');
}
