import type { MusterClient } from '../client/api.js';
import type { LocalCluster } from '../cluster/folder/registry.js';
import { waitFor } from '../cluster/observe/wait.js';
import type { PartitionSize, PlacementPlan } from '../cluster/placement/placing.js';
import { progressOf } from '../cluster/placement/placing.js';
import type { ClusterMap, Copy } from '../core/map/types.js';
import { MusterError } from '../errors.js';
import { bar } from '../render/bar.js';
import { formatBytes } from '../render/bytes.js';
import type { Column } from '../render/table.js';
import { unicodeOn } from '../render/terminal.js';
import { percent, plural } from '../text/format.js';

/** Copies between two members, together. `bytes` counts characters of keys and values, which is bytes for ASCII. */
export interface MoveRow {
  readonly from: string | null;
  readonly to: string;
  readonly partitions: number;
  readonly keys: number | null;
  readonly bytes: number | null;
}

export const moveColumns: readonly Column<MoveRow>[] = [
  { title: 'FROM', of: (row) => row.from ?? '-' },
  { title: 'TO', of: (row) => row.to },
  { title: 'PARTITIONS', of: (row) => row.partitions, align: 'right' },
  { title: 'KEYS', of: (row) => row.keys, align: 'right' },
  { title: 'BYTES', of: (row) => (row.bytes === null ? null : formatBytes(row.bytes)), align: 'right' },
];

const sum = (values: readonly (number | null)[]): number | null =>
  values.includes(null) ? null : (values as number[]).reduce((a, b) => a + b, 0);

export function moveRows(copies: readonly Copy[], sizes?: readonly (PartitionSize | null)[]): MoveRow[] {
  const groups = new Map<string, Copy[]>();
  for (const copy of copies) {
    const key = `${copy.from ?? ''}>${copy.to}`;
    groups.set(key, [...(groups.get(key) ?? []), copy]);
  }
  return [...groups.values()]
    .map((group): MoveRow => {
      const { from, to } = group[0] as Copy;
      const keys = sizes === undefined ? null : sum(group.map(({ p }) => sizes[p]?.keys ?? null));
      return { from, to, partitions: group.length, keys, bytes: sum(group.map((c) => c.planned)) };
    })
    .sort((a, b) => `${a.from} ${a.to}`.localeCompare(`${b.from} ${b.to}`, 'en', { numeric: true }));
}

type DoneRow = MoveRow & { readonly done: number; readonly sent: number };

export const movesColumns: readonly Column<DoneRow>[] = [
  { title: 'FROM', of: (row) => row.from ?? '-' },
  { title: 'TO', of: (row) => row.to },
  { title: 'PLANNED', of: (row) => row.partitions, align: 'right' },
  { title: 'COPIED', of: (row) => row.done, align: 'right' },
  {
    title: 'BYTES PLANNED',
    of: (row) => (row.bytes === null ? null : formatBytes(row.bytes)),
    align: 'right',
  },
  { title: 'BYTES SENT', of: (row) => formatBytes(row.sent), align: 'right' },
];

/** The report in words. */
export function movesLines({ cause, revision, planned, done, ratio, settled }: MovesReport): string {
  if (cause === null) return 'no placement change since the cluster was created';
  const least = `minimum ${planned.least}`;
  const sent = ratio === null ? '' : `, ${formatBytes(done.bytes)} sent (${ratio.toFixed(2)} × planned)`;
  return (
    `revision ${revision} (${cause}): ${done.copies} of ${plural(planned.copies, 'copy', 'copies')} made (${least}), ` +
    `${plural(done.handovers, 'primary', 'primaries')} handed over${sent}; ${settled ? 'complete' : 'in progress'}`
  );
}

export interface PlanReport {
  readonly cause: string;
  readonly revision: number;
  readonly moves: readonly MoveRow[];
  /** Replicas to be copied, the least that any placement of these members needs, and the share of all replicas. */
  readonly copies: number;
  readonly least: number;
  readonly share: number;
  readonly keys: number | null;
  readonly bytes: number | null;
  /** Partitions whose primary changes its node. */
  readonly primaries: number;
  readonly withinLimit: boolean;
}

