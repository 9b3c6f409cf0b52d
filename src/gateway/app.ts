import type { Context, Hono } from 'hono';
import type { ServiceRouter } from '../client/api.js';
import { MusterError } from '../errors.js';
import type { Directory } from './directory.js';
import type { Metrics } from './metrics.js';
import { checkOrigin } from './origin.js';
import { asMuster, problemOf, Refusal } from './problem.js';
import { paramsOf, requestIdOf, timeoutOf } from './request.js';

export interface AppOptions {
  readonly router: Pick<ServiceRouter, 'route' | 'view'>;
  readonly directory: Directory;
  readonly metrics: Metrics;
  /** Of a request that names none, in ms. */
  readonly timeoutMs: number;
  /** Where it listens. */
  readonly host: string;
  /** It takes nothing new: connections end with their answer. */
  readonly stopping: () => boolean;
  /** Called with internal errors of the gateway. */
  readonly failed: (error: MusterError) => void;
}

type Env = { Variables: { requestId: string } };
type Headers = Readonly<Record<string, string>>;

/** HTTP on one side, a router on the other. */
export function createApp(make: typeof Hono, options: AppOptions): Hono<Env> {
  const { router, directory, metrics, timeoutMs } = options;
  const app = new make<Env>();
  /** Every response is made here, with the headers that all have: to add one later would make it anew. */
  const respond = (c: Context<Env>, text: string, status: number, headers: Headers): Response => {
    const all: Record<string, string> = { ...headers, 'X-Request-Id': c.get('requestId') };
    if (options.stopping()) all.Connection = 'close';
    return new Response(text, { status, headers: all });
  };
  const json = (c: Context<Env>, value: unknown, status: number, headers: Headers = {}): Response =>
    respond(c, JSON.stringify(value), status, { 'Content-Type': 'application/json', ...headers });

  app.use(async (c, next) => {
    c.set('requestId', requestIdOf(c.req.header('x-request-id')));
    checkOrigin(options.host, { host: c.req.header('host'), origin: c.req.header('origin') });
    await next();
  });

  app.onError((thrown, c) => {
    const error = asMuster(thrown);
    if (error.code === 'internal') options.failed(error);
    const { problem, headers } = problemOf(error, c.get('requestId'));
    return json(c, problem, problem.status, { ...headers, 'Content-Type': 'application/problem+json' });
  });
  app.notFound((c) => {
    throw new Refusal(404, 'not-found', `${c.req.path} not found: GET / lists the services`);
  });

  /** Serves GET and HEAD; says of other methods that it does not. */
  const get = (path: string, serve: (c: Context<Env>) => Response | Promise<Response>): void => {
    app.get(path, serve);
    app.all(path, (c) => {
      throw notAllowed(c, 'GET, HEAD');
    });
  };
  get('/', async (c) => {
    const services = await directory.services(timeoutMs);
    return json(c, { services: services.map(indexed) }, 200);
  });
  get('/healthz', (c) => json(c, { status: 'ok' }, 200));
  get('/readyz', async (c) => {
    if (options.stopping()) throw new Refusal(503, 'unavailable', 'gateway is shutting down');
    const nodes = router.view().nodes.filter(({ state }) => state !== 'draining');
    if (nodes.length === 0) throw new Refusal(503, 'unavailable', 'no node available');
    // Not what the router remembers: without requests it would never hear that nodes are back.
    await directory.fresh(timeoutMs);
    return json(c, { status: 'ready', nodes: nodes.map(({ id }) => id) }, 200);
  });
  get('/metrics', async (c) => {
    const { text, contentType } = await metrics.expose(router.view());
    return respond(c, text, 200, { 'Content-Type': contentType });
  });

  app.post('/:service/:method', async (c) => {
    const { service, method } = c.req.param();
    const begin = performance.now();
    let [node, code, attempts]: [string | null, string, number] = [null, 'ok', 0];
    metrics.began();
    try {
      const most = timeoutOf(c.req.header('x-request-timeout'), timeoutMs);
      const params = await paramsOf(c.req.raw);
      const leftMs = (): number => most - (performance.now() - begin);
      const idempotent = await directory.isIdempotent(service, method, Math.max(1, leftMs()));
      const left = Math.round(leftMs());
      if (left < 1)
        throw new MusterError('timeout', `timed out after ${most} ms before the request could be sent`);
      const key = c.req.header('x-muster-key');
      const report = await router.route(`${service}.${method}`, params, {
        timeoutMs: left,
        idempotent,
        ...(key === undefined ? {} : { key }),
      });
      ({ node, attempts } = report);
      return json(c, report.value, 200, { 'X-Muster-Node': node, 'X-Muster-Attempts': String(attempts) });
    } catch (thrown) {
      const error = asMuster(thrown);
      ({ code } = error);
      const { details } = error;
      if (typeof details.node === 'string') ({ node } = details as { node: string });
      if (typeof details.attempts === 'number') ({ attempts } = details as { attempts: number });
      throw error;
    } finally {
      const known = directory.knows(service, method);
      metrics.ended({ service, method, known, node, code, attempts, ms: performance.now() - begin });
    }
  });
  app.all('/:service/:method', (c) => {
    throw notAllowed(c, 'POST');
  });
  return app;
}

const notAllowed = (c: Context, allow: string): Refusal =>
  new Refusal(405, 'usage', `method ${c.req.method} not allowed for ${c.req.path}: use ${allow}`, {
    Allow: allow,
  });

type Indexed = Awaited<ReturnType<Directory['services']>>[number];

const indexed = ({ name, methods }: Indexed) => ({
  name,
  methods: methods.map((method) => ({ ...method, path: `/${name}/${method.name}` })),
});
