import { type Action, commandOf } from '../cluster/lifecycle/action.js';
import type { FeedEvent } from '../cluster/observe/observer.js';
import type { Overview } from '../cluster/observe/overview.js';
import type { Paint } from '../render/terminal.js';
import { plural } from '../text/format.js';
import { type Canvas, ellipsisOf } from './canvas.js';
import { clock, latency, rate, sparkline } from './figures.js';
import { helpLines } from './help.js';
import { nodeLines } from './nodes.js';
import { ringCircle, ringStrip } from './ring.js';
import { ends, line, type Span, widthOf } from './spans.js';
import { selectedNode, type WatchState } from './view.js';

/** From so many columns and rows of events on, the ring is drawn as one beside them. */
const CIRCLE_COLUMNS = 96;
const CIRCLE_LEAST = 8;
const CIRCLE_MOST = 18;
const LABEL = 14;

const eventStyle = ({ kind }: FeedEvent, paint: Paint): ((text: string) => string) => {
  if (kind === 'down' || kind === 'problem') return paint.red;
  if (kind === 'up' || kind === 'healed') return paint.green;
  if (kind === 'action') return paint.cyan;
  if (kind === 'paused' || kind === 'silent' || kind === 'fault' || kind === 'tx' || kind === 'serving')
    return paint.yellow;
  return (text) => text;
};

function titleLine(state: WatchState, canvas: Canvas): string {
  const { overview } = state.look;
  const dot = canvas.unicode ? ' · ' : ' | ';
  const left: Span[] = [
    ['muster watch', canvas.paint.bold],
    dot,
    [state.cluster, canvas.paint.cyan],
    ...(state.look.state === 'running' || state.look.at === 0
      ? []
      : [
          dot,
          [state.look.state === 'unknown' ? 'unreachable' : state.look.state, canvas.paint.red] as const,
        ]),
  ];
  const right =
    overview === null
      ? ''
      : `${overview.totals.up} of ${plural(overview.status.nodes.length, 'node')} responding${dot}map ${overview.status.revision}${dot}`;
  return ends(left, [`${right}${clock(state.look.at || Date.now())}`], canvas.columns, ellipsisOf(canvas));
}

function partitionLine({ status, totals }: Overview, canvas: Canvas): string {
  const { total, serving, inSync } = status.partitions;
  const good = (n: number): Span => [
    `${n} of ${total}`,
    n === total ? canvas.paint.green : canvas.paint.yellow,
  ];
  const lag = totals.lag === null ? '' : `, lag ${rate(totals.lag)}`;
  const spans: Span[] = ['Partitions: ', good(serving), ' available, ', good(inSync), ` in sync${lag}`];
  return line(spans, canvas.columns, ellipsisOf(canvas));
}

/** What is not as it should be, and what is under way: transactions, locks, faults. */
function openLines({ status, totals, transactions, locks }: Overview, canvas: Canvas): string[] {
  const { paint, columns } = canvas;
  const doubtful = transactions.filter(({ state }) => state === 'in-doubt');
  const ids = [...new Set(doubtful.map(({ id }) => id))];
  const doubt: Span = [
    totals.inDoubt === 0 ? 'none' : `${totals.inDoubt} (${ids.join(', ')})`,
    totals.inDoubt === 0 ? (text) => text : paint.yellow,
  ];
  const waiting = totals.waiting > 0 ? `, ${totals.waiting} waiting` : '';
  const held = locks.filter(({ holders }) => holders.length > 0).map(({ name }) => name);
  const locked = totals.locks === 0 ? 'none held' : `${totals.locks} held${waiting} (${held.join(', ')})`;
  const lines = [line(['In doubt: ', doubt, '   Locks: ', locked], columns, ellipsisOf(canvas))];
  if (status.mapProblem !== null)
    lines.push(line([['Warning: ', paint.red], status.mapProblem], columns, ellipsisOf(canvas)));
  const faults = status.faults.map(({ text }) => text).join('; ');
  if (status.faultProblem !== null || faults !== '')
    lines.push(
      line([['Faults: ', paint.yellow], status.faultProblem ?? faults], columns, ellipsisOf(canvas)),
    );
  return lines;
}

function sparkLines(state: WatchState, overview: Overview, canvas: Canvas): string[] {
  const { totals } = overview;
  const width = canvas.columns - LABEL - 1;
  const one = (label: string, value: string, values: readonly (number | null)[]): string => {
    const head = `${label} ${value}`.padEnd(LABEL);
    return line(
      [head, ' ', [sparkline(values, width, canvas.unicode), canvas.paint.cyan]],
      canvas.columns,
      ellipsisOf(canvas),
    ).trimEnd();
  };
  return [
    one(
      'ops/s',
      rate(totals.opsPerSecond),
      state.history.map(({ ops }) => ops),
    ),
    one(
      'p99 ms',
      latency(totals.p99Ms),
      state.history.map(({ p99 }) => p99),
    ),
  ];
}

