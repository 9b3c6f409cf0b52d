import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MusterClient, ServiceRouter } from '../client/api.js';
import { MusterError } from '../errors.js';
import { limits } from '../limits.js';
import { createApp } from './app.js';
import { Directory } from './directory.js';
import { createMetrics } from './metrics.js';

export interface GatewayOptions {
  readonly router: Pick<ServiceRouter, 'route' | 'view'>;
  readonly services: MusterClient['services'];
  readonly host: string;
  /** 0: the system picks. */
  readonly port: number;
  /** Of a request that names none, in ms. */
  readonly timeoutMs: number;
  /** Called with internal errors of the gateway. */
  readonly failed: (error: MusterError) => void;
  /** How long the head of a request, and all of it, may take to arrive, in ms; as in `limits` when left out. */
  readonly patience?: { readonly headMs: number; readonly requestMs: number };
}

export interface Gateway {
  readonly url: string;
  readonly port: number;
  /** Takes nothing new, and waits for what is under way, at most so long in ms. Gives how many requests were cut off. */
  close(graceMs?: number): Promise<number>;
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      const message = taken
        ? `port ${port} of ${host} is in use`
        : `cannot listen on ${host}:${port}: ${cause.code ?? cause.message}`;
      reject(new MusterError(taken ? 'port-taken' : 'usage', message, { details: { host, port }, cause }));
    });
    server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port));
  });
}

/** Opens the front door. Rejects with `port-taken`, or `usage` when it cannot listen there at all. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const packages = await import('./packages.js');
  const { router, services, host, timeoutMs, failed } = options;
  const { headMs, requestMs } = options.patience ?? {
    headMs: limits.gatewayHeadMs,
    requestMs: limits.gatewayRequestMs,
  };
  const metrics = createMetrics(packages);
  const directory = new Directory((ms) => services({ timeoutMs: ms }));
  let stopping = false;
  const app = createApp(packages.Hono, {
    router,
    directory,
    metrics,
    timeoutMs,
    host,
    stopping: () => stopping,
    failed,
  });
  const server = packages.createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    // A slow sender gets a 408 and loses the connection.
    serverOptions: {
      headersTimeout: headMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: Math.min(1000, headMs),
    },
  }) as Server;
  server.maxConnections = limits.connections;
  const port = await listen(server, host, options.port);
  const shown = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${shown}:${port}`,
    port,
    async close(graceMs = limits.gatewayDrainMs) {
      stopping = true;
      const closed = new Promise<void>((done) => server.close(() => done()));
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((done) => {
        timer = setTimeout(done, graceMs);
      });
      await Promise.race([closed, late]);
      clearTimeout(timer);
      const cut = metrics.inFlight;
      server.closeAllConnections();
      await closed;
      return cut;
    },
  };
}
