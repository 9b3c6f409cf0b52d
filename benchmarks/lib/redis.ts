import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { needPrograms, REDIS } from './apt.js';
import { end, freePorts, start, until } from './processes.js';

type Answer = number | string | Error;

/** A connection that speaks as much of Redis' protocol as is needed here: commands in, integers and short texts out. */
export class RedisConnection {
  readonly #socket: Socket;
  readonly #waiting: ((answer: Answer) => void)[] = [];
  #rest = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text) => this.#take(text as unknown as string));
    socket.on('error', () => {});
    socket.on('close', () => {
      for (const waiting of this.#waiting.splice(0)) waiting(new Error('the connection broke'));
    });
  }

  static open(port: number): Promise<RedisConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new RedisConnection(socket)));
      socket.once('error', reject);
    });
  }

  /** Sends commands in one piece (`encodeCommands`); resolves with their answers, errors among them. */
  send(encoded: string, commands: number): Promise<Answer[]> {
    const answers: Answer[] = [];
    return new Promise((resolve) => {
      for (let i = 0; i < commands; i++) {
        this.#waiting.push((answer) => {
          answers.push(answer);
          if (answers.length === commands) resolve(answers);
        });
      }
      this.#socket.write(encoded, 'latin1');
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#rest += text;
    for (;;) {
      const line = this.#rest.indexOf('\r\n');
      if (line < 0) return;
      const head = this.#rest.slice(1, line);
      let answer: Answer;
      let used = line + 2;
      switch (this.#rest[0]) {
        case ':':
          answer = Number(head);
          break;
        case '-':
          answer = new Error(head);
          break;
        case '$': {
          used += Math.max(0, Number(head) + 2);
          if (this.#rest.length < used) return;
          answer = this.#rest.slice(line + 2, used - 2);
          break;
        }
        default:
          answer = head;
      }
      this.#rest = this.#rest.slice(used);
      this.#waiting.shift()?.(answer);
    }
  }
}

export const encodeCommands = (...commands: readonly (readonly string[])[]): string =>
  commands
    .map((words) => `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`)
    .join('');

/** The value of a field of INFO. */
export async function redisInfo(port: number, section: string, field: string): Promise<string | null> {
  const connection = await RedisConnection.open(port);
  try {
    const [text] = await connection.send(encodeCommands(['INFO', section]), 1);
    return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(String(text))?.[1] ?? null;
  } finally {
    connection.close();
  }
}

/** One redis-server with its data in `dir`, syncing every write. */
export function startRedisServer(dir: string, port: number, more: readonly string[] = []): ChildProcess {
  mkdirSync(dir, { recursive: true });
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, ...durable, ...more];
  return start('redis-server', args, join(dir, 'log'));
}

/** A primary and one replica, both with `appendfsync always`. */
export async function startRedisPair(
  dir: string,
): Promise<{ port: number; pids: number[]; stop(): Promise<void> }> {
  needPrograms(REDIS);
  const [port, replicaPort] = (await freePorts(2)) as [number, number];
  const children = [
    startRedisServer(join(dir, 'primary'), port),
    startRedisServer(join(dir, 'replica'), replicaPort, ['--replicaof', '127.0.0.1', String(port)]),
  ];
  await until('the replica linked', 15_000, async () =>
    (await redisInfo(replicaPort, 'replication', 'master_link_status')) === 'up' ? true : null,
  );
  const pids = children.map(({ pid }) => pid as number);
  return { port, pids, stop: async () => void (await Promise.all(children.map((child) => end(child)))) };
}

const RELEASE =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0";

/** Takes a lock and gives it back, as its documentation has it: set if not there, deleted if it is still ours. */
export async function redisLockUnlock(
  connection: RedisConnection,
  key: string,
  token: string,
): Promise<void> {
  const [taken] = await connection.send(encodeCommands(['SET', key, token, 'NX', 'PX', '10000']), 1);
  if (taken !== 'OK') throw new Error(`SET NX said ${taken}`);
  const [given] = await connection.send(encodeCommands(['EVAL', RELEASE, '1', key, token]), 1);
  if (given !== 1) throw new Error(`the release said ${given}`);
}

/** One server alone that syncs every write. */
export async function startRedisAlone(dir: string): Promise<{ port: number; stop(): Promise<void> }> {
  needPrograms(REDIS);
  const [port] = (await freePorts(1)) as [number];
  const child = startRedisServer(dir, port);
  await until('redis', 15_000, async () => (await redisInfo(port, 'server', 'redis_version')) ?? null);
  return { port, stop: () => end(child) };
}
