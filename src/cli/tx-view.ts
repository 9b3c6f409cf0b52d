import type { MusterClient, TxReport, TxView } from '../client/api.js';
import type { TraceEvent, TxItem } from '../core/machine/types.js';
import { type ClusterMap, type NodeId, nodeOf } from '../core/map/types.js';
import { byPartition } from '../core/transaction/items.js';
import { MusterError } from '../errors.js';
import { sequencePicture } from '../render/sequence-picture.js';
import type { Column } from '../render/table.js';
import { type Paint, unicodeOn } from '../render/terminal.js';
import { plural, ranges, shorten } from '../text/format.js';
import { pause } from '../util/pause.js';
import type { Output } from './io.js';
import { quote } from './tx-text.js';

/** A step of a transaction, with the node that serves its partition now; null: none does. */
export interface Step extends TraceEvent {
  readonly node: NodeId | null;
}

/** A part of a transaction, with the node that serves it now; null: none does. */
export interface Part extends TxView {
  readonly node: NodeId | null;
}

export const primaryOf = (map: ClusterMap, p: number): NodeId | null => {
  const primary = map.partitions[p]?.primary;
  return primary === undefined || primary === '' ? null : nodeOf(primary);
};

export const withNodes = <T extends { readonly partition: number }>(
  map: ClusterMap,
  parts: readonly T[],
): (T & { node: NodeId | null })[] =>
  parts.map((part) => ({ ...part, node: primaryOf(map, part.partition) }));

/** The coordinator's partition, which a transaction's id begins with. */
export const anchorOf = (id: string): number => Number(id.split(':')[0]);

/** Is the trace final? All participants have finished, or it was aborted, which does not wait for them. */
function complete(trace: readonly TraceEvent[], aborted: boolean): boolean {
  const decided = trace.find(({ what }) => what === 'decided');
  if (decided === undefined) return aborted;
  if (decided.yes !== true) return true;
  const of = (wanted: TraceEvent['what']) =>
    new Set(trace.filter(({ what }) => what === wanted).map(({ p }) => p));
  return of('finished').size >= of('prepare').size;
}

/** The trace of a transaction that was answered, as soon as all of its participants have finished, or after `ms`. */
export async function traceOf(client: MusterClient, report: TxReport, ms: number): Promise<Step[]> {
  const until = performance.now() + ms;
  for (;;) {
    const { trace } = await client.tx.show(report.id, { timeoutMs: Math.max(100, ms) });
    if (complete(trace, report.outcome === 'aborted') || performance.now() >= until) {
      const map = await client.map();
      return trace.map((event) => ({ ...event, node: primaryOf(map, event.p) }));
    }
    await pause(20);
  }
}

/** The sequence picture of a trace, as wide as the terminal. */
export function pictureOf(
  id: string,
  trace: readonly Step[],
  outcome: TxReport['outcome'] | null,
  paint: Paint,
  output: Output,
): string {
  const nodes = new Map(trace.map((step) => [step.p, step.node]));
  return sequencePicture({
    trace,
    anchor: anchorOf(id),
    nodeOf: (p) => nodes.get(p) ?? null,
    outcome,
    width: output.isTTY ? (output.columns ?? 80) : 100,
    unicode: unicodeOn(),
    paint,
  });
}

const stateColor = ({ state }: TxView, paint: Paint): ((text: string) => string) =>
  state === 'in-doubt' ? paint.yellow : state === 'committed' ? paint.green : (text) => text;

/** The parts of transactions that have not ended. */
export function partColumns(width: number): readonly Column<Part>[] {
  return [
    { title: 'ID', of: (part) => part.id },
    { title: 'PARTITION', of: (part) => part.partition, align: 'right' },
    { title: 'NODE', of: (part) => part.node },
    { title: 'ROLE', of: (part) => part.role },
    { title: 'STATE', of: (part) => part.state, paint: stateColor },
    { title: 'KEYS', of: (part) => shorten(part.keys.map(quote).join(' '), width) },
  ];
}

/** What was read, for a table. */
export function readColumns(width: number): readonly Column<TxReport['reads'][number]>[] {
  return [
    { title: 'KEY', of: (read) => read.key },
    { title: 'VERSION', of: (read) => (read.value === null ? null : read.version), align: 'right' },
    { title: 'VALUE', of: (read) => (read.value === null ? null : shorten(String(read.value), width)) },
  ];
}

const plainLine = /^[^\u0000-\u001f\u007f-\u009f]*$/;

