import { stateOf } from '../../cluster/observe/overview-events.js';
import type { NodeRow } from '../../cluster/observe/status.js';
import { forLocale, type Paint } from '../../render/terminal.js';
import { plural, shorten } from '../../text/format.js';
import type { Situation } from './situation.js';

export interface HeaderOptions {
  readonly columns: number;
  readonly paint: Paint;
  readonly unicode: boolean;
}

/** A node in a few characters: its name, and its problem or its replicas. */
function cell(node: NodeRow, { paint }: HeaderOptions): { plain: string; painted: string } {
  const state = stateOf(node);
  const well = state === 'up' || state === 'draining' || state === 'joining';
  const dot = well ? '●' : state === 'down' || state === 'out' ? '○' : '◌';
  const what = state === 'up' ? `${node.primaries}+${node.backups}` : state;
  const color = state === 'up' ? paint.green : state === 'down' || state === 'out' ? paint.red : paint.yellow;
  return { plain: `${dot} ${node.id} ${what}`, painted: `${color(dot)} ${node.id} ${paint.dim(what)}` };
}

/** The cluster in a few lines, for the top of a menu; none is as wide as the terminal. */
export const headerLines = (situation: Situation, options: HeaderOptions): string[] =>
  linesOf(situation, options).map((line) => forLocale(line, options.unicode));

function linesOf(situation: Situation, options: HeaderOptions): string[] {
  const { status, problem, cluster, inDoubt } = situation;
  const { columns, paint } = options;
  const width = columns - 1;
  const rule = '─'.repeat(Math.min(width, 78));
  if (status === null)
    return [
      '',
      `${paint.bold(shorten(cluster, 40))}  ${paint.yellow(shorten(problem ?? 'loading …', width - 44))}`,
      paint.dim(rule),
    ];
  const { partitions, nodes } = status;
  const up = nodes.filter(({ state }) => state !== 'down' && state !== 'out').length;
  const parts = [
    up === nodes.length
      ? paint.green(`${plural(up, 'node')} up`)
      : paint.yellow(`${up} of ${nodes.length} nodes up`),
    (partitions.serving === partitions.total ? paint.green : paint.red)(
      `${partitions.serving}/${partitions.total} partitions available`,
    ),
    (partitions.inSync === partitions.total ? paint.green : paint.yellow)(`${partitions.inSync} in sync`),
    ...(status.faults.length > 0 ? [paint.yellow(plural(status.faults.length, 'fault'))] : []),
    ...(inDoubt > 0 ? [paint.red(`${inDoubt} in doubt`)] : []),
  ];
  return [
    '',
    ...fill([paint.bold(shorten(cluster, 30)), ...parts], width),
    ...nodeLines(nodes, width, options),
    paint.dim(rule),
  ];
}

const escapes = /\u001b\[[0-9;]*m/g;
const seen = (text: string): number => text.replace(escapes, '').length;

/** Parts side by side, on as many lines as they need. */
function fill(parts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const part of parts) {
    if (line !== '' && seen(line) + 3 + seen(part) > width) {
      lines.push(line);
      line = part;
    } else line = line === '' ? part : `${line} · ${part}`;
  }
  return [...lines, line];
}

/** How many lines of nodes at the most; those that are not well come first when there are more. */
const mostLines = 4;

function nodeLines(nodes: readonly NodeRow[], width: number, options: HeaderOptions): string[] {
  const cells = nodes.map((node) => ({ ...cell(node, options), well: stateOf(node) === 'up' }));
  const wide = Math.max(...cells.map(({ plain }) => plain.length)) + 2;
  const perLine = Math.max(1, Math.floor(width / wide));
  const most = perLine * mostLines;
  const ordered =
    cells.length <= most
      ? cells
      : [...cells].sort((a, b) => Number(a.well) - Number(b.well)).slice(0, most - 1);
  const texts = ordered.map(({ plain, painted }) => painted + ' '.repeat(wide - plain.length));
  if (ordered.length < cells.length) texts.push(`and ${cells.length - ordered.length} more`);
  const lines: string[] = [];
  for (let i = 0; i < texts.length; i += perLine)
    lines.push(
      texts
        .slice(i, i + perLine)
        .join('')
        .trimEnd(),
    );
  return lines;
}
