import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { countFlag } from '../src/cli/flags.js';
import { parseWeights } from '../src/cli/parse.js';
import { checkWeights, strategyOf } from '../src/cli/route-run.js';
import { invalid, MusterError } from '../src/errors.js';
import { plural } from '../src/text/format.js';

export default class Gateway extends BaseCommand<typeof Gateway> {
  static override summary = 'Serve the methods of services over HTTP until Ctrl-C';
  static override description = [
    `POST /SERVICE/METHOD with a JSON body returns the reply as JSON: curl -d '{"hello": 1}' -H 'Content-Type: application/json' http://127.0.0.1:8080/demo/echo. Request headers: X-Request-Timeout (such as 2s, instead of --timeout), X-Request-Id, and X-Muster-Key (for hash). Response headers: X-Request-Id, X-Muster-Node and X-Muster-Attempts. Errors are RFC 9457 problems (application/problem+json) and say whether the request took effect. GET / lists the methods; /healthz, /readyz and /metrics (Prometheus) serve monitoring.`,
    'Anyone who can reach the port can call every method, without authentication. The gateway therefore listens on this machine only, unless --allow-remote is given. Requests from web pages of other origins are rejected.',
    'On SIGINT and SIGTERM it waits up to 5 s for open requests, then exits. With --json it prints one line, {"url","port"}, once it is listening.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> gateway --port 8080 --strategy two-choices',
    '<%= config.bin %> gateway --port 0 --strategy weighted --weights n1=2 --json',
  ];
  static override complete = { strategy: 'strategy', weights: 'node-values' } as const;
  static override flags = {
    port: countFlag({ default: 8080, description: 'port to listen on (0: any free port)' }),
    host: Flags.string({ default: '127.0.0.1', description: 'address to listen on' }),
    'allow-remote': Flags.boolean({
      description: 'allow a --host that other machines can reach; they can then call every method',
    }),
    strategy: Flags.string({
      default: 'two-choices',
      helpValue: 'two-choices|…',
      description: 'routing strategy, as for `muster route`, or a module (./mine.js)',
    }),
    weights: Flags.string({
      helpValue: 'n1=2,…',
      description: 'static weight of each node (unlisted nodes: 1)',
    }),
  };

  async run(): Promise<void> {
    const { port, host, strategy, weights: given } = this.flags;
    const [{ openGateway }, { isLoopback }] = await Promise.all([
      import('../src/gateway/open.js'),
      import('../src/os/loopback.js'),
    ]);
    if (port > 65_535) throw invalid('--port', port, 'a port number from 0 to 65535');
    if (!isLoopback(host) && !this.flags['allow-remote'])
      throw new MusterError(
        'usage',
        `host ${host} is reachable from other machines without authentication: pass --allow-remote to allow it`,
      );
    const weights = given === undefined ? {} : { weights: parseWeights(given) };
    const chosen = await strategyOf(strategy);
    const client = await this.client();
    await checkWeights(client, weights.weights);
    const signal = this.interruptible();
    const gateway = await openGateway({
      router: await client.router({ strategy: chosen, ...weights }),
      services: (options) => client.services(options),
      host,
      port,
      timeoutMs: this.timeoutMs(),
      failed: ({ message }) => this.caution(message),
    });
    const { url } = gateway;
    await this.stream(`${this.jsonEnabled() ? JSON.stringify({ url, port: gateway.port }) : url}\n`);
    this.note('Press Ctrl-C to stop.');
    if (!signal.aborted) await new Promise((done) => signal.addEventListener('abort', done, { once: true }));
    const cut = await gateway.close();
    if (cut > 0) this.caution(`aborted ${plural(cut, 'request')} that did not finish in time`);
  }
}
