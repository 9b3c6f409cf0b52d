import type { NodeEntry } from '../../src/cluster/processes/entry.js';
import { root } from '../ladder/ladder.js';

/** Nodes as they are shipped: they start four times as fast as from source, and tests that kill them have more to kill. */
export const built: NodeEntry = { execArgv: [], file: `${root}/dist/src/host/main.js` };
