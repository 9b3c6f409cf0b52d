import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { RouteReport } from '../src/bench/route.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { countFlag } from '../src/cli/flags.js';
import { parseShare, parseWeights } from '../src/cli/parse.js';
import { type RoutingRun, runRouting } from '../src/cli/route-run.js';
import { invalid } from '../src/errors.js';
import {
  compareColumns,
  explainColumns,
  explainRows,
  missed,
  parseExpected,
  routeColumns,
  routeSummary,
} from '../src/render/route-view.js';
import { strategyNames } from '../src/router/balancers/index.js';

export default class Route extends BaseCommand<typeof Route> {
  static override summary = 'Send requests to a service method, spread over the nodes by a strategy';
  static override description =
    'By default it sends one request and prints the reply. Every node provides a demo service: demo.echo, demo.sleep {"ms"}, demo.work {"ms"} and demo.fail {"rate"}. To slow down sleep and work on a node, add {"slow": {"n2": 4}}.';
  static override examples = [
    `<%= config.bin %> route demo.echo '{"hello": 1}'`,
    `<%= config.bin %> route demo.work '{"ms": 5, "slow": {"n2": 4}}' --strategy weighted --count 2000 --concurrency 16`,
    `<%= config.bin %> route demo.sleep '{"ms": 5, "slow": {"n2": 4}}' --count 2000 --compare random,round-robin,two-choices`,
    '<%= config.bin %> route demo.echo --strategy weighted --weights n1=2 --count 1000 --expect n1=50±5%',
  ];
  static override complete = {
    method: 'method',
    strategy: 'strategy',
    compare: 'strategies',
    weights: 'node-values',
    expect: 'node-values',
  } as const;
  static override args = {
    method: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'method to call, as SERVICE.METHOD',
    }),
    params: Args.string({ ignoreStdin: true, description: 'parameters as JSON (default: null)' }),
  };
  static override flags = {
    strategy: Flags.string({
      default: 'two-choices',
      helpValue: strategyNames.join('|'),
      description: 'routing strategy, or a module whose default export chooses a node (./mine.js)',
    }),
    weights: Flags.string({
      helpValue: 'n1=2,…',
      description: 'static weight of each node (unlisted nodes: 1)',
    }),
    count: countFlag({ default: 1, description: 'number of requests' }),
    concurrency: countFlag({ default: 64, description: 'maximum concurrent requests' }),
    key: Flags.string({
      description: 'with hash: requests with the same key go to the same node; {i} is the request number',
    }),
    idempotent: Flags.boolean({
      allowNo: true,
      description: 'whether a request may run twice (default: as the service declares)',
    }),
    hedge: Flags.string({
      helpValue: '95%',
      description: 'also ask another node when the first is slower than this share of earlier requests',
    }),
    explain: Flags.boolean({
      description: 'show the nodes that were considered for the last request, and why',
    }),
    expect: Flags.string({
      helpValue: 'n1=50±5%,…',
      description: 'expected share of the requests for each node; exit code 1 if one is missed',
    }),
    compare: Flags.string({ helpValue: 'random,…', description: 'strategies to compare, ranked by p99' }),
  };

  async run(): Promise<RouteReport | readonly RouteReport[]> {
    const { flags, args } = this;
    let params: unknown = null;
    if (args.params !== undefined) {
      try {
        params = JSON.parse(args.params);
      } catch (cause) {
        throw invalid('parameters', args.params, `valid JSON (${(cause as Error).message})`, { cause });
      }
    }
    const expected = flags.expect === undefined ? [] : parseExpected(flags.expect);
    const run: RoutingRun = {
      to: args.method,
      params,
      count: flags.count,
      concurrency: flags.concurrency,
      strategies: flags.compare === undefined ? [flags.strategy] : flags.compare.split(','),
      ...(flags.weights === undefined ? {} : { weights: parseWeights(flags.weights) }),
      ...(flags.key === undefined ? {} : { key: flags.key }),
      ...(flags.idempotent === undefined ? {} : { idempotent: flags.idempotent }),
      ...(flags.hedge === undefined ? {} : { hedge: parseShare('--hedge', flags.hedge) }),
      explain: flags.explain,
      timeoutMs: this.timeoutMs(),
    };
    const client = await this.client();
    const signal = this.interruptible();
    const progress = await this.progress(`routing to ${args.method}`);
    const { reports, explained } = await runRouting(client, run, progress, signal);
    progress.clear();
    const report = reports[0] as RouteReport;
    if (reports.length > 1) await this.table(reports, compareColumns);
    else if (flags.count > 1) await this.table(report.nodes, routeColumns(expected));
    else if (report.ok === 1) this.out(`${JSON.stringify(report.value)}\n`);
    if (explained !== null) {
      await this.table(explainRows(explained), explainColumns);
      this.note(`${explained.node}: ${explained.why}`);
    }
    for (const one of reports) this.note(routeSummary(one));
    const wrong = missed(report, expected);
    for (const text of wrong) this.note(text);
    if (signal.aborted) this.exitWith(130);
    else if (wrong.length > 0 || reports.some(({ failed }) => failed > 0)) this.exitWith(1);
    return reports.length > 1 ? reports : report;
  }
}
