import type { Action } from '../../cluster/lifecycle/action.js';
import type { FeedEvent, Look, Point } from '../../cluster/observe/observer.js';
import type { Asked, Told } from '../messages.js';

/** What the page knows. */
export interface State {
  readonly cluster: string;
  readonly named: boolean;
  readonly colors: readonly string[];
  readonly history: readonly Point[];
  readonly events: readonly FeedEvent[];
  readonly look: Omit<Look, 'events'> | null;
}

export type Connection = 'connecting' | 'live' | 'lost' | 'refused';
type Trace = Extract<Told, { type: 'trace' }>;
type Done = Extract<Told, { type: 'done' }>;

const POINTS = 120;
const EVENTS = 500;
const TOKEN = 'muster-dashboard-token';
const AGAIN_MS = 1000;

/**
 * The token: from the address, out of which it goes at once, so that neither the history nor a bookmark keeps it. For a
 * reload it stays in this tab's own memory, which no other address, and no other tab, can read.
 */
function takeToken(): string | null {
  const found = /^#token=([\w-]+)$/.exec(location.hash)?.[1];
  if (found !== undefined) {
    sessionStorage.setItem(TOKEN, found);
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(TOKEN);
}

/** The connection to the dashboard, and what came over it. */
export class Store {
  state: State = { cluster: '', named: false, colors: [], history: [], events: [], look: null };
  connection: Connection = 'connecting';
  readonly #changed: (events: readonly FeedEvent[]) => void;
  readonly #answers = new Map<number, (answer: Trace | Done) => void>();
  readonly #token = takeToken();
  #socket: WebSocket | null = null;
  #id = 0;

  constructor(changed: (events: readonly FeedEvent[]) => void) {
    this.#changed = changed;
  }

  connect(): void {
    if (this.#token === null) {
      this.connection = 'refused';
      this.#changed([]);
      return;
    }
    const socket = new WebSocket(`ws://${location.host}/`, ['muster-dashboard', `token.${this.#token}`]);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#took(JSON.parse(data) as Told);
    socket.onclose = () => {
      this.connection = 'lost';
      for (const [id, answer] of this.#answers)
        answer({ type: 'done', id, ok: false, text: 'connection lost', command: '' });
      this.#answers.clear();
      this.#changed([]);
      setTimeout(() => this.connect(), AGAIN_MS);
    };
  }

  act(action: Action): Promise<Done> {
    return this.#ask({ type: 'act', action }) as Promise<Done>;
  }

  trace(tx: string): Promise<Trace | Done> {
    return this.#ask({ type: 'trace', tx });
  }

  #ask(what: { type: 'act'; action: Action } | { type: 'trace'; tx: string }): Promise<Trace | Done> {
    const id = ++this.#id;
    if (this.#socket?.readyState !== WebSocket.OPEN)
      return Promise.resolve({ type: 'done', id, ok: false, text: 'not connected', command: '' });
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      this.#socket?.send(JSON.stringify({ ...what, id } satisfies Asked));
    });
  }

  #took(told: Told): void {
    switch (told.type) {
      case 'hello': {
        const { cluster, named, colors, history, events, look } = told;
        this.connection = 'live';
        this.state = { cluster, named, colors, history, events, look: look.at === 0 ? null : look };
        this.#changed([]);
        return;
      }
      case 'look': {
        const { history, events } = this.state;
        this.state = {
          ...this.state,
          look: told.look,
          history: told.point === null ? history : [...history, told.point].slice(-POINTS),
          events: [...events, ...told.events].slice(-EVENTS),
        };
        this.#changed(told.events);
        return;
      }
      case 'done':
      case 'trace':
        this.#answers.get(told.id)?.(told);
        this.#answers.delete(told.id);
    }
  }
}
