import type { WebSocket } from 'ws';
import { commandOf } from '../cluster/lifecycle/action.js';
import { type Look, nothingYet } from '../cluster/observe/observer.js';
import { asMuster, MusterError } from '../errors.js';
import { limits } from '../limits.js';
import { type Asked, decodeAsked, type Told } from './messages.js';
import type { DashboardOptions } from './options.js';

/** One page that looks on. */
export class Session {
  readonly #socket: WebSocket;
  readonly #options: DashboardOptions;
  /** The last event that it was told. */
  #seen = 0;
  #asked = 0;
  #heardAt = performance.now();

  constructor(socket: WebSocket, options: DashboardOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('message', (data, binary) => this.#message(binary ? '' : data.toString()));
    socket.on('pong', () => this.#heard());
    // Whatever is wrong with it, it is closed, and that is all there is to know.
    socket.on('error', () => socket.terminate());
    this.#hello();
  }

  #heard(): void {
    this.#heardAt = performance.now();
  }

  #send(message: Told): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #hello(): void {
    const { observer, cluster, named, everyMs, colors } = this.#options;
    const { history, events } = observer;
    const { events: _, ...look } = observer.last ?? nothingYet;
    this.#seen = events.at(-1)?.seq ?? 0;
    this.#send({ type: 'hello', cluster, named, everyMs, colors, history, events, look });
  }

  /** Shows what was seen; a page that reads slowly is spared it, and told what happened with a later one. */
  show({ events: _, ...look }: Look): void {
    if (this.#socket.bufferedAmount > limits.dashboardQueueBytes) return;
    const { observer } = this.#options;
    const events = observer.events.filter(({ seq }) => seq > this.#seen);
    this.#seen = events.at(-1)?.seq ?? this.#seen;
    const point = look.problem === null && look.overview !== null ? (observer.history.at(-1) ?? null) : null;
    this.#send({ type: 'look', look, point, events });
  }

  /** Ends a page that has gone without a word. */
  probe(): void {
    if (performance.now() - this.#heardAt > limits.dashboardSilenceMs) this.#socket.terminate();
    else this.#socket.ping();
  }

  #message(text: string): void {
    this.#heard();
    let asked: Asked;
    try {
      asked = decodeAsked(text);
    } catch (error) {
      this.#socket.close(1008, (error as Error).message.slice(0, 100));
      return;
    }
    const work = asked.type === 'act' ? this.#act(asked) : this.#trace(asked);
    this.#asked++;
    void work.finally(() => this.#asked--);
  }

  async #act({ id, action }: Extract<Asked, { type: 'act' }>): Promise<void> {
    const { observer, act, cluster, named } = this.#options;
    const command = commandOf(action, named ? cluster : null);
    const node = 'node' in action ? { node: action.node } : {};
    try {
      this.#checkAsked();
      const text = await act(action);
      observer.note({ kind: 'action', ...node, text: `${command}: ${text}` });
      this.#send({ type: 'done', id, ok: true, text, command });
    } catch (error) {
      const { message } = asMuster(error);
      observer.note({ kind: 'problem', ...node, text: `${command}: ${message}` });
      this.#send({ type: 'done', id, ok: false, text: message, command });
    }
    observer.hurry();
  }

  async #trace({ id, tx }: Extract<Asked, { type: 'trace' }>): Promise<void> {
    try {
      this.#checkAsked();
      const { parts, trace } = await this.#options.trace(tx);
      this.#send({ type: 'trace', id, tx, parts, trace, problem: null });
    } catch (error) {
      this.#send({ type: 'trace', id, tx, parts: [], trace: [], problem: asMuster(error).message });
    }
  }

  #checkAsked(): void {
    if (this.#asked >= limits.dashboardAsked)
      throw new MusterError(
        'busy',
        `too many requests in progress (${this.#asked}): wait for some to finish`,
      );
  }
}
