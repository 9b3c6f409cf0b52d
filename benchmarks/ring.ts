/**
 * The ring beside the consistent-hashing libraries of npm, in one run:
 *   npx tsx benchmarks/ring.ts [--json]
 * Exits 1 when a figure misses its target. Absolute figures vary by machine; the ratios are what counts.
 */
import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';
import {
  benchKeys,
  type LocatorFigures,
  type MakeLocator,
  measureLocators,
  measurePlacements,
  ownContenders,
  type RingFigures,
  ratesOf,
  TABLE_PARTITIONS,
} from '../src/bench/ring.js';
import { hashKey } from '../src/core/ring/hash.js';
import {
  type ChangeFigures,
  evenNodes,
  measureChange,
  modulo,
  partitioned,
  weightedNodes,
} from './lib/ring-change.js';
import { type Library, libraries } from './lib/ring-libraries.js';

const options = { clock: () => performance.now(), runMs: 150 };
const nodes = [10, 100];

/** A library as something to look up with. */
function locatorOf({ make }: Library): MakeLocator {
  const locate: MakeLocator = (names) => {
    const ring = make(names.map((id) => ({ id, weight: 1 })));
    const locator = {
      ownerOf: (key: string) => ring.ownerOf(key),
      without: (node: string) => {
        // The same ring, not a new one: some libraries draw their points at random.
        ring.remove(node);
        return locator;
      },
      reversed: () => locate([...names].reverse()),
    };
    return locator;
  };
  return locate;
}

interface Row {
  readonly name: string;
  readonly figures: readonly LocatorFigures[];
}

function main(): void {
  // rendezvous-hash calls `new Buffer`, whose deprecation would be printed among the figures.
  process.noDeprecation = true;
  // Both sides in the same rounds; muster's own come first in each list of figures.
  const measured = nodes.map((n, i) => {
    const others = libraries.map((of) => ({ make: locatorOf(of), samples: of.samples[i] }));
    return measureLocators([...ownContenders, ...others], n, options);
  });
  const own: RingFigures = {
    hashesPerSecond: ratesOf([hashKey], benchKeys(65_536), options)[0]!,
    table: measured.map((figures) => figures[0]!),
    ring: measured.map((figures) => figures[1]!),
    tablePartitions: TABLE_PARTITIONS,
    placements: measurePlacements(options.clock),
  };
  const rows: Row[] = libraries.map(({ name }, k) => ({
    name,
    figures: measured.map((figures) => figures[ownContenders.length + k]!),
  }));
  const ratios = nodes.map((n, i) => {
    const fastest = rows.reduce((a, b) =>
      b.figures[i]!.lookupsPerSecond > a.figures[i]!.lookupsPerSecond ? b : a,
    );
    const peer = fastest.figures[i]!.lookupsPerSecond;
    return {
      nodes: n,
      fastest: fastest.name,
      table: own.table[i]!.lookupsPerSecond / peer,
      ring: own.ring[i]!.lookupsPerSecond / peer,
    };
  });
  const changes = measureChanges();
  const largest = own.placements.at(-1)!;
  const met = {
    'table lookups ≥ the fastest library': ratios.every((r) => r.table >= 1),
    'Ring.ownerOf ≥ the fastest library': ratios.every((r) => r.ring >= 1),
    'placement of 16,384 partitions on 1,000 members < 1 s': largest.ms < 1000,
    'partitions per node max/mean ≤ 1.05, or within one partition': own.placements.every((p) => {
      const within = (most: number, mean: number): boolean => most <= 1.05 || (most - 1) * mean <= 1;
      const mean = p.partitions / p.members;
      return within(p.maxOverMean, mean * p.replicas) && within(p.primariesMaxOverMean, mean);
    }),
    'copies on removing one ≤ 1.1 × the least': own.placements.every(
      (p) => p.removal.moved <= 1.1 * p.removal.least,
    ),
  };
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({ muster: own, peers: rows, ratios, changes, met }, null, 2));
  } else {
    print(own, rows, ratios, changes, met);
  }
  process.exitCode = Object.values(met).every(Boolean) ? 0 : 1;
}

interface ChangeRow {
  readonly name: string;
  readonly even: readonly ChangeFigures[];
  /** Empty for what takes no weights. */
  readonly weighted: readonly ChangeFigures[];
}

