import { type Call, ClientCore, type ClientEvent, type Outcome } from '../core/client/client-core.js';
import type { ClusterMap, NodeId } from '../core/map/types.js';
import type { ClientRequest } from '../core/messages.js';
import type { EventQueue } from './queue.js';
import type { Scenario } from './scenario.js';

export interface UserWorld {
  readonly queue: EventQueue;
  readonly scenario: Scenario;
  send(user: SimUser, node: NodeId, rid: number, request: ClientRequest): void;
  readMap(done: (map: ClusterMap | null) => void): void;
}

type Asked = Call extends infer C ? (C extends Call ? Omit<C, 'id'> : never) : never;

/** Somebody who uses the cluster: the production client, driven in virtual time. */
export class SimUser {
  readonly #core: ClientCore;
  readonly #world: UserWorld;
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  #nextCall = 1;

  constructor(
    readonly name: string,
    world: UserWorld,
    core: ClientCore,
  ) {
    this.#world = world;
    this.#core = core;
  }

  get busy(): boolean {
    return this.#waiting.size > 0;
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
    this.#core.step(event, this.#world.queue.now);
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
}
