import { type Action, commandOf } from '../cluster/lifecycle/action.js';
import { act } from '../cluster/lifecycle/actions.js';
import { nothingYet, type Observer } from '../cluster/observe/observer.js';
import { colorCode } from '../render/ring/picture.js';
import type { Paint } from '../render/terminal.js';
import type { Canvas } from './canvas.js';
import { renderWatch } from './render.js';
import { Screen, type Terminal } from './screen.js';
import { keysOf, onKey, startingView, type View } from './view.js';

export interface FullScreenOptions {
  readonly observer: Observer;
  readonly cluster: string;
  /** The cluster is named in the commands that are told, for their words alone would mean another. */
  readonly named: boolean;
  readonly terminal: Terminal;
  readonly paint: Paint;
  readonly unicode: boolean;
  /** How long an action may take, in ms. */
  readonly timeoutMs: number;
  /** Aborted from outside (SIGTERM, a terminal that went away): leave. */
  readonly signal: AbortSignal;
}

/** How long the bottom line keeps what was said, in ms. */
const NOTICE_MS = 8000;
/** Colour of partitions without a primary, of the 256. */
const NOBODY = 240;

const ownerPaint = (i: number, text: string): string =>
  `\u001b[38;5;${i < 0 ? NOBODY : colorCode(i)}m${text}\u001b[39m`;

/** Shows the cluster until the person leaves. The terminal is given back on every way out. */
export async function watchFullScreen(options: FullScreenOptions): Promise<void> {
  const { observer, cluster, paint, unicode, signal } = options;
  let view: View = startingView;
  let leave = (): void => {};
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const draw = (): void => {
    const canvas: Canvas = {
      columns: screen.columns,
      rows: screen.rows,
      paint,
      owner: paint.on ? ownerPaint : null,
      unicode,
    };
    const look = observer.last ?? nothingYet;
    const { history, events } = observer;
    screen.draw(renderWatch({ ...view, cluster, look, history, events }, canvas));
  };
  let saidAt = 0;
  const say = (text: string, bad: boolean): void => {
    view = { ...view, notice: { text, bad } };
    saidAt = performance.now();
    draw();
  };
  /** What was said makes room for the keys again. */
  const looked = (): void => {
    if (view.notice !== null && performance.now() - saidAt > NOTICE_MS) view = { ...view, notice: null };
    draw();
  };
  const carryOut = async (action: Action): Promise<void> => {
    const command = commandOf(action, options.named ? cluster : null);
    say(`${command} …`.replace('…', unicode ? '…' : '...'), false);
    const node = 'node' in action ? { node: action.node } : {};
    try {
      const done = await act(observer.cluster, action, { timeoutMs: options.timeoutMs, signal });
      observer.note({ kind: 'action', ...node, text: `${command}: ${done}` });
      say(done, false);
    } catch (error) {
      const { message } = error as Error;
      observer.note({ kind: 'problem', ...node, text: `${command}: ${message}` });
      say(message, true);
    }
    observer.hurry();
  };
  const typed = (data: string): void => {
    for (const key of keysOf(data)) {
      const next = onKey(view, key, observer.last ?? nothingYet);
      if (next.view.notice !== view.notice) saidAt = performance.now();
      view = next.view;
      if (next.effect?.kind === 'leave') leave();
      if (next.effect?.kind === 'act') void carryOut(next.effect.action);
    }
    draw();
  };
  const screen = new Screen(options.terminal, { resized: draw, typed });
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  try {
    screen.open();
    draw();
    observer.subscribe(looked);
    observer.start();
    await left;
  } finally {
    screen.close();
  }
}
