/**
 * Messages a second between two processes, 1 / 64 / 256 in flight: muster's transport against a bare `ws` echo
 * (one frame a message) in the same run. Run: `npx tsx benchmarks/transport.ts [seconds]`.
 * A message is a JSON-RPC request of about 110 bytes, its answer the same; both are parsed at both ends.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { WebSocket, WebSocketServer } from 'ws';
import type { Connection } from '../src/transport/contract.js';
import { createWsTransport } from '../src/transport/ws.js';

const token = 'benchmark';
const self = { role: 'node', cluster: 'bench', id: 'n1', store: 's', incarnation: 1 } as const;
const payload = 'x'.repeat(40);

interface Message {
  readonly id: number;
  readonly params: unknown;
}

const encode = (id: number, params: unknown) =>
  `{"jsonrpc":"2.0","id":${id},"method":"echo","params":${JSON.stringify(params)}}`;

async function serve(): Promise<void> {
  const server = await createWsTransport().listen({
    host: '127.0.0.1',
    port: 0,
    token,
    self,
    accept: (connection) => ({
      message: (messages) => {
        for (const { id, params } of messages as Message[]) connection.send(encode(id, params));
      },
      closed: () => {},
    }),
  });
  const bare = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  bare.on('connection', (ws) => {
    ws.on('message', (data: Buffer) => {
      const { id, params } = JSON.parse(data.toString()) as Message;
      ws.send(encode(id, params));
    });
  });
  await once(bare, 'listening');
  process.on('disconnect', () => process.exit(0));
  process.send?.({ muster: server.url, bare: `ws://127.0.0.1:${(bare.address() as { port: number }).port}` });
}

/** Keeps `inFlight` messages under way for `ms`; returns round trips a second. */
async function drive(
  inFlight: number,
  ms: number,
  send: (text: string) => void,
  answered: (take: () => void) => void,
): Promise<number> {
  let count = 0;
  let running = true;
  const params = { session: '1.1000', key: payload, by: 1 };
  answered(() => {
    count++;
    if (running) send(encode(count, params));
  });
  for (let i = 0; i < inFlight; i++) send(encode(i, params));
  await new Promise((resolve) => setTimeout(resolve, ms / 4));
  const [from, start] = [count, process.hrtime.bigint()];
  await new Promise((resolve) => setTimeout(resolve, ms));
  const rate = ((count - from) * 1e9) / Number(process.hrtime.bigint() - start);
  running = false;
  return rate;
}

async function measureBare(url: string, inFlight: number, ms: number): Promise<number> {
  const ws = new WebSocket(url, { perMessageDeflate: false });
  await once(ws, 'open');
  const rate = await drive(
    inFlight,
    ms,
    (text) => ws.send(text),
    (take) =>
      ws.on('message', (data: Buffer) => {
        JSON.parse(data.toString());
        take();
      }),
  );
  ws.terminate();
  return rate;
}

async function measureMuster(url: string, inFlight: number, ms: number): Promise<number> {
  let take = () => {};
  const connection: Connection = await createWsTransport().connect({
    url,
    token,
    hello: { role: 'client', cluster: 'bench' },
    expect: null,
    timeoutMs: 5000,
    handler: {
      message: (messages) => {
        for (let i = 0; i < messages.length; i++) take();
      },
      closed: () => {},
    },
  });
  const rate = await drive(
    inFlight,
    ms,
    (text) => connection.send(text),
    (each) => {
      take = each;
    },
  );
  connection.close();
  return rate;
}

async function main(): Promise<void> {
  const ms = Number(process.argv[2] ?? 1) * 1000;
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), ['serve']);
  const [urls] = (await once(child, 'message')) as [{ muster: string; bare: string }];
  console.log('in flight    bare ws/s     muster/s    ratio   (median of 3)');
  for (const inFlight of [1, 64, 256]) {
    const rounds: [number, number][] = [];
    for (let i = 0; i < 3; i++) {
      rounds.push([
        await measureBare(urls.bare, inFlight, ms),
        await measureMuster(urls.muster, inFlight, ms),
      ]);
    }
    const median = (figures: number[]) => figures.sort((a, b) => a - b)[1]!;
    const bare = median(rounds.map(([b]) => b));
    const muster = median(rounds.map(([, m]) => m));
    const columns = [bare.toFixed(0), muster.toFixed(0), (muster / bare).toFixed(2)];
    console.log(`${String(inFlight).padStart(9)} ${columns.map((c) => c.padStart(12)).join('')}`);
  }
  child.disconnect();
}

await (process.argv[2] === 'serve' ? serve() : main());
