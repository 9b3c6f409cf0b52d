import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { needPrograms, POSTGRES, POSTGRES_BIN } from './apt.js';
import { peers } from './deps.js';
import { type As, cleanEnv, end, freePorts, run, start, until } from './processes.js';

/** What of npm's `pg` is used here. */
export interface PostgresClient {
  connect(): Promise<void>;
  /** Without values it is PostgreSQL's simple protocol: several statements may come in one piece. */
  query(text: string): Promise<{ rows: Record<string, unknown>[] }>;
  end(): Promise<void>;
}

/** The user the servers run as: PostgreSQL refuses to be root. */
function serverUser(): As {
  if (process.getuid?.() !== 0) return {};
  const [uid, gid] = ['-u', '-g'].map((what) => Number(run('id', [what, 'postgres'])));
  return { uid: uid!, gid: gid! };
}

/** Where a server listens: a folder of Unix sockets, or an address. */
export interface PostgresAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * PostgreSQL servers with default settings (so synced) but for prepared transactions, on the loopback or at Unix sockets; data
 * below `dir`.
 */
export async function startPostgres(
  dir: string,
  instances: number,
  over: 'tcp' | 'unix',
): Promise<{ servers: PostgresAddress[]; stop(): Promise<void> }> {
  needPrograms(POSTGRES);
  const user = serverUser();
  // The workspace is its maker's alone; the server's user has to get through it.
  chmodSync(dirname(dir), 0o711);
  mkdirSync(dir, { mode: 0o711 });
  const sockets = join(dir, 'sockets');
  mkdirSync(sockets);
  // Past what the umask leaves: the servers' user is another.
  chmodSync(sockets, 0o777);
  const host = over === 'tcp' ? '127.0.0.1' : sockets;
  const servers = (await freePorts(instances)).map((port) => ({ host, port }));
  const children = servers.map(({ port }, i) => {
    const data = join(dir, `p${i}`);
    mkdirSync(data, { mode: 0o700 });
    if (user.uid !== undefined) chownSync(data, user.uid, user.gid as number);
    const as = { ...user, cwd: data };
    const how = ['--username', 'bench', '--auth', 'trust', '--encoding', 'UTF8', '--no-locale'];
    run(`${POSTGRES_BIN}/initdb`, ['--pgdata', data, ...how], cleanEnv(), as);
    const settings =
      over === 'tcp'
        ? { port, listen_addresses: host, unix_socket_directories: '' }
        : { port, listen_addresses: '', unix_socket_directories: host };
    const more = { fsync: 'on', max_connections: 100, max_prepared_transactions: 200 };
    const args = Object.entries({ ...settings, ...more }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ]);
    return start(`${POSTGRES_BIN}/postgres`, ['-D', data, ...args], join(dir, `p${i}.log`), cleanEnv(), as);
  });
  // SIGINT: it ends its sessions and then itself in good order.
  const stop = async (): Promise<void> =>
    void (await Promise.all(children.map((child) => end(child, 'SIGINT'))));
  try {
    for (const server of servers) {
      await until(`postgres ${server.port}`, 15_000, async () => {
        await (await connectPostgres(server)).end();
        return true;
      });
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { servers, stop };
}

export async function connectPostgres({ host, port }: PostgresAddress): Promise<PostgresClient> {
  const { Client } = peers('pg')('pg') as { Client: new (options: object) => PostgresClient };
  const client = new Client({ host, port, user: 'bench', database: 'postgres' });
  await client.connect();
  return client;
}

/** Where a coordinator writes down what it decided. Those who come while it syncs share the next sync. */
export class Journal {
  readonly #file: Awaited<ReturnType<typeof open>>;
  #waiting: { line: string; resolve: () => void; reject: (error: unknown) => void }[] = [];
  #syncing = false;

  private constructor(file: Awaited<ReturnType<typeof open>>) {
    this.#file = file;
  }

  static async open(path: string): Promise<Journal> {
    return new Journal(await open(path, 'a'));
  }

  /** Resolves when the line is on the disk. */
  write(line: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line, resolve, reject });
      if (!this.#syncing) void this.#sync();
    });
  }

  async #sync(): Promise<void> {
    this.#syncing = true;
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#file.write(group.map(({ line }) => `${line}\n`).join(''));
        await this.#file.datasync();
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#syncing = false;
  }
}