/** The reads, one per line: `KEY VALUE`, or the key alone if it has no value. Text that would break a line is quoted. */
export const readLines = (reads: TxReport['reads']): string =>
  reads
    .map(({ key, value }) => {
      const text = value === null ? '' : ` ${plainLine.test(String(value)) ? value : quote(String(value))}`;
      return `${/^[^\s"]*$/.test(key) && plainLine.test(key) ? key : quote(key)}${text}\n`;
    })
    .join('');

/** The error for a report; null: it is committed. */
export function failureOf(report: TxReport): MusterError | null {
  const details = { tx: report.id };
  if (report.outcome === 'unknown')
    return new MusterError(
      'outcome-unknown',
      `${report.message ?? 'timed out waiting for the outcome'}; see its state with \`muster tx show ${report.id}\``,
      { details },
    );
  if (report.outcome === 'committed') return null;
  const tries = report.attempts > 1 ? ` after ${report.attempts} attempts` : '';
  return new MusterError(
    'tx-aborted',
    `aborted (${report.reason}): ${report.message ?? 'reason unknown'}${tries}`,
    {
      details: { ...details, reason: report.reason },
    },
  );
}

/** A report whose reads are in the order of the statements; the coordinator's come as they stand in the partitions. */
export function inOrder(items: readonly TxItem[], report: TxReport): TxReport {
  const byKey = new Map(report.reads.map((read) => [read.key, read]));
  const reads = items.flatMap((item) => (item.type === 'get' ? (byKey.get(item.key) ?? []) : []));
  const { id, outcome, reason, message, attempts } = report;
  return { id, outcome, reads, reason, message, attempts };
}

/** The partitions of items, that of the coordinator first when there are several. */
export async function partitionsOf(client: MusterClient, items: readonly TxItem[]) {
  const map = await client.map();
  return { map, parts: byPartition(items, map.partitions.length) };
}

export type PauseAt = 'prepared' | 'decided';

/**
 * The transaction that has these items and is not in `before`, once it is paused; null if `over` returns true first. Its ID comes
 * from the list, because the caller learns it only when the transaction ends.
 */
export async function findPaused(
  client: MusterClient,
  parts: ReadonlyMap<number, readonly TxItem[]>,
  before: ReadonlySet<string>,
  over: () => boolean,
): Promise<Part[] | null> {
  while (!over()) {
    // A node that has just died fails the list; another time it answers.
    const all = await client.tx.list({ timeoutMs: 2000 }).catch(() => []);
    const byId = grouped(all);
    for (const [id, views] of byId) {
      const paused =
        !before.has(id) &&
        views.length === parts.size &&
        views.every(({ partition, keys }) => {
          const items = parts.get(partition);
          return items?.length === keys.length && items.every((item, i) => item.key === keys[i]);
        });
      if (paused) return withNodes(await client.map(), views);
    }
    await pause(50);
  }
  return null;
}

function grouped(views: readonly TxView[]): Map<string, TxView[]> {
  const byId = new Map<string, TxView[]>();
  for (const view of views) byId.set(view.id, [...(byId.get(view.id) ?? []), view]);
  return byId;
}

/** The state of a paused transaction, and the commands that apply to it. */
export function pausedText(parts: readonly Part[], at: PauseAt, option: string, waitMs: number): string {
  const { id } = parts[0] as Part;
  const doubt = parts.filter(({ state }) => state === 'in-doubt').map(({ partition }) => partition);
  const anchor = anchorOf(id);
  const node = parts.find(({ partition }) => partition === anchor)?.node ?? null;
  const where = `${plural(doubt.length, 'partition')} (${ranges(doubt.sort((a, b) => a - b))})`;
  const stand =
    at === 'prepared'
      ? `transaction ${id} is prepared and not decided: in doubt on ${where}`
      : `transaction ${id} is decided and the participants are not told yet: in doubt on ${where}`;
  const lines: [string, string][] = [
    [`muster tx show ${id}`, 'show its state'],
    ['muster tx list --in-doubt', 'list the participants that wait for the decision'],
  ];
  const then = at === 'prepared' ? '; the next one finds that all are prepared, and commits' : '';
  if (node !== null)
    lines.push([`muster node kill ${node}`, `kill its coordinator (partition ${anchor})${then}`]);
  if (at === 'prepared') lines.push([`muster tx resolve ${id} --abort`, 'abort it']);
  const width = Math.max(...lines.map(([command]) => command.length)) + option.length;
  const next = lines.map(([command, about]) => `  ${`${command}${option}`.padEnd(width)}  ${about}`);
  const end =
    at === 'prepared'
      ? `It is aborted after ${waitMs / 1000} s unless it ends earlier; Ctrl-C stops waiting for it.`
      : `They are told after ${waitMs / 1000} s, or by a new coordinator if you kill or restart this one.`;
  return [stand, ...next, end].join('\n');
}
