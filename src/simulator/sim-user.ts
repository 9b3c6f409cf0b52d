import { type Call, ClientCore, type ClientEvent, type Outcome } from '../core/client/client-core.js';
import { partsOf } from '../core/machine/transactions.js';
import type { OpResult } from '../core/machine/types.js';
import { type ClusterMap, type NodeId, nodeOf } from '../core/map/types.js';
import type { ClientRequest, ClientResponse } from '../core/messages.js';
import type { Random } from '../core/random.js';
import type { EventQueue } from './queue.js';
import type { Scenario } from './scenario.js';

export interface UserWorld {
  readonly queue: EventQueue;
  readonly scenario: Scenario;
  send(user: SimUser, node: NodeId, rid: number, request: ClientRequest): void;
  readMap(done: (map: ClusterMap | null) => void): void;
  /** One more of what is to be met now and then. */
  count(what: string): void;
}

type Asked = Call extends infer C ? (C extends Call ? Omit<C, 'id'> : never) : never;
type Change = Extract<Asked, { type: 'write' }>;

/** How a change ended. `unknown`: it may have happened, or may happen until `end`. */
export type Settled =
  | { readonly type: 'done'; readonly result: OpResult & { ok: true }; readonly end: number }
  | { readonly type: 'not-done'; readonly code: string; readonly message: string; readonly end: number }
  | { readonly type: 'unknown'; readonly end: number };

/** A change of unknown outcome: its number, and who waits to hear what became of it. */
interface Open {
  readonly id: string;
  readonly key: string;
  readonly settled: (how: Settled, id: string) => void;
}

/** Requests besides those of the client core are numbered from here. */
const ownRids = 2 ** 40;

/** Somebody who uses the cluster: the production client, driven in virtual time. */
export class SimUser {
  readonly #core: ClientCore;
  readonly #world: UserWorld;
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  #nextCall = 1;
  /** Drawn apart, so that how changes are settled does not shift what else a user does. */
  readonly #fate: Random;
  #open: Open[] = [];
  #resolving = 0;
  readonly #resolves = new Map<number, (response: ClientResponse) => void>();
  #nextRid = ownRids;

  constructor(
    readonly name: string,
    world: UserWorld,
    core: ClientCore,
    fate: Random,
  ) {
    this.#world = world;
    this.#core = core;
    this.#fate = fate;
  }

  /** The map in hand. */
  get map(): ClusterMap | null {
    return this.#core.map;
  }

  get busy(): boolean {
    return this.#waiting.size > 0 || this.#resolving > 0;
  }

