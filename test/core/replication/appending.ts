/** A node whose copy of the first partition is told what to store by hand. */
import type { Command } from '../../../src/core/machine/types.js';
import type { Append, PeerMessage } from '../../../src/core/messages.js';
import type { Replica } from '../../../src/core/replication/replica.js';
import { mapOf, type start, withPartition } from '../harness.js';

export type Node = ReturnType<typeof start>;
export const map = mapOf({ n1: 1, n2: 1, n3: 1 });
/** The same, with a later epoch in the map than any that appends here: what is promised is below it. */
export const later = withPartition(map, { epoch: 9, primary: 'n3/sn3' });
export const replicaOf = (node: Node): Replica => node.core.replicas.get(0) as Replica;
export const put = (n: number): Command => ({
  type: 'op',
  session: '1.1',
  n,
  first: 1,
  op: { type: 'put', key: `k${n}`, value: `v${n}` },
});
export const barrier: Command = { type: 'barrier' };

/** n1, or another, appends these entries after `prevSeq`. */
export function append(
  node: Node,
  prevSeq: number,
  commands: readonly Command[],
  change: Partial<Append> = {},
  from = 'n1',
): void {
  const { log } = replicaOf(node);
  const epoch = change.epoch ?? 1;
  const one: Append = {
    p: 0,
    gen: 1,
    epoch,
    stream: 1,
    prevSeq,
    prevEpoch: log.epochAt(prevSeq) ?? epoch,
    prevChain: log.chainAt(prevSeq) ?? 0,
    commit: 0,
    counted: true,
    digest: '',
    entries: commands.map((command) => ({ epoch, command })),
    ...change,
  };
  const { incarnation } = node.core;
  node.from(from, { type: 'append', to: 'n2/sn2', incarnation, appends: [one] });
}

export const said = (node: Node, type: PeerMessage['type']): PeerMessage[] =>
  node.sent.splice(0).flatMap(({ message }) => (message.type === type ? [message] : []));
export const acks = (node: Node): unknown[] => said(node, 'ack').map((m) => m.type === 'ack' && m.acks);
export const epochs = (node: Node): (number | null)[] => {
  const { log } = replicaOf(node);
  return Array.from({ length: log.tailSeq - log.baseSeq }, (_, i) => log.epochAt(log.baseSeq + 1 + i));
};
