import type { Command } from '@oclif/core/command';
import type { Applied } from '../cluster/lifecycle/faults.js';
import type { FaultRow } from '../faults/plan.js';
import { BaseCommand } from './base-command.js';

/** What a command that changes faults prints with `--json`: its change, and the nodes that applied it. */
export type Changed<T> = T & Applied;

/** Base of the commands that change the faults of a cluster. */
export abstract class FaultCommand<T extends typeof Command> extends BaseCommand<T> {
  /** Adds the fault that these words describe, and waits until the nodes have applied it. */
  protected async inject(words: readonly string[]): Promise<Changed<FaultRow>> {
    const cluster = await this.findCluster();
    const [{ changeFaults }, { parseFault }, { faultRows, withFault }] = await Promise.all([
      import('../cluster/lifecycle/faults.js'),
      import('../faults/words.js'),
      import('../faults/plan.js'),
    ]);
    const progress = await this.progress(`waiting for every node to apply ${words.join(' ')}`);
    const { plan, applied } = await changeFaults(
      cluster,
      (before, nodes) => withFault(before, parseFault(words, nodes)),
      { timeoutMs: this.timeoutMs(), signal: this.interruptible() },
    );
    progress.clear();
    const fault = faultRows(plan).at(-1)!;
    this.tell(`${fault.id}: ${fault.text}`, applied);
    return { ...fault, ...applied };
  }

  /** Prints the change, and which nodes have applied it. */
  protected tell(what: string, { confirmed, unconfirmed }: Applied): void {
    const by =
      confirmed.length > 0 ? `applied by ${confirmed.join(', ')}` : 'no node is running to apply it now';
    this.note(`${what}; ${by}`);
    for (const { node, why } of unconfirmed)
      this.note(`${node} has not confirmed it: ${why}; it will apply it when it continues`);
  }
}
