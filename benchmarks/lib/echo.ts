import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WebSocket, WebSocketServer } from 'ws';
import { peers } from './deps.js';
import { cleanEnv, end } from './processes.js';

interface Broker {
  start(): Promise<void>;
  waitForServices(names: string): Promise<unknown>;
  call(action: string, params: unknown): Promise<unknown>;
  readonly registry: { getServiceList(options: object): { name: string; nodeID: string }[] };
}

/**
 * So many Moleculer nodes with an action that echoes, over its TCP transporter, each a process; resolves when each sees it on all.
 * `stop` kills them. Rejects when one ends, or when they do not find one another within 60 s.
 */
export async function startMoleculer(
  namespace: string,
  nodes: number,
): Promise<{ pids: readonly number[]; stop(): Promise<void> }> {
  const module = peers('moleculer').resolve('moleculer');
  const program = fileURLToPath(new URL('moleculer-node.cjs', import.meta.url));
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> =>
    void (await Promise.all(children.map((child) => end(child, 'SIGKILL'))));
  const ready = Array.from({ length: nodes }, (_, i) => {
    const args = [module, `node-${i}`, namespace, String(nodes)];
    const child = fork(program, args, { env: cleanEnv(), execArgv: [] });
    children.push(child);
    return new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', (code) => reject(new Error(`a Moleculer node ended with ${code}`)));
    });
  });
  const late = new AbortController();
  try {
    const patience = sleep(60_000, undefined, { signal: late.signal }).then(() => {
      throw new Error('Moleculer: the nodes did not find one another within 60 s');
    });
    await Promise.race([Promise.all(ready), patience]);
  } catch (error) {
    await stop();
    throw error;
  } finally {
    late.abort();
    for (const one of ready) one.catch(() => {});
  }
  return { pids: children.map(({ pid }) => pid as number), stop };
}

/** A caller that is a member of the cluster, as Moleculer has it, and balances by turns, its default. */
export async function moleculerEcho(
  namespace: string,
  nodes: number,
  params: unknown,
): Promise<() => Promise<() => Promise<unknown>>> {
  const { ServiceBroker } = peers('moleculer')('moleculer') as {
    ServiceBroker: new (options: object) => Broker;
  };
  const broker = new ServiceBroker({ nodeID: 'caller', namespace, transporter: 'TCP', logger: false });
  await broker.start();
  await broker.waitForServices('echo');
  const seen = (): number =>
    broker.registry.getServiceList({ onlyAvailable: true }).filter(({ name }) => name === 'echo').length;
  while (seen() < nodes) await new Promise((resolve) => setTimeout(resolve, 10));
  return async () => () => broker.call('echo.echo', params);
}

/** A process that echoes JSON over a bare `ws`: what a call costs at least. */
export async function startWs(): Promise<{ url: string; stop(): Promise<void> }> {
  const child = fork(fileURLToPath(import.meta.url), ['serve'], {
    env: cleanEnv(),
    execArgv: ['--import', 'tsx'],
  });
  const [url] = (await once(child, 'message')) as [string];
  return {
    url,
    async stop() {
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

export async function wsEcho(url: string, params: unknown): Promise<() => Promise<() => Promise<unknown>>> {
  const ws = new WebSocket(url, { perMessageDeflate: false });
  await once(ws, 'open');
  const waiting = new Map<number, (value: unknown) => void>();
  let next = 1;
  ws.on('message', (data: Buffer) => {
    const { id, result } = JSON.parse(data.toString()) as { id: number; result: unknown };
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  return async () => () =>
    new Promise((resolve) => {
      const id = next++;
      waiting.set(id, resolve);
      ws.send(JSON.stringify({ id, params }));
    });
}

if (process.argv[2] === 'serve' && process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  server.on('connection', (ws) =>
    ws.on('message', (data: Buffer) => {
      const { id, params } = JSON.parse(data.toString()) as { id: number; params: unknown };
      ws.send(JSON.stringify({ id, result: params }));
    }),
  );
  await once(server, 'listening');
  process.on('disconnect', () => process.exit(0));
  process.send?.(`ws://127.0.0.1:${(server.address() as { port: number }).port}`);
}
