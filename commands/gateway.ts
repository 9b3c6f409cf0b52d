import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base-command.js';
import { countFlag } from '../src/cli/flags.js';
import { parseWeights } from '../src/cli/parse.js';
import { checkWeights, strategyOf } from '../src/cli/route-run.js';
import { MusterError } from '../src/errors.js';
import { plural } from '../src/text/format.js';

export default class Gateway extends BaseCommand<typeof Gateway> {
  static override summary = 'Serves the methods of the services over HTTP, until Ctrl-C.';
  static override description = [
    `POST /SERVICE/METHOD with a JSON body is answered with the reply as JSON: curl -d '{"hello": 1}' -H 'Content-Type: application/json' http://127.0.0.1:8080/demo/echo. A request may have X-Request-Timeout (2s; else --timeout), X-Request-Id and X-Muster-Key (for hash); the answer has X-Request-Id, X-Muster-Node and X-Muster-Attempts. Errors are problems (RFC 9457, application/problem+json) that say whether the request took effect. GET / lists the methods; /healthz, /readyz and /metrics (Prometheus) are for machines.`,
    'There is no authentication: whoever reaches the port may call every method. So it listens on this machine alone, unless --allow-remote is given. Web pages of other origins are refused.',
    'SIGINT and SIGTERM end it when what is under way is answered, after 5 s at the latest. With --json it prints one line, {"url","port"}, when it listens.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> gateway --port 8080 --strategy two-choices',
    '<%= config.bin %> gateway --port 0 --strategy weighted --weights n1=2 --json',
  ];
  static override complete = { strategy: 'strategy', weights: 'node-values' } as const;
  static override flags = {
    port: countFlag({ default: 8080, description: 'Where it listens (0: the system picks).' }),
    host: Flags.string({ default: '127.0.0.1', description: 'The address it listens on.' }),
    'allow-remote': Flags.boolean({
      description: 'Let --host be reached from other machines, which may then call every method.',
    }),
    strategy: Flags.string({
      default: 'two-choices',
      helpValue: 'two-choices|…',
      description: 'How a node is chosen, as in `route`; or a module (./mine.js).',
    }),
    weights: Flags.string({ helpValue: 'n1=2,…', description: 'Static weights; 1 when not named.' }),
  };

  async run(): Promise<void> {
    const { port, host, strategy, weights: given } = this.flags;
    const [{ openGateway }, { isLoopback }] = await Promise.all([
      import('../src/gateway/open.js'),
      import('../src/os/loopback.js'),
    ]);
    if (port > 65_535) throw new MusterError('usage', `--port takes 0 to 65535, not ${port}`);
    if (!isLoopback(host) && !this.flags['allow-remote'])
      throw new MusterError(
        'usage',
        `other machines may reach ${host}, and there is no authentication: say so with --allow-remote`,
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
    this.note('Ctrl-C ends it.');
    if (!signal.aborted) await new Promise((done) => signal.addEventListener('abort', done, { once: true }));
    const cut = await gateway.close();
    if (cut > 0) this.caution(`${plural(cut, 'request')} did not end in time and was cut off`);
  }
}
