import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { RouteReport } from '../src/bench/route.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { countFlag } from '../src/cli/flags.js';
import { parseShare, parseWeights } from '../src/cli/parse.js';
import { type RoutingRun, runRouting } from '../src/cli/route-run.js';
import { MusterError } from '../src/errors.js';
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
  static override summary = 'Sends requests to a method of a service, spread over the nodes by a strategy.';
  static override description =
    'With nothing else said it is one request, and prints the reply. Every node has a service to try it with: demo.echo, demo.sleep {"ms"}, demo.work {"ms"}, demo.fail {"rate"}; sleep and work take {"slow": {"n2": 4}} to be slower on a node.';
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
    method: Args.string({ required: true, ignoreStdin: true, description: 'SERVICE.METHOD.' }),
    params: Args.string({ ignoreStdin: true, description: 'What it is given, as JSON (null).' }),
  };
  static override flags = {
    strategy: Flags.string({
      default: 'two-choices',
      helpValue: strategyNames.join('|'),
      description: 'How a node is chosen; or a module whose default export chooses (./mine.js).',
    }),
    weights: Flags.string({ helpValue: 'n1=2,…', description: 'Static weights; 1 when not named.' }),
    count: countFlag({ default: 1, description: 'How many requests.' }),
    concurrency: countFlag({ default: 64, description: 'How many at once.' }),
    key: Flags.string({
      description: 'For hash: requests of one key go to one node; {i} is the number of the request.',
    }),
    idempotent: Flags.boolean({
      allowNo: true,
      description: 'May it run twice? Else as its service declares.',
    }),
    hedge: Flags.string({
      helpValue: '95%',
      description: 'Ask another node too when the first is slower than this share of the requests before.',
    }),
    explain: Flags.boolean({ description: 'Show who was considered for the last request, and why.' }),
    expect: Flags.string({
      helpValue: 'n1=50±5%,…',
      description: 'Shares of the requests; exit 1 when one is missed.',
    }),
    compare: Flags.string({ helpValue: 'random,…', description: 'Several strategies, ranked by their p99.' }),
  };

  async run(): Promise<RouteReport | readonly RouteReport[]> {
    const { flags, args } = this;
    let params: unknown = null;
    if (args.params !== undefined) {
      try {
        params = JSON.parse(args.params);
      } catch (error) {
        throw new MusterError('usage', `the parameters are no JSON: ${(error as Error).message}`);
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
