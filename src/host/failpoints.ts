import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeId } from '../core/map/types.js';
import type { TxStep } from '../core/messages.js';
import { type ArmAction, armedAt, type FaultPlan } from '../faults/plan.js';
import { readWholeSync } from '../files/whole.js';
import { nodeDir } from '../layout/paths.js';

/** A fault that strikes at a step of a transaction. */
export interface Struck {
  readonly action: ArmAction;
  readonly step: TxStep;
  readonly id: string;
}

/** Where armed faults strike; each at most once. */
export interface Arms {
  /** What is to happen at these steps; null: nothing. */
  strike(steps: readonly { readonly step: TxStep }[]): Struck | null;
}

/** The faults armed on this node. Each strikes once, in this life of the node or another: which have is written down before they do. */
export class Failpoints implements Arms {
  readonly #struck: Set<string>;
  readonly #path: string;
  readonly #node: NodeId;
  readonly #plan: () => FaultPlan;

  constructor(dir: string, node: NodeId, plan: () => FaultPlan) {
    this.#path = join(nodeDir(dir, node), 'struck');
    this.#node = node;
    this.#plan = plan;
    this.#struck = new Set(read(this.#path));
  }

  strike(steps: readonly { readonly step: TxStep }[]): Struck | null {
    if (steps.length === 0) return null;
    const plan = this.#plan();
    if (plan.faults.length === 0) return null;
    for (const { step } of steps) {
      const fault = armedAt(plan, this.#node, step, this.#struck);
      if (fault === undefined) continue;
      this.#struck.add(fault.id);
      appendFileSync(this.#path, `${fault.id}\n`, { mode: 0o600 });
      return { action: fault.action, step, id: fault.id };
    }
    return null;
  }
}

function read(path: string): string[] {
  try {
    return (readWholeSync(path) ?? '').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}