function eventLines(state: WatchState, room: number, columns: number, canvas: Canvas): string[] {
  const ellipsis = ellipsisOf(canvas);
  const shown = state.events.slice(-room).reverse();
  if (shown.length === 0 && room > 0) return [canvas.paint.dim(line(['No events yet.'], columns, ellipsis))];
  return shown.map((event) =>
    line(
      [
        [`${clock(event.at)} `, canvas.paint.dim],
        [event.text, eventStyle(event, canvas.paint)],
      ],
      columns,
      ellipsis,
    ),
  );
}

/** The confirmation prompt: says what the action does. */
function questionOf(action: Action): string {
  const command = commandOf(action).replace(/^muster node /, '');
  if (action.kind === 'kill') return `${command}? Sends SIGKILL, as in a power failure. y/n`;
  if (action.kind === 'pause') return `${command}? Sends SIGSTOP; p resumes it. y/n`;
  return `${command}? Stops it gracefully and starts it again. y/n`;
}

const keys = (canvas: Canvas): string =>
  `${canvas.unicode ? '↑↓' : 'j/k'} select  K kill  p pause  r restart  h heal  ? help  q quit`;

function bottomLine(state: WatchState, canvas: Canvas): string {
  const { paint, columns } = canvas;
  const one = (text: string, style: (text: string) => string): string =>
    line([[text, style]], columns, ellipsisOf(canvas));
  if (state.asking !== null) return one(questionOf(state.asking), paint.yellow);
  if (state.notice !== null) return one(state.notice.text, state.notice.bad ? paint.red : paint.green);
  return one(keys(canvas), paint.dim);
}

/** Shown while no cluster can be seen. */
function nothing(state: WatchState, canvas: Canvas): string[] {
  const text =
    state.look.at === 0
      ? `Connecting ${ellipsisOf(canvas)}`
      : `${state.look.problem ?? ''} Waiting for it to appear.`;
  return ['', line([text], canvas.columns, ellipsisOf(canvas))];
}

/** The primary of each partition as an index into the nodes; below 0: none. */
function ownersOf({ ring, status }: Overview): number[] {
  const index = new Map<string | null, number>(status.nodes.map(({ id }, i) => [id, i]));
  return ring.map((node) => index.get(node) ?? -1);
}

/** The body between title and bottom line, in at most `room` lines. */
function body(state: WatchState, overview: Overview, room: number, canvas: Canvas): string[] {
  const ellipsis = ellipsisOf(canvas);
  const open = openLines(overview, canvas);
  const { nodes } = overview.status;
  // Title and events come first to their room; a table of many nodes leaves some for the events.
  const fixed = 3 + open.length + 4;
  const table = Math.max(2, Math.min(nodes.length, room - fixed - Math.min(5, Math.floor(room / 4))));
  const selected = selectedNode(state, state.look)?.id ?? null;
  const lines = [
    partitionLine(overview, canvas),
    ...sparkLines(state, overview, canvas),
    '',
    ...nodeLines(overview, state.history, selected, table, canvas),
    '',
    ...open,
  ];
  const owners = ownersOf(overview);
  const left = room - lines.length - 1;
  const high = Math.min(CIRCLE_MOST, left);
  if (canvas.columns < CIRCLE_COLUMNS || high < CIRCLE_LEAST) {
    const strip = ringStrip(owners, canvas.columns - LABEL - 1, canvas);
    lines.splice(3, 0, `${line([`ring ${owners.length}`.padEnd(LABEL), ' '], LABEL + 1, ellipsis)}${strip}`);
    return [...lines, ...eventLines(state, Math.max(0, room - lines.length), canvas.columns, canvas)];
  }
  const columns = canvas.columns - high * 2 - 3;
  const circle = ringCircle(owners, high, canvas);
  const events = eventLines(state, left, columns, canvas);
  lines.push('');
  for (let i = 0; i < left; i++) {
    const event = events[i] ?? '';
    const ring = circle[i];
    lines.push(ring === undefined ? event : `${padded(event, columns)}   ${ring}`.trimEnd());
  }
  return lines;
}

/** Fills a painted line up to a width: escape sequences take no room. */
const padded = (text: string, width: number): string => {
  const bare = text.replace(/\u001b\[[0-9;]*m/g, '');
  return text + ' '.repeat(Math.max(0, width - widthOf(bare)));
};

/**
 * The whole screen: exactly `rows` lines, none wider than `columns`. Pure. Without colour nodes are told apart by
 * letters; without Unicode everything is ASCII.
 */
export function renderWatch(state: WatchState, canvas: Canvas): string[] {
  const room = canvas.rows - 2;
  const { overview } = state.look;
  const middle = state.help
    ? helpLines(canvas)
    : overview === null
      ? nothing(state, canvas)
      : body(state, overview, room, canvas);
  const lines = [titleLine(state, canvas), ...middle.slice(0, Math.max(0, room))];
  while (lines.length < canvas.rows - 1) lines.push('');
  return [...lines.slice(0, canvas.rows - 1), bottomLine(state, canvas)];
}
