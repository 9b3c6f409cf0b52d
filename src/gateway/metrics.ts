import type { RouterView } from '../client/api.js';

/** In seconds: from a call on this machine to the longest that somebody waits for. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** In place of names that are no service's or method's, whatever callers make up: names have no brackets. */
const unknown = '(unknown)';
/** In place of a node, when none is known to have answered. */
const nobody = '(none)';

/** A request that has ended. */
export interface Ended {
  readonly service: string;
  readonly method: string;
  /** Does the method exist? If not, its name is not used as a label. */
  readonly known: boolean;
  /** Who answered it, if that is known. */
  readonly node: string | null;
  /** `ok`, or the code of the error. */
  readonly code: string;
  readonly attempts: number;
  readonly ms: number;
}

export interface Metrics {
  began(): void;
  ended(request: Ended): void;
  /** Requests under way. */
  readonly inFlight: number;
  /** In the text format of Prometheus, with its content type. */
  expose(view: RouterView): Promise<{ text: string; contentType: string }>;
}

/** Counts in a registry of its own. */
export function createMetrics({
  Counter,
  Gauge,
  Histogram,
  Registry,
}: Pick<typeof import('./packages.js'), 'Counter' | 'Gauge' | 'Histogram' | 'Registry'>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: 'muster_gateway_requests_total',
    help: 'Requests completed, by node and by result ("ok" or an error code).',
    labelNames: ['service', 'method', 'node', 'code'],
    registers,
  });
  const duration = new Histogram({
    name: 'muster_gateway_request_duration_seconds',
    help: 'Time from a request to its response.',
    labelNames: ['service', 'method'],
    buckets,
    registers,
  });
  const inFlight = new Gauge({
    name: 'muster_gateway_requests_in_flight',
    help: 'Requests in flight.',
    registers,
  });
  const retries = new Counter({
    name: 'muster_gateway_retries_total',
    help: 'Retries: attempts at a request beyond the first.',
    registers,
  });
  const ofNode = (name: string, help: string) =>
    new Gauge({ name: `muster_gateway_node_${name}`, help, labelNames: ['node'], registers });
  const nodes = {
    ejected: ofNode('ejected', '1 if the node is ejected because of errors, else 0.'),
    silent: ofNode('silent', '1 if the node does not respond, else 0.'),
    draining: ofNode('draining', '1 if the node is draining and receives no new requests, else 0.'),
    inflight: ofNode('inflight', 'Attempts in flight to the node.'),
    weight: ofNode('weight', 'Weight of the node in the routing strategy.'),
  };
  let under = 0;
  return {
    began() {
      under += 1;
      inFlight.set(under);
    },
    ended({ service, method, known, node, code, attempts, ms }) {
      under -= 1;
      inFlight.set(under);
      const labels = known ? { service, method } : { service: unknown, method: unknown };
      requests.inc({ ...labels, node: node ?? nobody, code });
      duration.observe(labels, ms / 1000);
      retries.inc(Math.max(0, attempts - 1));
    },
    get inFlight() {
      return under;
    },
    async expose(view) {
      // Drops the series of nodes that have left.
      for (const gauge of Object.values(nodes)) gauge.reset();
      for (const { id: node, state, inflight, weight } of view.nodes) {
        nodes.ejected.set({ node }, state === 'ejected' ? 1 : 0);
        nodes.silent.set({ node }, state === 'silent' ? 1 : 0);
        nodes.draining.set({ node }, state === 'draining' ? 1 : 0);
        nodes.inflight.set({ node }, inflight);
        nodes.weight.set({ node }, weight);
      }
      return { text: await registry.metrics(), contentType: registry.contentType };
    },
  };
}
