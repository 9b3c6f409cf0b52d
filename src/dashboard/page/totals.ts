import { plural } from '../../text/format.js';
import { Sparkline } from './charts.js';
import { $, h, say } from './dom.js';
import type { State } from './store.js';
import { latency, rate } from './words.js';

interface Tile {
  readonly show: (value: string, note: string, warn: boolean) => void;
  readonly spark: Sparkline | null;
}

function tile(name: string, withSpark: boolean): Tile {
  const value = h('span', { class: 'value' });
  const note = h('span', { class: 'quiet' });
  const spark = withSpark ? new Sparkline() : null;
  const figure = h('dd', {}, value, ' ', note);
  if (spark !== null) figure.append(spark.element);
  const box = h('div', { class: 'tile' }, h('dt', {}, name), figure);
  $('totals').append(box);
  return {
    spark,
    show: (text, more, warn) => {
      say(value, text);
      say(note, more);
      box.classList.toggle('warn', warn);
    },
  };
}

/** The figures of the whole cluster. */
export function createTotals(): (state: State) => void {
  const nodes = tile('Nodes responding', false);
  const serving = tile('Partitions available', false);
  const inSync = tile('Partitions in sync', false);
  const ops = tile('Requests/s', true);
  const times = tile('Latency p99', true);
  const lag = tile('Replication lag', true);
  const doubt = tile('In doubt', false);
  return ({ look, history }) => {
    const overview = look?.overview;
    if (!overview) return;
    const { status, totals } = overview;
    const { total } = status.partitions;
    const all = status.nodes.length;
    nodes.show(`${totals.up}`, `of ${all}`, totals.up < all);
    serving.show(`${status.partitions.serving}`, `of ${total}`, status.partitions.serving < total);
    inSync.show(`${status.partitions.inSync}`, `of ${total}`, status.partitions.inSync < total);
    const failed = totals.failedPerSecond ?? 0;
    ops.show(rate(totals.opsPerSecond), failed > 0 ? `${rate(failed)} failed` : '', failed > 0);
    ops.spark?.show(history.map((point) => point.ops));
    times.show(latency(totals.p99Ms), totals.p50Ms === null ? '' : `p50 ${latency(totals.p50Ms)}`, false);
    times.spark?.show(history.map((point) => point.p99));
    lag.show(rate(totals.lag), totals.lag === null ? '' : 'log entries', false);
    lag.spark?.show(history.map((point) => point.lag));
    doubt.show(
      `${totals.inDoubt}`,
      plural(totals.inDoubt, 'transaction').replace(/^\d+ /, ''),
      totals.inDoubt > 0,
    );
  };
}
