import { describe, expect, it } from 'vitest';
import { type LockCalls, listLocks } from '../../src/client/locks.js';
import { listRows, type RowsQuery } from '../../src/client/rows.js';
import { listTxs, type TxCalls } from '../../src/client/transactions.js';
import { HashedCell } from '../../src/core/machine/digest.js';
import { PartitionMachine } from '../../src/core/machine/machine.js';
import type { Command, Query, QueryResult, SessionId, TxItem } from '../../src/core/machine/types.js';
import { MusterError } from '../../src/errors.js';
import { limits } from '../../src/limits.js';
import { decodeRead } from '../../src/wire/requests.js';
import { decodeClientResponse, encodeClientResponse } from '../../src/wire/responses.js';
import { classify, type Incoming } from '../../src/wire/rpc.js';

class Partition {
  readonly machine = new PartitionMachine(1);
  readonly session: SessionId;
  #n = 0;

  constructor() {
    const opened = this.apply({ type: 'open', gen: 1 });
    if (opened.type !== 'opened') throw new Error(opened.type);
    this.session = opened.session;
  }

  apply(command: Command) {
    return this.machine.apply({ epoch: 1, seq: this.machine.seq + 1, command });
  }

  acquire(name: string): void {
    const n = ++this.#n;
    const op = { type: 'acquire', key: name, ttl: 1000, wait: false, permits: 1 } as const;
    this.apply({ type: 'op', session: this.session, n, first: n, op });
  }

  release(name: string): void {
    const n = ++this.#n;
    const { token } = this.machine.rows.get('lock', name)!.holders[0]!;
    const op = { type: 'release', key: name, token } as const;
    this.apply({ type: 'op', session: this.session, n, first: n, op });
  }

  /** This partition has decided it. */
  decide(tx: string, own: readonly TxItem[]): void {
    const n = ++this.#n;
    const { session } = this;
    this.apply({ type: 'stage', tx, session, n, first: n, at: 1, own, others: [9] });
    this.apply({ type: 'decide', tx, reads: [], prepared: [[9, 1]] });
  }

  /** It takes part in what partition 9 decides. */
  prepare(tx: string, items: readonly TxItem[]): void {
    this.apply({ type: 'prepare', tx, anchor: 9, at: 1, items });
  }
}

type Rows = Extract<QueryResult, { type: 'rows' }>;

/** Reads as a client makes them: question and answer go through the validators, and the answer has to fit a frame. */
class Cluster {
  readonly asked: number[] = [];
  readonly pages: Rows[] = [];
  beforeRead: (p: number, query: Query) => void = () => {};

  constructor(readonly machines: readonly Partition[]) {}

  readonly read = async (p: number, query: Query): Promise<QueryResult> => {
    this.asked.push(p);
    this.beforeRead(p, query);
    const request = decodeRead(JSON.parse(JSON.stringify({ p, query })));
    const result = this.machines[p]!.machine.query(request.query);
    const text = encodeClientResponse(1, { ok: true, type: 'read', result });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limits.frameBytes);
    const incoming = classify(JSON.parse(text)) as Extract<Incoming, { kind: 'result' | 'error' }>;
    const answer = decodeClientResponse('read', incoming);
    if (!answer.ok) throw new MusterError(answer.code, answer.message);
    if (answer.type !== 'read') throw new Error(answer.type);
    if (answer.result.type === 'rows') this.pages.push(answer.result);
    return answer.result;
  };

  readonly partitions = async (): Promise<number> => this.machines.length;

  get locks(): LockCalls {
    return this as unknown as LockCalls;
  }

  get txs(): TxCalls {
    return this as unknown as TxCalls;
  }

  get names(): string[][] {
    return this.pages.map(({ rows }) => rows.map(([name]) => name));
  }
}

const inOrder = (names: readonly string[]): string[] => [...names].sort((a, b) => (a < b ? -1 : 1));

describe('the locks of a partition', () => {
  // Taken in an order that is not that of their names.
  const count = 2 * limits.scanPage + 1;
  const names = Array.from({ length: count }, (_, i) => `lock-${(i * 7) % count}-Zoë 🦊`);

  it('that are more than a page come in order through pages, none twice', async () => {
    const cluster = new Cluster([new Partition(), new Partition(), new Partition()]);
    for (const name of names) cluster.machines[1]!.acquire(name);
    cluster.machines[2]!.acquire('another');
    const found = await listLocks(cluster.locks);
    expect(inOrder(found.map(({ name }) => name))).toEqual(inOrder([...names, 'another']));
    const large = cluster.names.filter((page) => page.some((name) => name !== 'another'));
    expect(large.map((page) => page.length)).toEqual([limits.scanPage, limits.scanPage, 1]);
    expect(large.flat()).toEqual(inOrder(names));
    expect(cluster.pages.filter(({ more }) => more)).toHaveLength(2);
  });

  it('that are just a page are one page', async () => {
    const cluster = new Cluster([new Partition()]);
    for (const name of names.slice(0, limits.scanPage)) cluster.machines[0]!.acquire(name);
    expect(await listLocks(cluster.locks)).toHaveLength(limits.scanPage);
    expect(cluster.pages.map(({ more }) => more)).toEqual([false]);
  });

  it('go on behind the last that was seen when that is gone meanwhile', async () => {
    const cluster = new Cluster([new Partition()]);
    for (const name of names) cluster.machines[0]!.acquire(name);
    cluster.beforeRead = (_, query) => {
      if (query.type === 'rows' && query.after !== null) cluster.machines[0]!.release(query.after);
    };
    const found = await listLocks(cluster.locks);
    expect(inOrder(found.map(({ name }) => name))).toEqual(inOrder(names));
  });
});

