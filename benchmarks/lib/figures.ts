import Table from 'cli-table3';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export const count = (value: number): string => Math.round(value).toLocaleString('en');
export const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ms`;
export const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
export const range = (values: readonly number[], show: (value: number) => string): string =>
  `${show(Math.min(...values))} – ${show(Math.max(...values))}`;

/** The first column to the left, the others to the right. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const drawn = new Table({
    head: [...head],
    style: { head: [], border: [] },
    colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')),
  });
  for (const row of rows) drawn.push([...row]);
  console.log(drawn.toString());
}

/** A figure that has to be reached. */
export interface Target {
  readonly what: string;
  readonly is: number;
  readonly wanted: number;
  /** At least or at most that. */
  readonly by: '≥' | '≤';
  readonly unit: string;
}

export const isMet = ({ is, wanted, by }: Target): boolean => (by === '≥' ? is >= wanted : is <= wanted);

/** Prints figures as JSON, or by `show` and then one line for each target; the exit code is 1 when one is missed. */
export function finish(figures: object, targets: readonly Target[], json: boolean, show: () => void): void {
  const judged = targets.map((target) => ({ ...target, met: isMet(target) }));
  if (json) console.log(JSON.stringify({ ...figures, targets: judged }, null, 2));
  else {
    show();
    for (const { what, is, wanted, by, unit, met } of judged)
      console.log(
        `${met ? 'met   ' : 'MISSED'} ${what}: ${is.toPrecision(3)}${unit} (target ${by} ${wanted}${unit})`,
      );
  }
  process.exitCode = judged.every(({ met }) => met) ? 0 : 1;
}