/** `limit`: the greatest share of all replicas that may move. */
export function planReport({ map, change, sizes }: PlacementPlan, limit: number | null): PlanReport {
  const { copies, least, primaries, cause } = change.placement;
  const moves = moveRows(copies, sizes);
  const share = copies.length / (map.partitions.length * map.settings.replicas);
  return {
    cause,
    revision: map.revision,
    moves,
    copies: copies.length,
    least,
    share,
    keys: sum(moves.map((m) => m.keys)),
    bytes: sum(moves.map((m) => m.bytes)),
    primaries,
    withinLimit: limit === null || share <= limit,
  };
}

export const planLine = (plan: PlanReport): string =>
  `${plural(plan.copies, 'replica')} to copy (${percent(plan.share)} of all; minimum ${plan.least}), ` +
  `${plural(plan.primaries, 'primary', 'primaries')} to hand over` +
  `${plan.bytes === null ? '' : `, about ${formatBytes(plan.bytes)} in ${plural(plan.keys ?? 0, 'key')}`}`;

export interface MovesReport {
  readonly cause: string | null;
  readonly revision: number;
  /** null: not done yet, or the partition's size was not known. */
  readonly planned: { readonly copies: number; readonly bytes: number | null; readonly least: number };
  readonly done: { readonly copies: number; readonly bytes: number; readonly handovers: number };
  /** Bytes sent for the completed copies, relative to the bytes planned for them. */
  readonly ratio: number | null;
  readonly settled: boolean;
  readonly moves: readonly DoneRow[];
}

/** The last placement change: what was planned, and what is done. */
export function movesReport(map: ClusterMap): MovesReport {
  const { placed, total } = progressOf(map);
  const copies = map.placement?.copies ?? [];
  const done = copies.filter((c) => c.sent !== null);
  const sent = (list: readonly Copy[]): number => list.reduce((n, c) => n + (c.sent ?? 0), 0);
  const plannedOfDone = sum(done.map((c) => c.planned));
  return {
    cause: map.placement?.cause ?? null,
    revision: map.placement?.revision ?? 1,
    planned: {
      copies: copies.length,
      bytes: sum(copies.map((c) => c.planned)),
      least: map.placement?.least ?? 0,
    },
    done: { copies: done.length, bytes: sent(done), handovers: map.placement?.handovers ?? 0 },
    ratio: plannedOfDone === null || plannedOfDone === 0 ? null : sent(done) / plannedOfDone,
    settled: placed === total,
    moves: moveRows(copies).map((row) => {
      const own = copies.filter((c) => c.from === row.from && c.to === row.to);
      return { ...row, done: own.filter((c) => c.sent !== null).length, sent: sent(own) };
    }),
  };
}

const barWidth = 24;

/** How far the moves have come, for a terminal. */
export function movesLine(map: ClusterMap): string {
  const { placed, total, copied, copies } = progressOf(map);
  const drawn = bar(placed, total, barWidth, unicodeOn());
  return `moving ${drawn} ${placed} of ${total} partitions placed, ${copied} of ${copies} copies made`;
}

/**
 * Waits until the moves have ended. They continue after a timeout or an interruption, so the error says that the change took
 * effect.
 */
export async function settleMoves(
  cluster: LocalCluster,
  client: MusterClient,
  options: {
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
    readonly update: (text: string) => void;
  },
): Promise<ClusterMap> {
  try {
    await waitFor(
      cluster,
      client,
      { kind: 'rebalanced' },
      {
        timeoutMs: options.timeoutMs,
        signal: options.signal,
        progress: () =>
          void client.map().then(
            (map) => options.update(movesLine(map)),
            () => {},
          ),
      },
    );
    return await client.map();
  } catch (error) {
    if (!(error instanceof MusterError) || (error.code !== 'timeout' && error.code !== 'interrupted'))
      throw error;
    throw new MusterError(
      error.code,
      `${error.message}; the move continues in the background: follow it with \`muster wait --for rebalanced\``,
      { tookEffect: 'yes' },
    );
  }
}
