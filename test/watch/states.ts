import type { FeedEvent, Look, Point } from '../../src/cluster/observe/observer.js';
import { overviewOf } from '../../src/cluster/observe/overview.js';
import { plainPaint } from '../../src/render/terminal.js';
import type { Canvas } from '../../src/watch/canvas.js';
import { startingView, type WatchState } from '../../src/watch/view.js';
import { latencies, sampleOf, says } from '../cluster/samples.js';

export const canvas = (columns: number, rows: number, given: Partial<Canvas> = {}): Canvas => ({
  columns,
  rows,
  paint: plainPaint,
  owner: null,
  unicode: true,
  ...given,
});

const at = new Date(2026, 0, 2, 3, 4, 5).getTime();

/** A look at three nodes, n2 down. */
export const look: Look = {
  at,
  state: 'running',
  problem: null,
  events: [],
  overview: overviewOf(
    sampleOf(),
    sampleOf({
      clock: 1000,
      states: { n2: 'gone' },
      answers: [
        says('n1', {
          requests: { reads: 1000, writes: 234, failed: 0, inflight: 1, latency: latencies(1, 1, 1, 30) },
          calls: { finished: 40, failed: 0, inflight: 0, queued: 0 },
        }),
      ],
    }),
  ),
};

const points = Array.from(
  { length: 50 },
  (_, i): Point => ({
    at: at + i,
    ops: i,
    p50: 1,
    p99: 50 - i,
    lag: 0,
    nodes: { n1: i, n2: null },
  }),
);

const events: FeedEvent[] = [
  { seq: 1, at, kind: 'down', node: 'n2', text: 'n2 is down' },
  {
    seq: 2,
    at,
    kind: 'primary',
    node: 'n2',
    text: '滅 is wide: n2 lost 1 primary to n3, whose name is so long that no line holds it, and more 滅滅滅',
  },
  { seq: 3, at, kind: 'action', text: 'muster node kill n2: n2 killed\u001b[31m (pid 1)' },
];

export const state = (given: Partial<WatchState> = {}): WatchState => ({
  ...startingView,
  cluster: 'shop',
  look,
  history: points,
  events,
  ...given,
});
