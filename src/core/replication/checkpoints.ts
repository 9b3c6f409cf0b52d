import type { CheckpointDelta } from '../machine/types.js';
import type { Replica } from './replica.js';

export interface CheckpointPart {
  readonly deltas: CheckpointDelta[];
  /** The partition to go on from; null: that was all. */
  readonly next: number | null;
}

/**
 * Applied state that changed since it was last taken, to be made durable; the log before it may then go. From partition
 * `from` on, and no more partitions once `most` cells are reached.
 */
export function takeCheckpoint(
  replicas: ReadonlyMap<number, Replica>,
  from: number,
  most: number,
): CheckpointPart {
  const deltas: CheckpointDelta[] = [];
  let cells = 0;
  const partitions = [...replicas.keys()].filter((p) => p >= from).sort((a, b) => a - b);
  for (const p of partitions) {
    if (cells >= most) return { deltas, next: p };
    const delta = replicas.get(p)?.takeDelta() ?? null;
    if (delta === null) continue;
    deltas.push(delta);
    cells += delta.cells.length + 1;
  }
  return { deltas, next: null };
}
