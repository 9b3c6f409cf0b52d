import type { Rules } from '../core/rules.js';
import { addCoverage, type Coverage } from './coverage.js';
import { Violation } from './invariants.js';
import { type Scenario, scenarioOf } from './scenario.js';
import { scenarios } from './scenarios.js';
import { World } from './world.js';

export interface SimulationReport {
  readonly seed: number;
  readonly verdict: 'ok' | 'violation';
  /** The first broken invariant and what happened. */
  readonly invariant: number | null;
  readonly message: string | null;
  /** The last lines of what went on before. */
  readonly trace: readonly string[];
  readonly scenario: Scenario;
  readonly operations: number;
  readonly unknown: number;
  readonly failed: number;
  readonly revisions: number;
  readonly seen: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  /** Partitions whose last in-sync disks the nemesis destroyed. */
  readonly lost: number;
  /** Virtual time, in ms. */
  readonly virtualMs: number;
  readonly traceHash: string;
}

/** Runs one seed from its first event to the verdict. The same seed gives the same report, on any machine. */
export async function simulate(
  seed: number,
  rules?: Rules,
  change: (scenario: Scenario) => Scenario = scenarios.usual.of,
): Promise<SimulationReport> {
  const scenario = change(scenarioOf(seed));
  const world = new World(scenario, rules);
  let violation: Violation | null = null;
  try {
    await world.run();
  } catch (error) {
    // Whatever else breaks in a run is a contradiction too: a disk asked for what no disk can do, a core that throws.
    violation =
      error instanceof Violation ? error : new Violation(4, (error as Error).stack ?? String(error));
  }
  return {
    seed,
    verdict: violation === null ? 'ok' : 'violation',
    invariant: violation?.invariant ?? null,
    message: violation?.message ?? null,
    trace: world.trace(),
    scenario,
    operations: world.history.length,
    unknown: world.history.filter((o) => o.outcome === 'unknown').length,
    failed: world.history.filter((o) => o.outcome === 'failed').length,
    revisions: world.metastore.map.revision,
    seen: { ...world.invariants.seen, ...world.txHistory.counts },
    faults: world.nemesis.counts as Record<string, number>,
    lost: world.metastore.map.partitions.filter((_, p) => world.atRest.lost(p)).length,
    virtualMs: Math.round(world.queue.now),
    traceHash: world.traceHash,
  };
}

export interface SimulationTotals {
  readonly seeds: number;
  readonly violations: number;
  readonly operations: number;
  readonly faults: number;
  readonly virtualMs: number;
  readonly coverage: Coverage;
}

/**
 * Runs `count` seeds from `first` on, until `each` says false or the signal comes. Gives way to other work between
 * the seeds.
 */
export async function simulateMany(
  first: number,
  count: number,
  { rules, change }: { readonly rules?: Rules; readonly change?: (scenario: Scenario) => Scenario },
  signal: AbortSignal,
  each: (report: SimulationReport, done: number) => boolean,
): Promise<SimulationTotals> {
  const totals = {
    seeds: 0,
    violations: 0,
    operations: 0,
    faults: 0,
    virtualMs: 0,
    coverage: {} as Record<string, { times: number; seeds: number }>,
  };
  for (let i = 0; i < count && !signal.aborted; i++) {
    const report = await simulate(first + i, rules, change);
    totals.seeds++;
    totals.operations += report.operations;
    totals.virtualMs += report.virtualMs;
    addCoverage(totals.coverage, { ...report.seen, ...report.faults });
    for (const times of Object.values(report.faults)) totals.faults += times;
    if (report.verdict !== 'ok') totals.violations++;
    if (!each(report, i + 1)) break;
    await new Promise<void>((resume) => setImmediate(resume));
  }
  return totals;
}
