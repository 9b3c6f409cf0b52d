import type { LoadFigures } from '../bench/load.js';
import type { MusterClient } from '../client/api.js';
import { hashKey, partitionOf } from '../core/ring/hash.js';
import { MusterError } from '../errors.js';
import { limits } from '../limits.js';
import { formatDuration } from '../text/duration.js';
import { benchKeysOf, inWords, removeKeys } from './bench-load.js';
import type { Progress } from './spinner.js';

export interface TransferChoice {
  readonly concurrency: number;
  readonly seconds: number;
  readonly accounts: number;
  readonly timeoutMs: number;
}

export interface TxLoadReport extends Omit<LoadFigures, 'firstError'> {
  readonly accounts: number;
  /** Transactions that ended aborted, by reason, warm-up included. */
  readonly aborted: Readonly<Record<string, number>>;
  /** Tries beyond the first, of all transactions together: they met another one, or a partition could not be reached. */
  readonly retries: number;
  /** Of all accounts at the end; 0 unless transactions are not atomic. null: it could not be read. */
  readonly sum: number | null;
}

const WARM_UP_MS = 2000;
const MOST_CLIENTS = 10_000;
/** The sum is read in one transaction. */
const MOST_ACCOUNTS = limits.txItems;
const MOST_SECONDS = 86_400;

/** Names of accounts, and the partition of each. Rejects with `usage` when there are not two partitions to transfer between. */
async function accountsOf(
  client: MusterClient,
  choice: TransferChoice,
): Promise<{ names: string[]; sides: number[] }> {
  const { concurrency, seconds, accounts } = choice;
  const within = (flag: string, value: number, least: number, most: number): void => {
    if (value < least || value > most)
      throw new MusterError('usage', `--${flag} takes ${least} to ${most}, not ${value}`);
  };
  within('concurrency', concurrency, 1, MOST_CLIENTS);
  within('seconds', seconds, 1, MOST_SECONDS);
  within('accounts', accounts, 2, MOST_ACCOUNTS);
  const partitions = (await client.map()).partitions.length;
  const named = { clients: accounts, for: 1, 'warm-up': 0, keys: 'distinct' } as const;
  const names = benchKeysOf('tx', named);
  const sides = names.map((name) => partitionOf(hashKey(name), partitions));
  if (new Set(sides).size < 2)
    throw new MusterError('usage', `all ${accounts} accounts are on one partition: take more (--accounts)`);
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
  const forMs = choice.seconds * 1000;
  const { firstError, ...figures } = await measureLoad({
    operations: [{ name: 'transfer', weight: 1, run: transfer }],
    callers: choice.concurrency,
    forMs,
    warmUpMs: WARM_UP_MS,
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
  // In one transaction: what is still under way counts whole or not at all.
  const items = names.map((key) => ({ type: 'get', key }) as const);
  const report = await client.tx.run(items, { timeoutMs }).catch(() => null);
  if (report?.outcome !== 'committed') return null;
  return report.reads.reduce((sum, { value }) => sum + Number(value ?? 0), 0);
}

const listed = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([what, count]) => `${count} × ${what}`)
    .join(', ');

/** The conditions of the measurement, what was aborted and why, errors, and the sum, in one line. */
export function transfersSummary(report: TxLoadReport): string {
  const { callers, accounts, elapsedMs, aborted, retries, errors, sum } = report;
  const { 'tx-aborted': _, ...others } = errors;
  const parts = [
    `${callers} at once, ${accounts} accounts, ${formatDuration(elapsedMs)}`,
    Object.keys(aborted).length === 0 ? 'none aborted' : `aborted: ${listed(aborted)}`,
    `${retries} tried again`,
    Object.keys(others).length === 0 ? 'no errors' : `errors: ${listed(others)}`,
    sum === null
      ? 'the sum could not be read'
      : `all accounts together: ${sum}${sum === 0 ? '' : ', not 0!'}`,
  ];
  return parts.join('; ');
}

/** 0 when all went well, 1 when transactions failed or the sum is not 0, 130 when it was interrupted. */
export function transfersExit(report: TxLoadReport, signal: AbortSignal): number {
  if (report.sum !== null && report.sum !== 0) return 1;
  if (signal.aborted) return 130;
  return Object.keys(report.errors).length > 0 || report.sum === null ? 1 : 0;
}
