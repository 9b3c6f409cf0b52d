import type { TraceEvent } from '../core/machine/types.js';
import { shorten, visible } from '../text/format.js';
import type { Paint } from './terminal.js';

export interface SequencePicture {
  readonly trace: readonly TraceEvent[];
  /** The coordinator's partition. */
  readonly anchor: number;
  /** The node that serves a partition; null: none is known. */
  readonly nodeOf: (p: number) => string | null;
  /** What the client was told; null: nothing yet. */
  readonly outcome: 'committed' | 'aborted' | 'unknown' | null;
  /** Columns there are. */
  readonly width: number;
  readonly unicode: boolean;
  readonly paint: Paint;
}

const CLIENT = -1;
type Style = 'good' | 'bad' | null;

/** Something that happened: between two columns, or on one. Columns are partitions, or the client. */
interface Step {
  /** In ms; null: it is not known when. */
  readonly at: number | null;
  readonly from: number;
  readonly to: number;
  readonly label: string;
  readonly style: Style;
}

/** Room for a label, its arrow and the line's end. */
const LEAST_GAP = 14;
const MOST_GAP = 20;
/** Columns of the times, and those before the client's line. */
const LEFT = 9;
const FIRST = LEFT + 3;

/**
 * The protocol of a transaction as its coordinator saw it: a column for the client and for each partition, time downwards, arrows for
 * messages, `#5` for the entries of a log. When the columns do not fit, a line for each step. No line is longer than `width` then
 * (unless a name alone is); ends with a newline.
 */
export function sequencePicture(picture: SequencePicture): string {
  const steps = stepsOf(picture);
  const others = [...new Set(picture.trace.map((event) => event.p))].filter((p) => p !== picture.anchor);
  const columns = [CLIENT, picture.anchor, ...others.sort((a, b) => a - b)];
  const title = `partition ${Math.max(picture.anchor, ...others)}`;
  // Half a gap to the right of the last line, for what stands above it.
  const gap = Math.min(MOST_GAP, Math.floor((picture.width - FIRST) / (columns.length - 0.5)));
  const lines =
    gap < Math.max(LEAST_GAP, title.length + 1)
      ? listed(picture, steps)
      : drawn(picture, steps, columns, gap);
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

function stepsOf({ trace, anchor, outcome }: SequencePicture): Step[] {
  const entry = (seq: number | null): string => (seq === null || seq === 0 ? '' : ` #${seq}`);
  const steps: Step[] = [];
  const answer = (at: number | null, committed: boolean): void => {
    const label = committed ? 'committed' : 'aborted';
    steps.push({ at, from: anchor, to: CLIENT, label, style: committed ? 'good' : 'bad' });
  };
  for (const { at, what, p, seq, yes } of trace) {
    const style: Style = yes === null ? null : yes ? 'good' : 'bad';
    switch (what) {
      case 'came':
        steps.push({ at, from: CLIENT, to: anchor, label: 'run', style });
        break;
      case 'prepare':
        steps.push({ at, from: anchor, to: p, label: 'prepare', style });
        break;
      case 'vote': {
        const label = p === anchor ? 'prepared' : yes ? 'yes' : 'no';
        steps.push({ at, from: p, to: anchor, label: `${label}${entry(seq)}`, style });
        break;
      }
      case 'answered':
        answer(at, yes === true);
        break;
      case 'decided':
        steps.push({
          at,
          from: anchor,
          to: anchor,
          label: `${yes ? 'commit' : 'abort'}${entry(seq)}`,
          style,
        });
        break;
      case 'finish':
        steps.push({ at, from: anchor, to: p, label: yes ? 'commit' : 'abort', style });
        break;
      case 'finished':
        steps.push({ at, from: p, to: anchor, label: 'finished', style });
        break;
    }
  }
  // Another coordinator decided it than the one whose memory this is.
  if (outcome === 'aborted' && !trace.some((event) => event.what === 'answered')) answer(null, false);
  return steps;
}

/** In ms, right-aligned. */
const time = (at: number | null): string => (at === null ? '' : at.toFixed(1)).padStart(LEFT - 2);

const painter = (style: Style, paint: Paint): ((text: string) => string) =>
  style === 'good' ? paint.green : style === 'bad' ? paint.red : (text) => text;

function listed({ anchor, nodeOf, unicode, paint }: SequencePicture, steps: readonly Step[]): string[] {
  const name = (p: number): string =>
    p === CLIENT ? 'client' : `${visible(nodeOf(p) ?? '?')}/${p}${p === anchor ? ' (coordinator)' : ''}`;
  return steps.map(({ at, from, to, label, style }) => {
    const told = painter(style, paint)(label);
    const where = from === to ? name(from) : `${name(from)} ${unicode ? '→' : '->'} ${name(to)}`;
    return `${time(at)}${at === null ? '   ' : ' ms'}  ${where}: ${told}`;
  });
}

function drawn(
  { anchor, nodeOf, unicode, paint }: SequencePicture,
  steps: readonly Step[],
  columns: readonly number[],
  gap: number,
): string[] {
  const [line, dash, cross, right, left, dot] = unicode
    ? ['│', '─', '┼', '▶', '◀', '●']
    : ['|', '-', '+', '>', '<', '*'];
  const x = (column: number): number => FIRST + columns.indexOf(column) * gap;
  const width = x(columns.at(-1) as number) + 2 * gap;

  const title = (of: (column: number) => string, times = ''): string => {
    const row = [...times.padStart(LEFT - 2).padEnd(width)];
    for (const column of columns) {
      const text = [...shorten(visible(of(column)), gap - 1)];
      const start = x(column) - Math.floor((text.length - 1) / 2);
      row.splice(start, text.length, ...text);
    }
    return paint.bold(row.join('').trimEnd());
  };

  const rows = steps.map(({ at, from, to, label, style }) => {
    const row = new Array<string>(width).fill(' ');
    for (const column of columns) row[x(column)] = line as string;
    row.splice(0, LEFT - 2, ...time(at));
    const text = [...shorten(label, gap - 3)];
    let start: number;
    if (from === to) {
      row[x(from)] = dot as string;
      start = x(from) + 2;
    } else {
      const [low, high] = [Math.min(x(from), x(to)), Math.max(x(from), x(to))];
      for (let i = low + 1; i < high; i++) row[i] = row[i] === line ? (cross as string) : (dash as string);
      if (x(to) > x(from)) row[high - 1] = right as string;
      else row[low + 1] = left as string;
      // In the gap before the farther column: no other line crosses it there.
      start = high - gap + Math.floor((gap - text.length) / 2);
      if (text.length + 4 < gap) {
        row[start - 1] = ' ';
        row[start + text.length] = ' ';
      }
    }
    row.splice(start, text.length, ...text);
    const told = painter(style, paint)(text.join(''));
    return (
      row.slice(0, start).join('') +
      told +
      row
        .slice(start + text.length)
        .join('')
        .trimEnd()
    );
  });

  return [
    title((column) => (column === CLIENT ? 'client' : (nodeOf(column) ?? '?'))),
    title((column) => (column === CLIENT ? '' : `partition ${column}`)),
    title((column) => (column === anchor ? 'coordinator' : ''), 'ms'),
    ...rows,
  ];
}
