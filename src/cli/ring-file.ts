import { writeFileSync } from 'node:fs';
import { applyChange, type MapChange } from '../core/map/changes.js';
import { type ClusterMap, nodeOf } from '../core/map/types.js';
import { MusterError } from '../errors.js';
import { ringSvg } from '../render/ring/svg.js';
import { plural } from '../text/format.js';

/** Draws the ring into a file; with a change, before and after it. Rejects with `usage` when the file cannot be written. */
export function writeRingSvg(path: string, map: ClusterMap, change?: MapChange): void {
  const after = change === undefined ? null : applyChange(map, change);
  const members = Object.values({ ...map.members, ...after?.members });
  const copies = change?.placement?.copies.length ?? 0;
  const svg = ringSvg({
    title: `cluster ${map.name}, revision ${map.revision}`,
    partitions: map.partitions.map(({ primary }, p) => ({
      primary: nodeOf(primary),
      ...(after === null ? {} : { after: after.partitions[p]?.target[0] ?? nodeOf(primary) }),
    })),
    nodes: members.map(({ id, weight, state }) => ({ id, weight, state })),
    ...(change?.placement === undefined
      ? {}
      : {
          subtitle: `${change.placement.cause}: ${plural(copies, 'replica')} of ${map.partitions.length * map.settings.replicas} to copy (minimum ${change.placement.least})`,
        }),
  });
  try {
    writeFileSync(path, svg);
  } catch (cause) {
    throw new MusterError('usage', `cannot write ${path}: ${(cause as Error).message}`, {
      tookEffect: 'no',
      cause,
    });
  }
}
