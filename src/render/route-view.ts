import type { RouteNode, RouteReport } from '../bench/route.js';
import type { CallReport } from '../client/api.js';
import { invalid } from '../errors.js';
import { percent } from '../text/format.js';
import { bar } from './bar.js';
import type { Column } from './table.js';
import { unicodeOn } from './terminal.js';

const ms = (value: number | null): string | null =>
  value === null ? null : value.toFixed(value < 10 ? 2 : 1);

/** Expected share of a node: `n1=50±5%`. */
export interface Expected {
  readonly id: string;
  readonly share: number;
  readonly within: number;
}

/** Reads `n1=50±5%,n2=25±5%` (or `+-`); rejects with `usage`. */
export function parseExpected(text: string): Expected[] {
  return text.split(',').map((part) => {
    const found = /^([\w.-]+)=(\d+(?:\.\d+)?)%?(?:±|\+-)(\d+(?:\.\d+)?)%?$/.exec(part.trim());
    const [share, within] = [Number(found?.[2]), Number(found?.[3])];
    if (found === null || share > 100)
      throw invalid('expected share', part, 'NODE=SHARE±TOLERANCE such as n1=50±5%');
    return { id: found[1] as string, share: share / 100, within: within / 100 };
  });
}

/** What was missed, in words; empty: nothing. A node that is not there was sent nothing. */
export function missed(report: RouteReport, expected: readonly Expected[]): string[] {
  return expected.flatMap(({ id, share, within }) => {
    const is = report.nodes.find((node) => node.id === id)?.share ?? 0;
    if (Math.abs(is - share) <= within) return [];
    return [`${id}: expected ${percent(share)} ± ${percent(within)} of the requests, got ${percent(is)}`];
  });
}

/** One row a node, its share as a bar too; `expected` marks what was asked for. */
export function routeColumns(expected: readonly Expected[]): readonly Column<RouteNode>[] {
  const asked = new Map(expected.map((e) => [e.id, e]));
  const columns: Column<RouteNode>[] = [
    { title: 'NODE', of: (row) => row.id },
    { title: 'REQUESTS', of: (row) => row.requests, align: 'right' },
    { title: 'SHARE', of: (row) => percent(row.share), align: 'right' },
    { title: '', of: (row) => bar(row.share, 1, 20, unicodeOn()) },
    { title: 'P50 MS', of: (row) => ms(row.p50), align: 'right' },
    { title: 'P95 MS', of: (row) => ms(row.p95), align: 'right' },
    { title: 'P99 MS', of: (row) => ms(row.p99), align: 'right' },
    { title: 'ERRORS', of: (row) => row.errors, align: 'right' },
    { title: 'EJECTED', of: (row) => row.ejections, align: 'right' },
  ];
  if (asked.size > 0)
    columns.splice(3, 0, {
      title: 'EXPECTED',
      of: (row) => {
        const e = asked.get(row.id);
        return e === undefined ? null : `${percent(e.share)} ± ${percent(e.within)}`;
      },
      align: 'right',
    });
  return columns;
}

export const compareColumns: readonly Column<RouteReport>[] = [
  { title: 'STRATEGY', of: (row) => row.strategy },
  { title: 'P99 MS', of: (row) => ms(row.p99), align: 'right' },
  { title: 'P50 MS', of: (row) => ms(row.p50), align: 'right' },
  { title: 'REQUESTS/S', of: (row) => Math.round(row.perSecond), align: 'right' },
  { title: 'FAILED', of: (row) => row.failed, align: 'right' },
  { title: 'RETRIES', of: (row) => row.retries, align: 'right' },
  { title: 'SHARES', of: (row) => row.nodes.map((n) => `${n.id} ${percent(n.share)}`).join('  ') },
];

export function routeSummary(report: RouteReport): string {
  const { requests, failed, retries, elapsedMs, perSecond, p50, p99, strategy, firstError } = report;
  const failures =
    firstError === null
      ? `${failed} failed`
      : `${failed} failed (${Object.entries(report.errors)
          .map(([code, n]) => `${code} ${n}`)
          .join(', ')}; first error: ${firstError.message})`;
  return `${requests} requests (${strategy}) in ${(elapsedMs / 1000).toFixed(1)} s, ${Math.round(perSecond)} requests/s: p50 ${ms(p50) ?? '–'} ms, p99 ${ms(p99) ?? '–'} ms, ${failures}, ${retries} retries`;
}

type ConsideredRow = NonNullable<CallReport['considered']>[number] & { readonly chosen: boolean };

/** Who was considered for a request, and how they stood. */
export const explainColumns: readonly Column<ConsideredRow>[] = [
  { title: 'NODE', of: (row) => (row.chosen ? `→ ${row.id}` : `  ${row.id}`) },
  { title: 'STATE', of: (row) => row.state },
  { title: 'WEIGHT', of: (row) => row.weight.toFixed(2), align: 'right' },
  { title: 'IN-FLIGHT', of: (row) => row.inflight, align: 'right' },
  { title: 'EWMA MS', of: (row) => ms(row.ewmaMs), align: 'right' },
  { title: 'CPU', of: (row) => (row.load === null ? null : percent(row.load.cpu)), align: 'right' },
  { title: 'LOOP', of: (row) => (row.load === null ? null : percent(row.load.loop)), align: 'right' },
  { title: 'SCORE', of: (row) => (row.score === null ? null : row.score.toPrecision(3)), align: 'right' },
];

export const explainRows = ({ considered = [], node }: CallReport): ConsideredRow[] =>
  considered.map((row) => ({ ...row, chosen: row.id === node }));
