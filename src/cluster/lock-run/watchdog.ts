/**
 * The program between `muster lock run` and its command: `watchdog.js CLUSTER_DIR --muster-lock=CLUSTER/NAME`, with a channel to the
 * one who started it. It starts the command, so that no command ever runs unwatched, and ends the command's whole process
 * group before the lock's deadline when it hears of no renewal (the other is stopped, or hangs), and when the channel
 * closes (the other is dead). It ends when the group is gone. It never touches its standard streams: they are the command's.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { groupAlive, signalGroup } from './group.js';
import type { Deadline, News, Order, StopReason } from './supervise.js';

/** How often it is looked whether the group is gone, in ms. */
const lookMs = 15;
/** The longest step, in ms: after a sleep of the machine the wall clock has to be looked at. */
const stepMs = 1000;

let group: number | null = null;
let graceMs = 0;
let deadline: Deadline = { mono: 0, wall: 0 };
let ended = false;
let stopping: { readonly why: StopReason; readonly killAt: number } | null = null;
let timer: NodeJS.Timeout | undefined;

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
/** How long the group may go on living, in ms, by the clock that says less. */
const left = (): number => Math.min(deadline.mono - now(), deadline.wall - Date.now());

function tell(news: News, then: () => void = () => {}): void {
  // The other may be dead: that changes nothing here.
  if (process.connected) process.send!(news, undefined, {}, () => then());
  else then();
}

function stop(why: StopReason): void {
  if (group === null || stopping !== null) return;
  stopping = { why, killAt: now() + graceMs };
  signalGroup(group, 'SIGTERM');
  tell({ type: 'stopping', why });
  look();
}

function look(): void {
  clearTimeout(timer);
  if (group === null) return;
  if (ended && !groupAlive(group)) {
    group = null;
    tell({ type: 'gone', why: stopping?.why ?? 'ended' }, () => process.exit(0));
    return;
  }
  const rest = left();
  if (stopping === null && rest <= graceMs) {
    stop('lock-lost');
    return;
  }
  if (stopping !== null && (rest <= 0 || now() >= stopping.killAt)) signalGroup(group, 'SIGKILL');
  timer = setTimeout(look, stopping ? lookMs : Math.max(1, Math.min(rest - graceMs, stepMs)));
}

const failed = (error: NodeJS.ErrnoException): void =>
  tell({ type: 'failed', code: error.code ?? '', message: error.message }, () => process.exit(0));

function run(order: Extract<Order, { type: 'run' }>): void {
  ({ graceMs, deadline } = order);
  // Starting took so long that the lock has no time left to run the command.
  if (left() <= graceMs) {
    tell({ type: 'gone', why: 'lock-lost' }, () => process.exit(0));
    return;
  }
  let child: ChildProcess;
  try {
    child = spawn(order.command, order.args, { detached: true, stdio: 'inherit', env: order.env });
  } catch (error) {
    failed(error as Error);
    return;
  }
  child.on('error', (error) => {
    if (child.pid === undefined) failed(error);
  });
  if (child.pid === undefined) return;
  group = child.pid;
  tell({ type: 'started', group });
  child.once('exit', (code, signal) => {
    ended = true;
    tell({ type: 'ended', code, signal });
    // What the command leaves behind would go on without the lock.
    stop('ended');
    look();
  });
  look();
}

process.on('message', (order: Order) => {
  if (order.type === 'run') run(order);
  else if (order.type === 'stop') stop('lock-lost');
  else if (order.type === 'signal' && group !== null) signalGroup(group, order.name);
  else if (order.type === 'until') {
    deadline = order.deadline;
    look();
  }
});
process.on('disconnect', () => {
  if (group === null) process.exit(0);
  stop('orphaned');
});
process.on('SIGTERM', () => {
  if (group === null) process.exit(0);
  stop('told');
});
process.on('SIGINT', () => {});
process.on('SIGHUP', () => {});
