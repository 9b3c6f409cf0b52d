import type { LoadFigures } from '../bench/load.js';
import type { MusterClient } from '../client/api.js';
import { hashKey, partitionOf } from '../core/ring/hash.js';
import { invalid, MusterError } from '../errors.js';
import { limits } from '../limits.js';
import { formatDuration } from '../text/duration.js';
import { plural } from '../text/format.js';
import { benchKeysOf, checkLoad, inWords, type LoadChoice, removeKeys } from './bench-load.js';
import type { Progress } from './spinner.js';

export interface TransferChoice extends LoadChoice {
  readonly accounts: number;
  readonly timeoutMs: number;
}

export interface TxLoadReport extends Omit<LoadFigures, 'firstError'> {
  readonly accounts: number;
  /** Transactions that ended aborted, by reason, warm-up included. */
  readonly aborted: Readonly<Record<string, number>>;
  /** Retries of all transactions together, after a conflict or because a partition could not be reached. */
  readonly retries: number;
  /** Of all accounts at the end; 0 unless transactions are not atomic. null: it could not be read. */
  readonly sum: number | null;
}

/** The sum is read in one transaction. */
const maxAccounts = limits.txItems;

/** Names of accounts, and the partition of each. Rejects with `usage` if they are not on at least two partitions. */
async function accountsOf(
  client: MusterClient,
  choice: TransferChoice,
): Promise<{ names: string[]; sides: number[] }> {
  checkLoad(choice);
  const { accounts } = choice;
  if (accounts < 2 || accounts > maxAccounts)
    throw invalid('--accounts', accounts, `a whole number from 2 to ${maxAccounts}`);
  const partitions = (await client.map()).partitions.length;
  const named = { clients: accounts, for: 1, 'warm-up': 0, keys: 'distinct' } as const;
  const names = benchKeysOf('tx', named);
  const sides = names.map((name) => partitionOf(hashKey(name), partitions));
  if (new Set(sides).size < 2)
    throw invalid('--accounts', accounts, 'enough accounts to be on several partitions; all are on one');
  return { names, sides };
}

/**
 * Runs transfers, checks the sum of all accounts, removes them, and returns the figures. Rejects with the first error
 * when nothing at all was committed.
 */
export async function runTransfers(
  client: MusterClient,
  choice: TransferChoice,
  watch: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<TxLoadReport> {
  const { names, sides } = await accountsOf(client, choice);
  const { timeoutMs } = choice;
  const aborted: Record<string, number> = {};
  let retries = 0;
  const any = (): number => Math.floor(Math.random() * names.length);
  const transfer = async (): Promise<void> => {
    const from = any();
    let to = any();
    while (sides[to] === sides[from]) to = any();
    const { id, outcome, reason, message, attempts } = await client.tx.run(
      [
        { type: 'incr', key: names[from]!, by: -1 },
        { type: 'incr', key: names[to]!, by: 1 },
      ],
      { timeoutMs },
    );
    retries += attempts - 1;
    if (outcome === 'committed') return;
    if (outcome === 'aborted') aborted[reason ?? 'unknown'] = (aborted[reason ?? 'unknown'] ?? 0) + 1;
    const code = outcome === 'aborted' ? 'tx-aborted' : 'outcome-unknown';
    throw new MusterError(code, message ?? `the transaction is ${outcome}`, { details: { tx: id } });
  };
  const { measureLoad } = await import('../bench/load.js');
  const forMs = choice.for;
  const { firstError, ...figures } = await measureLoad({
    operations: [{ name: 'transfer', weight: 1, run: transfer }],
    callers: choice.clients,
    forMs,
    warmUpMs: choice['warm-up'],
    clock: () => performance.now(),
    signal: watch.signal,
    progress: (soFar) => watch.progress.update(inWords(soFar, forMs)),
  });
  const sum = await sumOf(client, names, timeoutMs);
  await removeKeys(client, names);
  if (firstError !== null && figures.operations.every(({ latencyMs }) => latencyMs === null))
    throw firstError;
  return { ...figures, accounts: names.length, aborted, retries, sum };
}

async function sumOf(
  client: MusterClient,
  names: readonly string[],
  timeoutMs: number,
): Promise<number | null> {
  // In one transaction: a transfer that is still in flight counts in full or not at all.
  const items = names.map((key) => ({ type: 'get', key }) as const);
  const report = await client.tx.run(items, { timeoutMs }).catch(() => null);
  if (report?.outcome !== 'committed') return null;
  return report.reads.reduce((sum, { value }) => sum + Number(value ?? 0), 0);
}

const listed = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([what, count]) => `${count} × ${what}`)
    .join(', ');

/** The conditions of the measurement, aborts by reason, errors and the sum, in one line. */
export function transfersSummary(report: TxLoadReport): string {
  const { callers, accounts, elapsedMs, aborted, retries, errors, sum } = report;
  const { 'tx-aborted': _, ...others } = errors;
  const parts = [
    `${callers} concurrent callers, ${accounts} accounts, ${formatDuration(elapsedMs)}`,
    Object.keys(aborted).length === 0 ? 'none aborted' : `aborted: ${listed(aborted)}`,
    plural(retries, 'retry', 'retries'),
    Object.keys(others).length === 0 ? 'no errors' : `errors: ${listed(others)}`,
    sum === null
      ? 'sum of all accounts could not be read'
      : `sum of all accounts: ${sum}${sum === 0 ? '' : ' (expected 0)'}`,
  ];
  return parts.join('; ');
}

/** 0 when all went well, 1 when transactions failed or the sum is not 0, 130 when it was interrupted. */
export function transfersExit(report: TxLoadReport, signal: AbortSignal): number {
  if (report.sum !== null && report.sum !== 0) return 1;
  if (signal.aborted) return 130;
  return Object.keys(report.errors).length > 0 || report.sum === null ? 1 : 0;
}
