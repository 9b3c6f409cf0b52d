import * as Flags from '@oclif/core/flags';
import type { LoadFigures, LoadOperation, LoadSoFar } from '../bench/load.js';
import type { MusterClient } from '../client/api.js';
import { invalid } from '../errors.js';
import type { Column } from '../render/table.js';
import { formatDuration } from '../text/duration.js';
import { countFlag, durationFlag } from './flags.js';
import type { Progress } from './spinner.js';

/** Flags shared by the bench commands that load a cluster. */
export const loadFlags = {
  clients: countFlag({ default: 64, description: 'number of concurrent callers in this process' }),
  for: durationFlag({ default: 10_000, helpValue: '10s', description: 'how long to measure' }),
  'warm-up': durationFlag({
    default: 2000,
    helpValue: '2s',
    description: 'how long to run before measuring',
  }),
  keys: Flags.option({
    options: ['distinct', 'one'] as const,
    default: 'distinct' as const,
    description: 'a distinct key for each caller, or one key for all',
  })(),
};

export interface LoadChoice {
  readonly clients: number;
  readonly for: number;
  readonly 'warm-up': number;
  /** Omitted if the load has no keys. */
  readonly keys?: 'distinct' | 'one';
}

const maxClients = 10_000;

/** Rejects with `usage` when nothing can be measured. */
export function checkLoad(choice: Pick<LoadChoice, 'clients' | 'for'>): void {
  if (choice.clients < 1 || choice.clients > maxClients)
    throw invalid('--clients', choice.clients, `a whole number from 1 to ${maxClients}`);
  if (choice.for === 0) throw invalid('--for', '0s', 'more than 0');
}

/** The key of each caller; the prefix keeps them apart from anybody's data. Rejects as `checkLoad` does. */
export function benchKeysOf(what: string, choice: LoadChoice): string[] {
  checkLoad(choice);
  const own = process.pid.toString(36);
  return Array.from(
    { length: choice.clients },
    (_, i) => `muster-bench/${what}/${own}/${choice.keys === 'one' ? 0 : i}`,
  );
}

export interface LoadReport extends Omit<LoadFigures, 'firstError'> {
  readonly keys?: 'distinct' | 'one';
}

/**
 * Runs the load, removes the keys it left, and returns the figures. Rejects with the first error when nothing
 * at all succeeded.
 */
export async function runLoad(
  client: MusterClient,
  operations: readonly LoadOperation[],
  keys: readonly string[],
  choice: LoadChoice,
  watch: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<LoadReport> {
  const { measureLoad } = await import('../bench/load.js');
  const { firstError, ...figures } = await measureLoad({
    operations,
    callers: choice.clients,
    forMs: choice.for,
    warmUpMs: choice['warm-up'],
    clock: () => performance.now(),
    signal: watch.signal,
    progress: (soFar) => watch.progress.update(inWords(soFar, choice.for)),
  });
  await removeKeys(client, keys);
  if (firstError !== null && figures.operations.every(({ latencyMs }) => latencyMs === null))
    throw firstError;
  return choice.keys === undefined ? figures : { ...figures, keys: choice.keys };
}

/** Best effort: figures that were measured are worth more than a tidy end. */
export async function removeKeys(client: MusterClient, keys: readonly string[]): Promise<void> {
  await Promise.allSettled([...new Set(keys)].map((key) => client.kv.delete(key, { timeoutMs: 2000 })));
}

const rounded = (perSecond: number): string => Math.round(perSecond).toLocaleString('en');

export function inWords(soFar: LoadSoFar, forMs: number): string {
  const failed = soFar.errors > 0 ? `, ${soFar.errors} failed` : '';
  const when =
    soFar.phase === 'warm-up' ? 'warming up' : `${formatDuration(Math.max(0, forMs - soFar.elapsedMs))} left`;
  return `${rounded(soFar.perSecond)} ops/s${failed}, ${when}`;
}

type Row = LoadFigures['operations'][number];

const ms = (value: number | undefined): string | null =>
  value === undefined ? null : `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ms`;

/** One row for each kind of operation. */
export const loadColumns: readonly Column<Row>[] = [
  { title: 'OPERATION', of: (row) => row.name },
  { title: 'OPS/S', of: (row) => rounded(row.perSecond), align: 'right', paint: (_, paint) => paint.bold },
  { title: 'P50', of: (row) => ms(row.latencyMs?.p50), align: 'right' },
  { title: 'P95', of: (row) => ms(row.latencyMs?.p95), align: 'right' },
  { title: 'P99', of: (row) => ms(row.latencyMs?.p99), align: 'right' },
  { title: 'MAX', of: (row) => ms(row.latencyMs?.max), align: 'right' },
];

/** The conditions of the measurement and its errors, in one line. */
export function loadSummary(report: LoadReport): string {
  const { callers, keys, elapsedMs, errors } = report;
  const which = keys === undefined ? '' : keys === 'one' ? ', one key' : ', distinct keys';
  const who = callers === 1 ? '1 caller' : `${callers} concurrent callers${which}`;
  const failures = Object.entries(errors).map(([code, count]) => `${count} × ${code}`);
  return `${who}, ${formatDuration(elapsedMs)}; ${failures.length === 0 ? 'no errors' : `errors: ${failures.join(', ')}`}`;
}

/** 0 when all went well, 1 when operations failed, 130 when it was interrupted. */
export const loadExit = (report: LoadReport, signal: AbortSignal): number =>
  signal.aborted ? 130 : Object.keys(report.errors).length > 0 ? 1 : 0;
