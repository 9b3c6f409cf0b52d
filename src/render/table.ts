import { visible } from '../text/format.js';
import type { Paint } from './terminal.js';

export interface Column<Row> {
  readonly title: string;
  readonly of: (row: Row) => string | number | null;
  readonly align?: 'left' | 'right';
  /** Colours the cell; never called when colour is off. */
  readonly paint?: (row: Row, paint: Paint) => (text: string) => string;
}

/** A plain table, aligned by what is seen (wide characters count two), without trailing spaces; ends with a newline. */
export async function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  paint: Paint,
): Promise<string> {
  // Loaded here, not above: commands that print one number must not pay for it.
  const { default: Table } = await import('cli-table3');
  const none = '';
  const drawn = new Table({
    head: columns.map((c) => paint.dim(c.title)),
    colAligns: columns.map((c) => c.align ?? 'left'),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: {
      top: none,
      'top-mid': none,
      'top-left': none,
      'top-right': none,
      bottom: none,
      'bottom-mid': none,
      'bottom-left': none,
      'bottom-right': none,
      left: none,
      'left-mid': none,
      mid: none,
      'mid-mid': none,
      right: none,
      'right-mid': none,
      middle: none,
    },
  });
  for (const row of rows) {
    drawn.push(
      columns.map((column) => {
        const value = column.of(row);
        const text = value === null ? '-' : visible(String(value));
        return column.paint && paint.on ? column.paint(row, paint)(text) : text;
      }),
    );
  }
  return `${drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}
