import { coverable } from '../simulator/coverage.js';
import type { SimulationReport, SimulationTotals } from '../simulator/run.js';
import { plural } from '../text/format.js';
import type { Paint } from './terminal.js';

const list = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');

/**
 * One seed: what it drew, what went on, how it ended; of a violation also the last messages and the line that replays it, with
 * `replayFlags`.
 */
export function reportText(report: SimulationReport, paint: Paint, replayFlags: string): string {
  const { scenario } = report;
  const { network, disk, metastore, nemesis } = scenario;
  const lines = [
    paint.bold(`Seed ${report.seed}`),
    `  cluster    ${scenario.nodes} nodes, ${scenario.partitions} partitions, ${scenario.replicas} replicas (min-in-sync ${scenario.minInSync}), ${scenario.clients} clients`,
    `  network    ${network.ordered ? 'in order' : 'any order'}, loss ${network.loss}, duplicated ${network.duplicate}, slow ${network.slow} (up to ${network.slowMs} ms)`,
    `  machine    clocks ±${scenario.drift}, ${scenario.loopback ? 'a refused connection proves a crash' : 'a refused connection proves nothing'}, disk slow ${disk.slow} (up to ${disk.slowMs} ms), checkpoint every ${disk.checkpointMs} ms`,
    `  metastore  ${list(metastore as unknown as Record<string, number>)}`,
    `  faults     one every ${nemesis.everyMs} ms: ${list(report.faults) || 'none'}`,
    `  observed   ${report.operations} operations (${report.unknown} unknown, ${report.failed} failed), map revision ${report.revisions}, ${list(report.seen)}`,
    `  ended      after ${(report.virtualMs / 1000).toFixed(1)} s of virtual time, trace ${report.traceHash}`,
  ];
  if (report.verdict === 'ok') lines.push(`  ${paint.green('all invariants held')}`);
  else {
    const replay = `muster simulate --seed ${report.seed}${replayFlags}`;
    lines.push('', ...report.trace, '', paint.red(report.message ?? 'violation'), `replay: ${replay}`);
  }
  return `${lines.join('\n')}\n`;
}

export function totalsText(totals: SimulationTotals, paint: Paint): string {
  const verdict =
    totals.violations === 0
      ? paint.green('no violations')
      : paint.red(plural(totals.violations, 'violation'));
  return `${plural(totals.seeds, 'seed')}, ${totals.operations} operations, ${totals.faults} faults, ${(totals.virtualMs / 1000).toFixed(0)} s of virtual time: ${verdict}\n`;
}

/** What could be met: how often it was, and in how many runs. What was never met proves nothing. */
export function coverageText({ coverage, seeds }: SimulationTotals, paint: Paint): string {
  const lines = coverable.map((name) => {
    const { times, seeds: runs } = coverage[name] ?? { times: 0, seeds: 0 };
    const line = `  ${name.padEnd(28)} ${String(times).padStart(9)}  in ${String(runs).padStart(6)} of ${seeds}`;
    return times === 0 ? paint.yellow(line) : line;
  });
  const never = coverable.filter((name) => coverage[name] === undefined).length;
  return `${paint.bold('Coverage')}\n${lines.join('\n')}\n  ${never === 0 ? 'all covered' : `${never} not covered`}\n`;
}
