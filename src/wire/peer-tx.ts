import {
  asFields,
  bad,
  type Fields,
  isCount,
  isPartition,
  isTime,
  isTxId,
  onlyFields,
  want,
} from './check.js';
import { checkItems, checkReads, checkReason } from './items.js';
import type { Peer } from './peer.js';

/**
 * The decoders of two-phase commit, between the primaries of the partitions that take part in a transaction. As in
 * peer.ts each rebuilds the message from checked fields.
 */
export function decodeTxPrepare(params: unknown): Peer<'tx-prepare'> {
  const m = about(params, 'tx-prepare') as Fields & Peer<'tx-prepare'>;
  if (!isPartition(m.anchor)) bad('tx-prepare.anchor', want.partition);
  if (!isCount(m.epoch)) bad('tx-prepare.epoch', want.count);
  if (!isTime(m.at)) bad('tx-prepare.at', want.time);
  const { p, tx, anchor, epoch, at, items } = m;
  checkItems(items, 'tx-prepare.items');
  onlyFields(m, 6, 'tx-prepare');
  return { type: 'tx-prepare', p, tx, anchor, epoch, at, items };
}

export function decodeTxAsk(params: unknown): Peer<'tx-ask'> {
  const m = about(params, 'tx-ask') as Fields & Peer<'tx-ask'>;
  if (!isPartition(m.anchor)) bad('tx-ask.anchor', want.partition);
  if (!isCount(m.epoch)) bad('tx-ask.epoch', want.count);
  onlyFields(m, 4, 'tx-ask');
  return { type: 'tx-ask', p: m.p, tx: m.tx, anchor: m.anchor, epoch: m.epoch };
}

export function decodeTxVote(params: unknown): Peer<'tx-vote'> {
  const m = about(params, 'tx-vote') as Fields & Peer<'tx-vote'>;
  const { p, tx, from, epoch, seq, yes, reads, reason, message } = m;
  if (!isPartition(from)) bad('tx-vote.from', want.partition);
  if (!isCount(epoch)) bad('tx-vote.epoch', want.count);
  if (!isCount(seq)) bad('tx-vote.seq', want.count);
  if (typeof yes !== 'boolean') bad('tx-vote.yes', want.flag);
  checkReads(reads, 'tx-vote.reads');
  checkReason(reason, 'tx-vote.reason');
  if (typeof message !== 'string') bad('tx-vote.message', 'a string');
  onlyFields(m, 9, 'tx-vote');
  return { type: 'tx-vote', p, tx, from, epoch, seq, yes, reads, reason, message };
}

export function decodeTxFinish(params: unknown): Peer<'tx-finish'> {
  const m = about(params, 'tx-finish') as Fields & Peer<'tx-finish'>;
  if (!isPartition(m.anchor)) bad('tx-finish.anchor', want.partition);
  if (typeof m.commit !== 'boolean') bad('tx-finish.commit', want.flag);
  if (!isCount(m.seq)) bad('tx-finish.seq', want.count);
  onlyFields(m, 5, 'tx-finish');
  return { type: 'tx-finish', p: m.p, tx: m.tx, anchor: m.anchor, commit: m.commit, seq: m.seq };
}

export function decodeTxFinished(params: unknown): Peer<'tx-finished'> {
  const m = about(params, 'tx-finished') as Fields & Peer<'tx-finished'>;
  if (!isPartition(m.from)) bad('tx-finished.from', want.partition);
  onlyFields(m, 3, 'tx-finished');
  return { type: 'tx-finished', p: m.p, tx: m.tx, from: m.from };
}

export function decodeTxQuery(params: unknown): Peer<'tx-query'> {
  const m = about(params, 'tx-query') as Fields & Peer<'tx-query'>;
  if (!isPartition(m.from)) bad('tx-query.from', want.partition);
  if (!isCount(m.seq)) bad('tx-query.seq', want.count);
  onlyFields(m, 4, 'tx-query');
  return { type: 'tx-query', p: m.p, tx: m.tx, from: m.from, seq: m.seq };
}

/** Checks what all of them have: whom it is for, and of which transaction. */
function about(params: unknown, type: string): Fields {
  const m = asFields(params, type);
  if (!isPartition(m.p)) bad(`${type}.p`, want.partition);
  if (!isTxId(m.tx)) bad(`${type}.tx`, want.tx);
  return m;
}
