import { type IncomingHttpHeaders, request } from 'node:http';
import type { CallReport, RouterView, ServiceCallOptions } from '../../src/client/api.js';
import { type Gateway, type GatewayOptions, openGateway } from '../../src/gateway/open.js';
import type { Json, ServiceView } from '../../src/service/definition.js';

export interface Call {
  readonly to: string;
  readonly params: unknown;
  readonly options: ServiceCallOptions;
}

const load = { inflight: 0, queued: 0, maxInflight: 64, loop: 0, cpu: 0, waitedMs: 0 };

export const node = (id: string, more: Partial<RouterView['nodes'][number]> = {}) => ({
  id,
  weight: 1,
  inflight: 0,
  others: 0,
  ewmaMs: null,
  load: null,
  score: null,
  state: 'up' as const,
  ejections: 0,
  untilMs: null,
  requests: 0,
  errors: 0,
  ...more,
});

/** A gateway before a cluster that does as a test says. */
export class Door {
  readonly calls: Call[] = [];
  readonly failed: string[] = [];
  services: ServiceView[] = [
    {
      name: 'demo',
      methods: [
        { name: 'echo', idempotent: true },
        { name: 'add', idempotent: false },
      ],
    },
  ];
  nodes = [node('n1'), node('n2')];
  /** What nodes do when they are asked for their services. */
  asked: () => unknown = () => {};
  answer: (call: Call) => Promise<Json> | Json = ({ params }) => params as Json;
  attempts = 1;
  gateway!: Gateway;

  async open(host = '127.0.0.1', port = 0, patience?: GatewayOptions['patience']): Promise<this> {
    this.gateway = await openGateway({
      router: {
        route: async (to, params, options = {}): Promise<CallReport> => {
          const call = { to, params, options };
          this.calls.push(call);
          return { value: await this.answer(call), node: 'n1', attempts: this.attempts, ms: 1, load };
        },
        view: () => ({ strategy: 'two-choices', nodes: this.nodes, retries: { used: 0, budget: 0 } }),
      },
      services: async () => {
        await this.asked();
        return this.services;
      },
      host,
      port,
      timeoutMs: 7000,
      failed: ({ message }) => this.failed.push(message),
      ...(patience === undefined ? {} : { patience }),
    });
    return this;
  }

  /** Sends what `fetch` would not: any header, a body in chunks. */
  ask(method: string, path: string, options: Asking = {}): Promise<Answer> {
    const { port } = this.gateway;
    const { body } = options;
    // Else every connection would end with its answer, whatever the gateway says.
    const headers = { Connection: 'keep-alive', ...options.headers };
    return new Promise((resolve, reject) => {
      let answered = false;
      const asking = request(
        { host: '127.0.0.1', port, method, path, headers, agent: false },
        async (response) => {
          answered = true;
          response.setEncoding('utf8');
          let text = '';
          for await (const part of response) text += part;
          const { statusCode = 0, headers } = response;
          const isJson = /json/.test(headers['content-type'] ?? '');
          resolve({
            status: statusCode,
            headers,
            text,
            json: isJson && text !== '' ? JSON.parse(text) : null,
          });
        },
      );
      // The rest of a body that is refused cannot be written any more; the answer is what counts.
      asking.on('error', (error) => !answered && reject(error));
      if (Array.isArray(body)) {
        for (const chunk of body) asking.write(chunk);
        asking.end();
      } else asking.end(body);
    });
  }

  post(path: string, body?: Asking['body'], headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask('POST', path, {
      headers: { 'Content-Type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body }),
    });
  }

  /** The value of a metric, as it is exposed; null when there is none of that name and labels. */
  async metric(line: string): Promise<number | null> {
    const { text } = await this.ask('GET', '/metrics');
    const found = text.split('\n').find((one) => one.startsWith(`${line} `));
    return found === undefined ? null : Number(found.slice(line.length + 1));
  }
}

interface Asking {
  readonly headers?: Record<string, string>;
  /** An array: sent in chunks, with no length told. */
  readonly body?: string | Uint8Array | readonly (string | Uint8Array)[];
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what came is what is tested
  readonly json: any;
}
