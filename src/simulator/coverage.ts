import type { Ready } from '../core/node.js';
import { buggifyPoints } from '../os/runtime.js';
import type { NodeProcess } from './process.js';
import { type RareState, rareStates } from './rare-states.js';
import { faults } from './scenario.js';

/** How often each state, fault or point was reached, and in how many runs. */
export type Coverage = Readonly<Record<string, { readonly times: number; readonly seeds: number }>>;

/**
 * Everything that a run may reach: rare states, faults, and failure points of production code (only where the host runs). `rewind`, a disk
 * put back within one start, is left out: it is detected only where other replicas remember, and has a scenario of its own
 * (`starts-unasked`).
 */
export const coverable: readonly string[] = [
  ...Object.keys(rareStates),
  ...faults.filter((fault) => fault !== 'rewind'),
  ...Object.keys(buggifyPoints).map((point) => `buggify ${point}`),
];

/** Adds what one run reached. */
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

/** Counts the rare states that the turns of all processes reach. */
export class RareStates {
  readonly #count: (state: RareState) => void;
  /** Partitions that each process drops with the batch that is being written. */
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
