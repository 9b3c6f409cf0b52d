/** A client core driven by hand: what it sends is kept, and answered when the test says so. */
import { expect } from 'vitest';
import {
  type Call,
  ClientCore,
  type ClientEvent,
  type Outcome,
} from '../../../src/core/client/client-core.js';
import type { Operation, SessionId } from '../../../src/core/machine/types.js';
import type { ClusterMap } from '../../../src/core/map/types.js';
import type { ClientRequest, ClientResponse, Refusal } from '../../../src/core/messages.js';
import { hashKey, partitionOf } from '../../../src/core/ring/hash.js';

/** Two partitions, led by n1 and n2 unless said otherwise. */
export const mapOf = (revision = 1, primaries = ['n1/s', 'n2/s']): ClusterMap =>
  ({ revision, partitions: primaries.map((primary) => ({ primary })) }) as unknown as ClusterMap;

/** Keys of the first partition, and of the second. */
export const [here, there] = [0, 1].map((p) => {
  const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
  return keys.filter((key) => partitionOf(hashKey(key), 2) === p);
}) as [string[], string[]];
export const [key] = here as [string];

export interface Sent {
  readonly node: string;
  readonly rid: number;
  readonly request: ClientRequest;
}

/** A client driven by hand; backoff is as short as it can be unless `random` says otherwise. */
export class Client {
  now = 1000;
  readonly sent: Sent[] = [];
  readonly outcomes = new Map<number, Outcome>();
  readonly attempts = new Map<number, number>();
  reads = 0;
  readonly core: ClientCore;
  #calls = 0;

  constructor(map: ClusterMap | null = mapOf(), random = 0) {
    this.core = new ClientCore(map, () => random);
  }

  step(event: ClientEvent): void {
    this.core.step(event, this.now);
    const { send, done, readMap } = this.core.ready();
    this.sent.push(...send);
    for (const { id, outcome, attempts } of done) {
      expect(this.outcomes.has(id)).toBe(false);
      this.outcomes.set(id, outcome);
      this.attempts.set(id, attempts);
    }
    if (readMap) this.reads++;
  }

  /** Lets time pass, looking every `step` ms. */
  pass(ms: number, step = 10): void {
    for (let t = 0; t < ms; t += step) {
      this.now += step;
      this.step({ type: 'tick' });
    }
  }

  call(
    call: Call extends infer C ? (C extends Call ? Omit<C, 'id' | 'deadline'> : never) : never,
    timeout = 60_000,
  ): number {
    const id = ++this.#calls;
    this.step({ type: 'call', call: { ...call, id, deadline: this.now + timeout } });
    return id;
  }

  write(op: Operation = { type: 'incr', key, by: 1 }, timeout?: number): number {
    return this.call({ type: 'write', op }, timeout);
  }

  get last(): Sent {
    return this.sent.at(-1) as Sent;
  }

  answer(response: ClientResponse, to: Sent = this.last): void {
    this.step({ type: 'response', rid: to.rid, response });
  }

  /** Answers the OPEN that was just sent. */
  opened(session: SessionId = '1.7'): void {
    expect(this.last.request.type).toBe('open');
    this.answer({ ok: true, type: 'open', session });
  }

  refuse(code: Refusal['code'], more: Partial<Refusal> = {}, to: Sent = this.last): void {
    this.answer({ ok: false, code, message: `it is ${code}`, revision: 1, ...more }, to);
  }
}

export const done = (value: number): ClientResponse => ({
  ok: true,
  type: 'write',
  result: { ok: true, value, version: 1 },
});

/** A client with a session, which has begun so many writes. */
export function writing(count: number): { client: Client; ids: number[] } {
  const client = new Client();
  const ids = [client.write()];
  client.opened();
  while (ids.length < count) ids.push(client.write());
  return { client, ids };
}
