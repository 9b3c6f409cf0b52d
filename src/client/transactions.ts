import type { Outcome } from '../core/client/client-core.js';
import { outcomeOf } from '../core/machine/outcome.js';
import { itemsBeyond } from '../core/machine/size.js';
import { isWrite, othersOf } from '../core/machine/transactions.js';
import type { Cell, PendingRow, QueryResult, Row, TxItem } from '../core/machine/types.js';
import { anchorKey } from '../core/transaction/items.js';
import { invalid, MusterError } from '../errors.js';
import { limits } from '../limits.js';
import type { Runtime } from '../os/runtime.js';
import type { CallOptions, Transaction, TransactionOptions, TxOptions, TxReport, TxView } from './api.js';
import { checkInteger, checkKey, checkText } from './checks.js';
import { listRows, type RowsQuery } from './rows.js';

/** What transactions need of the client. */
export interface TxCalls {
  readonly timeoutMs: number;
  readonly runtime: Runtime;
  write(
    op: { type: 'tx'; key: string; items: readonly TxItem[] },
    options: { timeoutMs: number; at: number; pauseAt?: 'prepared' | 'decided' },
  ): Promise<Outcome>;
  get(key: string, options: CallOptions): Promise<Cell | null>;
  read(
    p: number,
    query: RowsQuery | { type: 'trace'; tx: string },
    options: CallOptions,
  ): Promise<QueryResult>;
  abort(p: number, tx: string, options: CallOptions): Promise<'committed' | 'aborting' | 'unknown'>;
  partitions(): Promise<number>;
  fail(outcome: Outcome, key: string): MusterError;
}

/** Rejects with `usage`, `key-invalid` or `value-too-large` what no transaction can be. */
export function checkItems(items: readonly TxItem[]): void {
  if (items.length === 0 || items.length > limits.txItems)
    throw invalid('transaction item count', items.length, `a whole number from 1 to ${limits.txItems}`);
  // It travels to its coordinator as one message, and to the backups as one entry.
  const size = itemsBeyond(items, limits.txBytes);
  if (size !== null)
    throw new MusterError(
      'value-too-large',
      `transaction is too large: ${size} bytes, at most ${limits.txBytes} allowed`,
    );
  const written = new Set<string>();
  for (const item of items) {
    checkKey(item.key);
    if (item.type === 'put') checkText(item.key, item.value);
    if (item.type === 'incr') checkInteger('increment', item.by);
    if (!isWrite(item)) continue;
    if (written.has(item.key)) throw invalid('transaction', item.key, 'at most one write of each key');
    written.add(item.key);
  }
}

/** Aborted by others, not by what the transaction itself asks for: it may be tried again. */
const passing: ReadonlySet<string> = new Set(['conflict', 'unavailable', 'timeout', 'lost']);

export async function runTx(
  calls: TxCalls,
  items: readonly TxItem[],
  options: TxOptions = {},
): Promise<TxReport> {
  checkItems(items);
  const { runtime } = calls;
  const timeoutMs = options.timeoutMs ?? calls.timeoutMs;
  const deadline = runtime.now() + timeoutMs;
  // The same for every attempt: who has tried for longer goes first.
  const at = runtime.wall();
  const key = anchorKey(items);
  for (let attempts = 1; ; attempts++) {
    const left = Math.max(1, deadline - runtime.now());
    const { pauseAt } = options;
    const outcome = await calls.write(
      { type: 'tx', key, items },
      { timeoutMs: left, at, ...(pauseAt === undefined ? {} : { pauseAt }) },
    );
    const none = { reads: [], reason: null, message: null, attempts };
    if (outcome.type === 'unknown')
      return { ...none, id: outcome.id, outcome: 'unknown', message: outcome.message };
    if (outcome.type !== 'written') throw calls.fail(outcome, key);
    const { id } = outcome;
    const result = outcomeOf(outcome.result);
    if (result.outcome === 'committed') {
      const reads = result.reads.map(([k, value, version]) => ({ key: k, value, version }));
      return { ...none, id, outcome: 'committed', reads };
    }
    const { reason, message } = result;
    const rest = Math.min(2 * 2 ** attempts, 50) * (0.5 + runtime.random());
    // What was paused and ended by its time, or with its coordinator, is not paused again.
    const again =
      passing.has(reason) && (pauseAt === undefined || (reason !== 'timeout' && reason !== 'lost'));
    if (!again || runtime.now() + rest >= deadline)
      return { ...none, id, outcome: 'aborted', reason, message };
    await new Promise<void>((done) => void runtime.after(rest, done));
  }
}

