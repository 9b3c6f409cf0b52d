/** The program of a node process: `main.js CLUSTER_DIR NODE --muster-node=CLUSTER/NODE`. */
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asMuster, MusterError } from '../errors.js';
import { describeFault } from '../faults/plan.js';
import { followFaults } from '../faults/store.js';
import { FaultTransport } from '../faults/transport.js';
import { readWholeSync } from '../files/whole.js';
import {
  mapCopyDir,
  mapCopyDirs,
  mapDir,
  nodeDataDir,
  processFile,
  readClusterFile,
  readToken,
  requireNode,
} from '../layout/paths.js';
import { CopyingMetastore } from '../metastore/copies.js';
import { DirectoryMetastore } from '../metastore/directory.js';
import { storePath } from '../storage/identity.js';
import { openStorage } from '../storage/open.js';
import { createWsTransport } from '../transport/ws.js';
import { pause } from '../util/pause.js';
import { Failpoints } from './failpoints.js';
import { handlersOf } from './handlers.js';
import { createLog } from './log.js';
import { NodeHost } from './node-host.js';
import { distrust } from './vouch.js';

const [dir, node] = process.argv.slice(2) as [string, string];
const log = createLog(node);

/** The last line of the log says why; the exit code is the error's. */
function die(error: unknown): never {
  const known = asMuster(error);
  const stack = known.code === 'internal' && error instanceof Error ? { stack: error.stack } : {};
  log.error({ code: known.code, details: known.details, hint: known.hint, ...stack }, known.message);
  process.exit(known.exit);
}

process.on('uncaughtException', die);
process.on('unhandledRejection', die);
// Ctrl-C in a terminal reaches the whole process group: the launcher handles it and stops the nodes.
process.on('SIGINT', () => {});
process.on('SIGHUP', () => {});

function packageVersion(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    try {
      const file = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (file.name === 'muster-cluster') return file.version as string;
    } catch {
      // Not here: look further up.
    }
    if (folder === dirname(folder)) return 'unknown';
  }
}

/** How long the launcher may take to record this process, in ms. */
const recordMs = 10_000;
/** How often the node looks whether its data folder is still there, in ms. */
const lookMs = 1000;

/**
 * Waits until the roster says that this process runs the node, which takes no longer than the loading of this
 * program. A process that was not recorded, because its launcher was killed, could not be found and stopped later: it exits.
 */
async function untilRecorded(): Promise<void> {
  const launcher = Number(process.env.MUSTER_LAUNCHER);
  const deadline = performance.now() + recordMs;
  // In this order: a launcher that has ended has written before, or never will.
  for (let orphaned = false; ; orphaned = launcher > 0 && process.ppid !== launcher) {
    try {
      const { pid } = JSON.parse(readWholeSync(processFile(dir, node)) ?? '') as { pid?: unknown };
      if (pid === process.pid) return;
    } catch {
      // Not written yet.
    }
    if (orphaned || performance.now() > deadline) {
      throw new MusterError('node-failed', 'launcher exited before recording this process', {
        details: { node },
      });
    }
    await pause(10);
  }
}

/** Ends the node when its data folder is removed: it could store nothing, and no command could find its process. */
function watchFolder(dataDir: string): void {
  const look = () =>
    stat(storePath(dataDir)).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') return;
      die(
        new MusterError('storage-failed', `data folder ${dataDir} no longer exists`, {
          details: { path: dataDir, node },
          cause,
        }),
      );
    });
  setInterval(look, lookMs).unref();
}

/** The transport with the cluster's faults, from its first message on. */
function faultyTransport(): FaultTransport {
  const transport = new FaultTransport(createWsTransport());
  followFaults(dir, {
    apply: (plan) => {
      const never = transport.plan.revision === 0 && plan.revision === 0;
      transport.apply(plan);
      if (never) return;
      const faults = plan.faults.map((fault) => `${fault.id} ${describeFault(fault)}`).join('; ');
      log.info({ faultRevision: plan.revision }, `network faults: ${faults || 'none'}`);
    },
    unreadable: (error) => log.warn({ code: error.code }, `${error.message}; keeping the current faults`),
  });
  return transport;
}

async function main(): Promise<void> {
  if (dir === undefined || node === undefined)
    throw new MusterError('usage', 'missing arguments: expected a cluster folder and a node name');
  const file = readClusterFile(dir);
  const { port } = requireNode(file, node);
  const services = await handlersOf(file, dir, node, log);
  await untilRecorded();
  const metastore = new CopyingMetastore(new DirectoryMetastore(mapDir(dir)), {
    copy: mapCopyDir(dir, node),
    copies: () => mapCopyDirs(dir),
    cluster: file.name,
    changed: (error) => {
      if (error === null) log.info({}, 'cluster map is up to date again');
      else log.warn({ code: error.code, hint: error.hint }, `${error.message}; serving stopped`);
    },
  });
  const map = await metastore.first();
  if (map === null)
    throw new MusterError('metastore-unavailable', `no cluster map in ${mapDir(dir)}`, {
      details: { path: mapDir(dir) },
    });
  const member = map.members[node];
  if (member === undefined)
    throw new MusterError('unknown-node', `${node} is not a member of cluster "${basename(dir)}"`, {
      details: { node },
    });
  const dataDir = nodeDataDir(dir, node);
  const { durability } = map.settings;
  const storage = await openStorage({
    dir: dataDir,
    durability,
    distrust: (start) => distrust(member, start),
  });
  for (const note of storage.recovered.notes) log.warn({}, note);
  const transport = faultyTransport();
  let host: NodeHost | null = null;
  let stopping = false;
  const stop = (why: string): void => {
    if (stopping) return;
    stopping = true;
    log.info({}, `stopping: ${why}`);
    (host?.stop() ?? Promise.resolve()).then(
      () => {
        log.info({}, 'stopped');
        process.exit(0);
      },
      (error) => die(error),
    );
  };
  host = await NodeHost.start({
    node,
    cluster: file.cluster,
    folder: dir,
    version: packageVersion(),
    token: readToken(dir),
    host: file.host,
    port,
    storage,
    metastore,
    transport,
    faultRevision: () => transport.plan.revision,
    failpoints: new Failpoints(dir, node, () => transport.plan),
    services,
    log,
    fatal: die,
    left: () => stop('drained, no longer a member of the cluster'),
  });
  log.info(
    { url: host.url, store: storage.recovered.store, incarnation: storage.recovered.boot, pid: process.pid },
    'node is up',
  );

  watchFolder(dataDir);
  process.on('SIGTERM', () => stop('received SIGTERM'));
  if (process.env.MUSTER_TETHERED === '1') {
    process.stdin.on('end', () => stop('parent process exited'));
    process.stdin.on('error', () => stop('parent process exited'));
    process.stdin.resume();
  }
}

main().catch(die);