/** What becomes of keys when nodes come and go, with equal weights and with weights from 1 to 8. */
function measureChanges(): ChangeRow[] {
  const own: Library[] = [64, TABLE_PARTITIONS].map((partitions) => ({
    name: `muster (${partitions} partitions)`,
    samples: [200_000, 200_000],
    weights: true,
    make: partitioned(partitions),
  }));
  const chance: Library = {
    name: 'hash modulo n',
    samples: [200_000, 200_000],
    weights: false,
    make: modulo,
  };
  return [...own, ...libraries, chance].map(({ name, samples, weights, make }) => ({
    name,
    even: nodes.map((n, i) => measureChange(make, evenNodes(n), samples[i]!)),
    weighted: weights ? nodes.map((n, i) => measureChange(make, weightedNodes(n), samples[i]!)) : [],
  }));
}

const millions = (perSecond: number): string => `${(perSecond / 1e6).toFixed(perSecond < 1e5 ? 3 : 1)} M`;

function print(
  own: RingFigures,
  rows: readonly Row[],
  ratios: readonly { nodes: number; fastest: string; table: number; ring: number }[],
  changes: readonly ChangeRow[],
  met: Readonly<Record<string, boolean>>,
): void {
  const table = plain([
    '',
    'lookups/s, 10 / 100',
    'max/mean keys',
    'moved, 1 of 10 gone',
    'same owner, other order',
  ]);
  const all: Row[] = [
    { name: `muster table (${own.tablePartitions} partitions)`, figures: own.table },
    { name: 'muster Ring.ownerOf', figures: own.ring },
    ...rows,
  ];
  for (const { name, figures } of all) {
    table.push([
      name,
      figures.map((f) => millions(f.lookupsPerSecond)).join(' / '),
      figures.map((f) => f.maxOverMean.toFixed(2)).join(' / '),
      figures[0]!.movedOnRemoval.toFixed(3),
      `${Math.round(figures[0]!.sameInOtherOrder * 100)} %`,
    ]);
  }
  console.log(table.toString());
  console.log(`murmur3 of a 20-byte key: ${millions(own.hashesPerSecond)}/s`);
  for (const r of ratios) {
    console.log(
      `at ${r.nodes} nodes: table ${r.table.toFixed(1)} ×, Ring ${r.ring.toFixed(1)} × the fastest library (${r.fastest})`,
    );
  }
  printChanges('equal weights', changes, ({ even }) => even);
  printChanges('weights 1 to 8', changes, ({ weighted }) => weighted);
  const placements = plain([
    'placement',
    'ms',
    'max/mean replicas',
    'primaries',
    'one removed: ms',
    'copies (least)',
  ]);
  for (const p of own.placements) {
    placements.push([
      `${p.partitions} × ${p.replicas} on ${p.members}`,
      p.ms.toFixed(1),
      p.maxOverMean.toFixed(3),
      p.primariesMaxOverMean.toFixed(3),
      p.removal.ms.toFixed(1),
      `${p.removal.moved} (${p.removal.least})`,
    ]);
  }
  console.log(`\n${placements.toString()}`);
  for (const [target, ok] of Object.entries(met)) console.log(`${ok ? 'met ' : 'MISSED'} ${target}`);
}

function printChanges(
  title: string,
  rows: readonly ChangeRow[],
  of: (row: ChangeRow) => readonly ChangeFigures[],
): void {
  const table = plain([`${title}, 10 / 100`, 'max/mean keys', 'moved, one added', 'moved, one removed']);
  const push = (name: string, figures: readonly ChangeFigures[], cells: ((f: ChangeFigures) => string)[]) =>
    table.push([name, ...cells.map((cell) => figures.map(cell).join(' / '))]);
  push('ideal', of(rows[0]!), [
    () => '1.00',
    (f) => f.addedIdeal.toFixed(4),
    (f) => f.removedIdeal.toFixed(4),
  ]);
  for (const row of rows.filter((candidate) => of(candidate).length > 0)) {
    push(row.name, of(row), [
      (f) => f.maxOverMean.toFixed(2),
      (f) => f.added.toFixed(4),
      (f) => f.removed.toFixed(4),
    ]);
  }
  console.log(`\n${table.toString()}`);
}

function plain(head: string[]): Table.Table {
  const strip = (text: string): string => stripVTControlCharacters(text);
  return new Table({
    head: head.map(strip),
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
  });
}

main();
