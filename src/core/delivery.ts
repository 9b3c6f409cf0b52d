import type { Process } from './map/types.js';
import type { PeerMessage } from './messages.js';
import type { NodeView } from './node-view.js';

type ToReplicas = Exclude<PeerMessage, { type: 'beacon' | 'beacon-ack' }>;

/** Gives a message of another node to the replicas of this one that it is for. */
export function deliver(node: NodeView, from: Process, m: ToReplicas): void {
  if (m.type === 'ack') {
    deliverAcks(node, m);
    return;
  }
  if (m.type === 'append') {
    if (m.incarnation !== node.incarnation) return;
    for (const append of m.appends) node.replicas.get(append.p)?.onAppend(from.node, m.to, append);
    return;
  }
  const replica = node.replicas.get(m.p);
  if (replica === undefined) return;
  switch (m.type) {
    case 'snapshot':
      replica.onSnapshot(from.node, m);
      break;
    case 'reject':
      replica.lead?.onReject(m);
      break;
    case 'tail-ask':
      replica.onTailAsk(from.node, m);
      break;
    case 'tail':
      replica.onTail(m);
      break;
    case 'snapshot-ack':
      replica.lead?.onSnapshotAck(m);
      break;
    case 'stale':
      if (replica.lead !== null && m.promised > replica.lead.epoch) {
        replica.stepDown();
        node.wantMap();
      }
      break;
    default:
      deliverTx(node, m);
  }
}

function deliverAcks(node: NodeView, { from, acks }: Extract<PeerMessage, { type: 'ack' }>): void {
  for (let i = 0; i < acks.length; i += 4) {
    const lead = node.replicas.get(acks[i] as number)?.lead;
    lead?.onAck(from, acks[i + 1] as number, acks[i + 2] as number, acks[i + 3] as number);
  }
}

/** A message of a transaction, to a primary that is ready for it. */
export function deliverTx(node: NodeView, m: PeerMessage): void {
  if (!('p' in m)) return;
  const lead = node.replicas.get(m.p)?.lead;
  if (lead == null || !lead.serving) return;
  switch (m.type) {
    case 'tx-prepare':
      lead.tx.onPrepare(m);
      break;
    case 'tx-ask':
      lead.tx.onAsk(m);
      break;
    case 'tx-vote':
      lead.tx.onVote(m);
      break;
    case 'tx-finish':
      lead.tx.onFinish(m);
      break;
    case 'tx-finished':
      lead.tx.onFinished(m);
      break;
    case 'tx-query':
      lead.tx.onQuery(m);
      break;
  }
}