const viewOf = (partition: number, row: Row | PendingRow): TxView | null => {
  if (row.kind === 'record' || row.kind === 'pending') {
    return {
      id: row.tx,
      partition,
      role: 'coordinator',
      state: row.kind === 'record' ? 'committed' : 'pending',
      anchor: partition,
      participants: othersOf(row),
      keys: row.keys,
    };
  }
  if (row.kind !== 'prepared') return null;
  const { tx: id, anchor, items } = row;
  const keys = items.map((i) => i.key);
  return { id, partition, role: 'participant', state: 'in-doubt', anchor, participants: [], keys };
};

export async function listTxs(calls: TxCalls, options: CallOptions = {}): Promise<TxView[]> {
  const found = await listRows(calls, 'tx', options, (p, _, row) => viewOf(p, row));
  return found.sort((a, b) => a.id.localeCompare(b.id) || a.partition - b.partition);
}

/** The anchor's partition of a transaction's id; rejects with `usage` when it is none. */
export function anchorOf(id: string, partitions: number): number {
  const found = /^(\d+):\d+\.\d+:\d+$/.exec(id);
  if (found === null || Number(found[1]) >= partitions)
    throw invalid('transaction ID', id, 'an ID such as 12:1.7:3');
  return Number(found[1]);
}

export async function showTx(calls: TxCalls, id: string, options: CallOptions = {}) {
  const anchor = anchorOf(id, await calls.partitions());
  const [all, trace] = await Promise.all([
    listTxs(calls, options),
    calls.read(anchor, { type: 'trace', tx: id }, options),
  ]);
  return { parts: all.filter((v) => v.id === id), trace: trace.type === 'trace' ? trace.events : [] };
}

export async function abortTx(calls: TxCalls, id: string, options: CallOptions = {}) {
  return calls.abort(anchorOf(id, await calls.partitions()), id, options);
}

interface Seen {
  readonly value: string | number | null;
  readonly version: number;
}

/** One run of the user's function: what it read, and what it wants written. */
class Attempt implements Transaction {
  readonly reads = new Map<string, Seen>();
  readonly writes = new Map<string, Extract<TxItem, { type: 'put' | 'delete' | 'incr' }>>();
  readonly #get: (key: string) => Promise<Cell | null>;

  constructor(get: (key: string) => Promise<Cell | null>) {
    this.#get = get;
  }

  async get(key: string): Promise<string | number | null> {
    checkKey(key);
    const write = this.writes.get(key);
    if (write?.type === 'put') return write.value;
    if (write?.type === 'delete') return null;
    let seen = this.reads.get(key);
    if (seen === undefined) {
      const cell = await this.#get(key);
      seen = { value: cell?.value ?? null, version: cell?.version ?? 0 };
      this.reads.set(key, seen);
    }
    return write === undefined ? seen.value : ((seen.value as number | null) ?? 0) + write.by;
  }

  put(key: string, value: string): void {
    checkKey(key);
    checkText(key, value);
    this.writes.set(key, { type: 'put', key, value });
  }

  delete(key: string): void {
    checkKey(key);
    this.writes.set(key, { type: 'delete', key });
  }

  incr(key: string, by = 1): void {
    checkKey(key);
    checkInteger('increment', by);
    const before = this.writes.get(key);
    if (before !== undefined && before.type !== 'incr')
      throw new MusterError(
        'wrong-type',
        `cannot increment ${key}: this transaction has already put or deleted it`,
        {
          details: { key },
        },
      );
    this.writes.set(key, { type: 'incr', key, by: by + (before?.by ?? 0) });
  }

  items(): TxItem[] {
    const versions = [...this.reads].map(([key, { version }]): TxItem => ({ type: 'version', key, version }));
    return [...versions, ...this.writes.values()];
  }
}

export async function transact<T>(
  calls: TxCalls,
  work: (t: Transaction) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const retries = options.retries ?? 16;
  for (let run = 0; ; run++) {
    const attempt = new Attempt((key) => calls.get(key, options));
    const result = await work(attempt);
    const items = attempt.items();
    // One key read and nothing written: that read is a transaction by itself.
    if (items.length === 0 || (attempt.writes.size === 0 && items.length === 1)) return result;
    const report = await runTx(calls, items, options);
    if (report.outcome === 'committed') return result;
    if (report.outcome === 'unknown')
      throw new MusterError('outcome-unknown', report.message ?? 'timed out waiting for the outcome', {
        details: { tx: report.id },
      });
    const { reason, message } = report;
    if (reason !== 'stale' || run >= retries) {
      const code =
        reason === 'stale'
          ? 'conflict'
          : reason === 'overflow' || reason === 'wrong-type'
            ? reason
            : 'tx-aborted';
      throw new MusterError(code, message ?? 'transaction aborted', { details: { tx: report.id } });
    }
  }
}
