import type { Ready } from '../core/node.js';
import { buggifyPoints } from '../os/runtime.js';
import type { NodeProcess } from './process.js';
import { faults } from './scenario.js';

/**
 * Rare states that a run may come to, and what each is. A simulation that never comes to one of them proves nothing about it:
 * `muster simulate --coverage` counts them.
 */
export const rareStates = {
  'drop in flight': 'a copy begins anew while the drop of the one before it is not on disk',
  'late publish applied': 'a publish of unknown outcome takes effect later',
  'late publish refused': 'a publish of unknown outcome comes too late',
  'participant asked': 'a participant that has heard nothing asks what became of a transaction',
  'coordinator asked': 'a new coordinator asks who has prepared',
  'wiped in hand-over': 'a disk is lost that takes part in a hand-over',
  'two processes': 'two processes of one node run at once',
  'killed in recovery': 'a process is killed before it has recovered',
  'power failure': 'all machines lose power at once',
  'log was torn': 'recovery finds a torn end of the log',
  'log was compared': 'a damaged log is compared with others before it leads',
  'rot was noticed': 'a store with a flipped bit is refused',
  'disk failed': 'a write of the log fails, and the node ends',
  'checkpoint failed': 'a checkpoint fails and the node continues',
  'session expired': 'an operation is refused for its session has expired',
  'copy in pieces': 'a snapshot is sent in more than one piece',
} as const satisfies Record<string, string>;
export type RareState = keyof typeof rareStates;

/** How often each thing that can be met was met, and in how many runs. */
export type Coverage = Readonly<Record<string, { readonly times: number; readonly seeds: number }>>;

/**
 * Everything that a run may meet: rare states, faults, and points of production code (only where the host runs). A disk that is put
 * back within one start is noticed only where others remember, and has a scenario of its own (`starts-unasked`).
 */
export const coverable: readonly string[] = [
  ...Object.keys(rareStates),
  ...faults.filter((fault) => fault !== 'rewind'),
  ...Object.keys(buggifyPoints).map((point) => `buggify ${point}`),
];

/** Adds what one run met. */
export function addCoverage(
  to: Record<string, { times: number; seeds: number }>,
  met: Readonly<Record<string, number>>,
): void {
  for (const [name, times] of Object.entries(met)) {
    if (times === 0) continue;
    to[name] ??= { times: 0, seeds: 0 };
    to[name].times += times;
    to[name].seeds++;
  }
}

/** Watches the turns of all processes for rare states. */
export class RareStates {
  readonly #count: (state: RareState) => void;
  /** Partitions that each process drops with the batch that it is writing. */
  readonly #dropping = new WeakMap<NodeProcess, ReadonlySet<number>>();

  constructor(count: (state: RareState) => void) {
    this.#count = count;
  }

  turn(process: NodeProcess, ready: Ready): void {
    if (ready.write !== null) {
      const drops = ready.write.filter(({ type }) => type === 'drop').map(({ partition }) => partition);
      this.#dropping.set(process, new Set(drops));
    }
    const dropping = this.#dropping.get(process);
    if (dropping !== undefined && dropping.size > 0) {
      const again = [...dropping].filter((p) => process.core.replicas.has(p));
      for (const _ of again) this.#count('drop in flight');
      if (again.length > 0) this.#dropping.set(process, new Set());
    }
    if (ready.damaged === false) this.#count('log was compared');
    for (const { message } of ready.send) {
      if (message.type === 'tx-query') this.#count('participant asked');
      else if (message.type === 'tx-ask') this.#count('coordinator asked');
      else if (message.type === 'snapshot' && message.index === 0 && !message.last)
        this.#count('copy in pieces');
    }
    for (const { response } of ready.reply)
      if (!response.ok && response.code === 'session-expired') this.#count('session expired');
      else if (
        response.ok &&
        response.type === 'write' &&
        !response.result.ok &&
        response.result.code === 'session-expired'
      )
        this.#count('session expired');
  }
}