  tick(): void {
    this.#world.queue.after(ClientCore.tickMs, () => {
      this.step({ type: 'tick' });
      this.tick();
    });
  }

  call(asked: Asked, done: (outcome: Outcome) => void): void {
    const id = this.#nextCall++;
    this.#waiting.set(id, done);
    this.step({ type: 'call', call: { ...asked, id } as Call });
  }

  step(event: ClientEvent): void {
    if (event.type === 'response') {
      const resolve = this.#resolves.get(event.rid);
      if (resolve !== undefined) {
        this.#resolves.delete(event.rid);
        resolve(event.response);
        return;
      }
    }
    this.#core.step(event, this.#world.queue.now);
    this.#carry();
  }

  #carry(): void {
    const ready = this.#core.ready();
    for (const { node, rid, request } of ready.send) this.#world.send(this, node, rid, request);
    if (ready.readMap) {
      this.#world.readMap((map) =>
        this.step(map === null ? { type: 'map-unreadable' } : { type: 'map', map }),
      );
    }
    for (const { id, outcome } of ready.done) {
      const done = this.#waiting.get(id);
      this.#waiting.delete(id);
      done?.(outcome);
    }
  }

  /** When a change is given up: now and then so soon that it may still be under way. Nobody is that hasty where nothing fails. */
  patience(least: number, most: number): number {
    const { queue, scenario } = this.#world;
    const hasty = !scenario.quiet && this.#fate.chance(0.03);
    return queue.now + (hasty ? this.#fate.between(2, 150) : this.#fate.between(least, most));
  }

  /** Gives up all sessions; what comes next opens new ones. Only between two calls. */
  closeSessions(): void {
    if (this.busy) return;
    this.#world.count('sessions closed');
    this.#core.closeSessions();
    this.#carry();
  }

  // ---- changes, and what became of them

  /**
   * A change. `settled` is told how it ended, once, with its id: when the outcome is unknown, and nobody is told even when asked,
   * that may be at the end of the run. `go` is called when the user may go on.
   */
  change(asked: Change, settled: (how: Settled, id: string) => void, go: () => void): void {
    this.call(asked, (outcome) => {
      const { now } = this.#world.queue;
      if (outcome.type === 'unknown') {
        const open = { id: outcome.id, key: asked.op.key, settled };
        // Whoever asks before the next operation of the session is told exactly; later the result may be forgotten.
        if (this.#fate.chance(0.9)) this.#resolve(open, now + 3000, go);
        else {
          this.#open.push(open);
          go();
        }
        return;
      }
      if (outcome.type === 'written') settled({ type: 'done', result: outcome.result, end: now }, outcome.id);
      else if (outcome.type === 'failed')
        settled({ type: 'not-done', code: outcome.code, message: outcome.message, end: now }, '');
      go();
    });
  }

  /** Asks once more for all that is unknown still. */
  resolveOpen(ms: number): void {
    const open = this.#open;
    this.#open = [];
    for (const one of open) this.#resolve(one, this.#world.queue.now + ms, () => {});
  }

  /** What nobody could say of stays unknown. */
  giveUp(): void {
    const open = this.#open;
    this.#open = [];
    for (const { id, settled } of open) settled({ type: 'unknown', end: Number.POSITIVE_INFINITY }, id);
  }

  /** Asks under the number of a change what became of it, until somebody says so (PROTOCOL.md section 3). */
  #resolve(open: Open, deadline: number, go: () => void): void {
    const { anchor: p, session, n } = partsOf(open.id);
    const { queue } = this.#world;
    this.#resolving++;
    let over = false;
    const finish = (how: Settled | null): void => {
      if (over) return;
      over = true;
      this.#resolving--;
      this.#world.count(`resolve (${how?.type ?? 'unanswered'})`);
      if (how === null) this.#open.push(open);
      else open.settled(how, open.id);
      go();
    };
    const again = (): void => {
      queue.after(100, ask);
    };
    const ask = (): void => {
      if (over) return;
      if (queue.now >= deadline) {
        finish(null);
        return;
      }
      this.#world.readMap((map) => {
        const primary = map?.partitions[p]?.primary;
        if (primary === undefined) {
          again();
          return;
        }
        const rid = this.#nextRid++;
        let answered = false;
        this.#resolves.set(rid, (response) => {
          answered = true;
          const how = this.#resolved(response);
          if (how === 'later') again();
          else finish(how);
        });
        queue.after(1000, () => {
          if (!answered && this.#resolves.delete(rid)) ask();
        });
        const op = { type: 'resolve', key: open.key } as const;
        this.#world.send(this, nodeOf(primary), rid, { type: 'write', session, n, first: 1, op });
      });
    };
    ask();
  }

  #resolved(response: ClientResponse): Settled | 'later' | null {
    const { now: end } = this.#world.queue;
    // The session is over: whether it happened before, nobody knows. This node may be the wrong one to say so.
    if (!response.ok) return response.code === 'session-expired' ? null : 'later';
    if (response.type !== 'write') return 'later';
    const { result } = response;
    if (result.ok) return { type: 'done', result, end };
    if (result.code === 'session-expired') return null;
    // A later operation of the session has been acknowledged: this one has happened by now, or never will.
    if (result.code === 'outcome-unknown') return { type: 'unknown', end };
    return result.code === 'busy'
      ? 'later'
      : { type: 'not-done', code: result.code, message: result.message, end };
  }
}
