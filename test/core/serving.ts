/** A primary that serves clients, and what they ask of it. Time passes when a test says so. */
import { expect } from 'vitest';
import type { Operation, SessionId } from '../../src/core/machine/types.js';
import type { ClientRequest, ClientResponse } from '../../src/core/messages.js';
import { limits } from '../../src/limits.js';
import { clock, primary } from './harness.js';

export type Node = ReturnType<typeof primary>;
export const session: SessionId = '1.2';
let origins = 0;

/** Puts a request; gives its answers so far, now and later. */
export function ask(node: Pick<Node, 'step' | 'replies'>, request: ClientRequest): () => ClientResponse[] {
  const origin = ++origins;
  node.step({ type: 'request', origin, request });
  return () => node.replies.filter((reply) => reply.origin === origin).map(({ response }) => response);
}

export const write = (op: Operation, n: number, first = 1, of = session): ClientRequest => ({
  type: 'write',
  session: of,
  n,
  first,
  op,
});
export const put = (n: number, value = `v${n}`, key = 'k'): ClientRequest =>
  write({ type: 'put', key, value }, n);
export const get = (key = 'k'): ClientRequest => ({ type: 'read', p: 0, query: { type: 'get', key } });

/** All others store and acknowledge what they were sent. */
export function stored(node: Pick<Node, 'obey'>): void {
  for (let i = 0; i < 2; i++) for (const id of ['n2', 'n3']) node.obey(id);
}

/** Time passes, with everybody well. */
export function pass(node: Node, ms: number, others = ['n2', 'n3']): void {
  for (let t = 0; t < ms; t += limits.tickMs) {
    clock.now += limits.tickMs;
    node.step({ type: 'tick' });
    for (const id of others) node.obey(id);
  }
}

/** A serving primary with an open session. */
export function serving(): Node {
  const node = primary();
  const open = ask(node, { type: 'open', p: 0 });
  stored(node);
  expect(open()).toEqual([{ ok: true, type: 'open', session }]);
  return node;
}

export const entries = (node: Pick<Node, 'disk'>): string[] =>
  node.disk.flatMap((r) => (r.type === 'append' ? [r.entry.command.type] : []));
