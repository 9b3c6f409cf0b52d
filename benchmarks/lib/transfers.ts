import { hashKey, partitionOf } from '../../src/core/ring/hash.js';
import type { MusterClient } from '../../src/index.js';
import { connectPostgres, Journal, type PostgresAddress, type PostgresClient } from './postgres.js';

/** Transfers are between so many accounts, by everyone compared. */
export const ACCOUNTS = 100;

export const accountName = (account: number): string => `bench:account:${account}`;

/** Two accounts at random that are on different sides. */
function pairOf(sides: readonly number[]): [from: number, to: number] {
  const any = (): number => Math.floor(Math.random() * sides.length);
  const from = any();
  for (;;) {
    const to = any();
    if (sides[to] !== sides[from]) return [from, to];
  }
}

export type Transfer = (caller: number) => Promise<unknown>;

/** One transaction over two partitions: -1 here and +1 there. `again` is told how often one had to be tried again. */
export async function musterTransfers(
  client: MusterClient,
  again: (times: number) => void,
): Promise<Transfer> {
  const partitions = (await client.map()).partitions.length;
  const sides = Array.from({ length: ACCOUNTS }, (_, i) => partitionOf(hashKey(accountName(i)), partitions));
  return async () => {
    const [from, to] = pairOf(sides);
    const { outcome, reason, attempts } = await client.tx.run([
      { type: 'incr', key: accountName(from), by: -1 },
      { type: 'incr', key: accountName(to), by: 1 },
    ]);
    again(attempts - 1);
    if (outcome !== 'committed') throw Object.assign(new Error(`${outcome}: ${reason}`), { code: outcome });
  };
}

export async function musterSum(client: MusterClient): Promise<number> {
  const all = Array.from({ length: ACCOUNTS }, (_, i) => client.counter.get(accountName(i)));
  return (await Promise.all(all)).reduce<number>((sum, value) => sum + (value ?? 0), 0);
}

/** Account i lies in database i % 2. */
const sideOf = (account: number): number => account % 2;

export async function preparePostgres(servers: readonly PostgresAddress[]): Promise<void> {
  for (const [side, server] of servers.entries()) {
    const client = await connectPostgres(server);
    await client.query('CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL)');
    const rows = Array.from({ length: ACCOUNTS }, (_, i) => i).filter((i) => sideOf(i) === side);
    await client.query(`INSERT INTO account VALUES ${rows.map((i) => `(${i}, 0)`).join(', ')}`);
    await client.end();
  }
}

export async function postgresSum(servers: readonly PostgresAddress[]): Promise<number> {
  let sum = 0;
  for (const server of servers) {
    const client = await connectPostgres(server);
    const { rows } = await client.query('SELECT sum(balance) AS sum FROM account');
    sum += Number(rows[0]!.sum);
    await client.end();
  }
  return sum;
}

const transferIds = { next: 0 };

/**
 * The same over two databases, each caller with a connection to both: row locks are always taken in the first
 * database before the second (no deadlock that neither can see), both prepare at once, the decision is synced, both
 * commit at once. Answered when both have committed: before that, readers would not see it.
 */
async function postgresTransfer(
  [first, second]: readonly [PostgresClient, PostgresClient],
  journal: Journal,
  changes: readonly [string, string],
): Promise<void> {
  const id = `t${process.pid}-${transferIds.next++}`;
  try {
    await first.query(`BEGIN; ${changes[0]}`);
    const prepared = await Promise.allSettled([
      first.query(`PREPARE TRANSACTION '${id}'`),
      second.query(`BEGIN; ${changes[1]}; PREPARE TRANSACTION '${id}'`),
    ]);
    for (const one of prepared) if (one.status === 'rejected') throw one.reason;
  } catch (error) {
    for (const client of [first, second]) {
      await client.query('ROLLBACK').catch(() => {});
      // Not prepared there: nothing to roll back.
      await client.query(`ROLLBACK PREPARED '${id}'`).catch(() => {});
    }
    throw error;
  }
  await journal.write(id);
  const commit = `COMMIT PREPARED '${id}'`;
  await Promise.all([first.query(commit), second.query(commit)]);
}

export async function postgresTransfers(
  servers: readonly PostgresAddress[],
  path: string,
): Promise<(callers: number) => Promise<Transfer>> {
  const journal = await Journal.open(path);
  const connections: [PostgresClient, PostgresClient][] = [];
  const sides = Array.from({ length: ACCOUNTS }, (_, i) => sideOf(i));
  return async (callers) => {
    while (connections.length < callers)
      connections.push([await connectPostgres(servers[0]!), await connectPostgres(servers[1]!)]);
    return (caller) => {
      const [from, to] = pairOf(sides);
      const change = (side: number): string => {
        const [account, by] = sideOf(from) === side ? [from, '- 1'] : [to, '+ 1'];
        return `UPDATE account SET balance = balance ${by} WHERE id = ${account}`;
      };
      return postgresTransfer(connections[caller]!, journal, [change(0), change(1)]);
    };
  };
}
