import type { Command } from '@oclif/core/command';
import type { Applied } from '../cluster/lifecycle/faults.js';
import type { FaultRow } from '../faults/plan.js';
import { BaseCommand } from './base-command.js';

/** What a command that changed the faults prints with `--json`, beside what it did. */
export type Changed<T> = T & Applied;

/** What the commands that change the faults of a cluster have in common. */
export abstract class FaultCommand<T extends typeof Command> extends BaseCommand<T> {
  /** Adds the fault of these words, and waits until the nodes have applied it. */
  protected async inject(words: readonly string[]): Promise<Changed<FaultRow>> {
    const cluster = await this.findCluster();
    const [{ changeFaults }, { parseFault }, { faultRows, withFault }] = await Promise.all([
      import('../cluster/lifecycle/faults.js'),
      import('../faults/words.js'),
      import('../faults/plan.js'),
    ]);
    const progress = await this.progress(`waiting until every node has applied ${words.join(' ')}`);
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

  /** Says what was done, and which nodes have applied it. */
  protected tell(what: string, { confirmed, unconfirmed }: Applied): void {
    const by =
      confirmed.length > 0 ? `applied by ${confirmed.join(', ')}` : 'no node runs that could apply it now';
    this.note(`${what}; ${by}.`);
    for (const { node, why } of unconfirmed)
      this.note(`${node} has not confirmed it: ${why}. It applies it when it goes on.`);
  }
}
