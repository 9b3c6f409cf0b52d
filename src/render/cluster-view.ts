import { stateOf } from '../cluster/observe/overview-events.js';
import { type ClusterStatus, type NodeRow, noProcess } from '../cluster/observe/status.js';
import { formatDuration } from '../text/duration.js';
import { plural, ranges } from '../text/format.js';
import { formatBytes } from './bytes.js';
import type { Column } from './table.js';
import type { Paint } from './terminal.js';

const stateColor = (row: NodeRow, paint: Paint): ((text: string) => string) =>
  row.state === 'down' ? paint.red : row.state === 'paused' || !row.reachable ? paint.yellow : paint.green;

/** Where a node listens, short enough that a table fits 80 columns. */
export const addressColumn: Column<NodeRow> = {
  title: 'ADDRESS',
  of: (row) => row.url?.replace(/^ws:\/\//, '') ?? null,
};

/** The columns of a table of nodes; the dead, paused and silent (alive, and not answering) are rows like the others. */
export const nodeColumns: readonly Column<NodeRow>[] = [
  { title: 'NODE', of: (row) => row.id },
  {
    title: 'STATE',
    of: stateOf,
    paint: stateColor,
  },
  { title: 'PID', of: (row) => row.pid, align: 'right' },
  addressColumn,
  { title: 'PRIMARY', of: (row) => row.primaries, align: 'right' },
  { title: 'BACKUP', of: (row) => row.backups, align: 'right' },
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

/** What the cluster promises, in one line. */
export const clusterLine = (status: ClusterStatus, paint: Paint): string =>
  `Cluster ${paint.bold(status.cluster)}: ${plural(status.replicas, 'replica')}, min-in-sync ${status.minInSync}, ` +
  `durability ${status.durability}, cluster map revision ${status.revision}\n`;

/** One line on the partitions, one on those that lack replicas, and one for each node that is silent or ended by an error. */
export function partitionLines(status: ClusterStatus, paint: Paint): string {
  const { total, serving, inSync, lacking } = status.partitions;
  const share = (n: number) => (n === total ? paint.green : paint.yellow)(`${n} of ${total}`);
  let text = `Partitions: ${share(serving)} available, ${share(inSync)} in sync.\n`;
  if (lacking.length > 0) {
    const more = total - inSync > lacking.length ? ', …' : '';
    text += `Under-replicated partitions: ${ranges(lacking.map((p) => p.partition))}${more}.\n`;
  }
  for (const node of status.nodes) {
    const told = node.state === 'down' ? node.problem !== noProcess : node.state === 'up' && !node.reachable;
    if (told && node.problem !== null) text += `${node.id}: ${node.problem.replace(/\.?$/, '.')}\n`;
  }
  return text;
}

/** A warning when the cluster map has a problem, else empty. */
export const mapLines = ({ mapProblem }: ClusterStatus, paint: Paint): string =>
  mapProblem === null ? '' : `${paint.red('Warning:')} ${mapProblem}\n`;

/** One line for each network fault, or one that says why the plan cannot be read. */
export function faultLines({ faults, faultProblem }: ClusterStatus, paint: Paint): string {
  if (faultProblem !== null) return `${paint.yellow('Faults:')} ${faultProblem}\n`;
  return faults.map(({ id, text }) => `${paint.yellow(`Fault ${id}:`)} ${text}\n`).join('');
}
