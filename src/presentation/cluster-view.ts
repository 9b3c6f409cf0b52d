import type { ClusterStatus, NodeRow } from '../cluster/status.js';
import { formatBytes } from './bytes.js';
import { formatDuration } from './duration.js';
import { plural, ranges } from './format.js';
import type { Column } from './table.js';
import type { Paint } from './terminal.js';

const stateColor = (row: NodeRow, paint: Paint): ((text: string) => string) =>
  row.state === 'down' ? paint.red : row.state === 'paused' || !row.reachable ? paint.yellow : paint.green;

/** The columns of a table of nodes; the dead and unreachable are rows like the others. */
export const nodeColumns: readonly Column<NodeRow>[] = [
  { title: 'NODE', of: (row) => row.id },
  {
    title: 'STATE',
    of: (row) => (row.state === 'up' && !row.reachable ? 'up, no answer' : row.state),
    paint: stateColor,
  },
  { title: 'PID', of: (row) => row.pid, align: 'right' },
  { title: 'URL', of: (row) => row.url },
  { title: 'PRIMARY OF', of: (row) => row.primaries, align: 'right' },
  { title: 'BACKUP OF', of: (row) => row.backups, align: 'right' },
  { title: 'STARTS', of: (row) => row.incarnation, align: 'right' },
  {
    title: 'UPTIME',
    of: (row) => (row.uptimeMs === null ? null : formatDuration(row.uptimeMs)),
    align: 'right',
  },
  {
    title: 'MEMORY',
    of: (row) => (row.rssBytes === null ? null : formatBytes(row.rssBytes)),
    align: 'right',
  },
];

/** One line on the partitions, and one on those that lack replicas. */
export function partitionLines(status: ClusterStatus, paint: Paint): string {
  const { total, serving, inSync, lacking } = status.partitions;
  const share = (n: number) => (n === total ? paint.green : paint.yellow)(`${n} of ${total}`);
  let text = `Partitions: ${share(serving)} serving, ${share(inSync)} fully in sync (${plural(status.replicas, 'replica')}, at least ${status.minInSync} for a write).\n`;
  if (lacking.length > 0) {
    const more = total - inSync > lacking.length ? ', …' : '';
    text += `Lacking replicas: ${ranges(lacking.map((p) => p.partition))}${more}.\n`;
  }
  return text;
}