describe('the transactions of a partition', () => {
  const put = (key: string, value: string): TxItem => ({ type: 'put', key, value });

  it('that together would not fit a frame come in order through pages, none twice', async () => {
    const cluster = new Cluster([new Partition()]);
    const [partition] = cluster.machines;
    // As many keys as may be, each with as many bytes in UTF-8 as a unit can have.
    const long = '€'.repeat(Math.floor(limits.keyBytes / 3) - 4);
    const items = (i: number): TxItem[] =>
      Array.from({ length: limits.txItems }, (_, n) => put(`${i}/${n}/${long}`.slice(0, long.length), 'x'));
    const ids = Array.from({ length: 20 }, (_, i) => `${(i * 7) % 20}:1.2:3`);
    for (const [i, id] of ids.entries())
      if (i % 2 === 0) partition!.decide(id, items(i));
      else partition!.prepare(id, items(i));
    const found = await listTxs(cluster.txs);
    expect(inOrder(found.map(({ id }) => id))).toEqual(inOrder(ids));
    expect(new Set(found.map(({ role }) => role))).toEqual(new Set(['coordinator', 'participant']));
    expect(cluster.names.flat()).toEqual(inOrder(ids));
    // Pages are as full as they may be, too.
    const units = (rows: Rows['rows']): number =>
      rows.reduce((sum, row) => sum + JSON.stringify(row).length, 0);
    expect(cluster.pages.length).toBeGreaterThan(1);
    for (const [i, { rows }] of cluster.pages.entries()) {
      expect(units(rows)).toBeLessThanOrEqual(limits.rowsUnits);
      const next = cluster.pages[i + 1]?.rows[0];
      if (next !== undefined) expect(units([...rows, next])).toBeGreaterThan(limits.rowsUnits);
    }
  });

  it('are listed without what they read and write, however much that is', async () => {
    const cluster = new Cluster([new Partition()]);
    const [partition] = cluster.machines;
    // Six bytes each in JSON: what it writes and what it has read would be more than a frame together.
    const read = '\u0001'.repeat(limits.txReadUnits - 100);
    partition!.machine.cells.set('r', new HashedCell('r', 'text', read, 1));
    const written = '\u0001'.repeat(Math.floor((limits.txBytes - 1000) / 6));
    partition!.decide('0:1.2:3', [{ type: 'get', key: 'r' }, put('a', written)]);
    partition!.prepare('9:1.2:4', [{ type: 'get', key: 'r' }, put('b', written)]);
    expect(partition!.machine.rows.get('prepared', '9:1.2:4')!.reads).toHaveLength(1);
    expect(await listTxs(cluster.txs)).toMatchObject([
      { id: '0:1.2:3', state: 'committed', keys: ['r', 'a'] },
      { id: '9:1.2:4', state: 'in-doubt', keys: ['r', 'b'] },
    ]);
    expect(cluster.names).toEqual([['0:1.2:3', '9:1.2:4']]);
    expect(JSON.stringify(cluster.pages).length).toBeLessThan(1000);
  });
});

describe('a list over partitions', () => {
  const many = Array.from({ length: 40 }, () => new Partition());

  it('asks each of them once, few at a time', async () => {
    const cluster = new Cluster(many);
    let under = 0;
    let most = 0;
    const read = async (p: number, query: RowsQuery): Promise<QueryResult> => {
      most = Math.max(most, ++under);
      const page = await cluster.read(p, query);
      under--;
      return page;
    };
    await listRows({ read, partitions: cluster.partitions }, 'lock', {}, (p) => p);
    expect(cluster.asked.sort((a, b) => a - b)).toEqual(many.map((_, p) => p));
    expect(most).toBe(8);
  });

  it('asks no more when one of them fails', async () => {
    const cluster = new Cluster(many);
    cluster.beforeRead = (p) => {
      if (p === 3) throw new MusterError('unavailable', 'no primary');
    };
    await expect(listLocks(cluster.locks)).rejects.toMatchObject({ code: 'unavailable' });
    // Whoever goes on asking has asked all by now.
    await new Promise((done) => setImmediate(done));
    expect(cluster.asked.length).toBeLessThan(many.length);
  });
});
