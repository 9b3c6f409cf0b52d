import type { Command } from '../core/machine/types.js';
import {
  asFields,
  bad,
  checkKey,
  type Fields,
  isArray,
  isCount,
  isPartition,
  isSession,
  isTicket,
  isTime,
  isTxId,
  onlyFields,
  want,
} from './check.js';
import { checkItems, checkPartEntries, checkPartitions, checkReads, checkReason, tuples } from './items.js';
import { checkOperation } from './operations.js';

/** One command of a replicated log. */
export function checkCommand(value: unknown, where: string): Command {
  const command = asFields(value, where) as Fields & Command;
  switch (command.type) {
    case 'op':
      if (!isSession(command.session)) bad(`${where}.session`, want.session);
      if (!isCount(command.n)) bad(`${where}.n`, want.count);
      if (!isCount(command.first)) bad(`${where}.first`, want.count);
      checkOperation(command.op, where);
      onlyFields(command, 5, where);
      break;
    case 'barrier':
      onlyFields(command, 1, where);
      break;
    case 'open':
      if (!isCount(command.gen)) bad(`${where}.gen`, want.count);
      onlyFields(command, 2, where);
      break;
    case 'close':
    case 'expire':
      if (!isSession(command.session)) bad(`${where}.session`, want.session);
      onlyFields(command, 2, where);
      break;
    case 'lapse':
      checkKey(command.lock, `${where}.lock`);
      if (!isTicket(command.ticket)) bad(`${where}.ticket`, want.ticket);
      if (!isCount(command.renewed)) bad(`${where}.renewed`, want.count);
      onlyFields(command, 4, where);
      break;
    default:
      checkTxCommand(command, where);
  }
  return command;
}

/** The commands of two-phase commit. */
function checkTxCommand(command: Fields & Command, where: string): void {
  switch (command.type) {
    case 'prepare':
      checkTx(command, where);
      if (!isPartition(command.anchor)) bad(`${where}.anchor`, want.partition);
      if (!isTime(command.at)) bad(`${where}.at`, want.time);
      checkItems(command.items, `${where}.items`);
      onlyFields(command, 5, where);
      break;
    case 'stage':
      checkNumbered(command, where);
      if (!isTime(command.at)) bad(`${where}.at`, want.time);
      // Of a transaction whose key is that of no item, all items are elsewhere.
      checkItems(command.own, `${where}.own`, 0);
      checkPartitions(command.others, `${where}.others`);
      onlyFields(command, 8, where);
      break;
    case 'decide':
      checkTx(command, where);
      checkReads(command.reads, `${where}.reads`);
      checkPartEntries(command.prepared, `${where}.prepared`);
      onlyFields(command, 4, where);
      break;
    case 'abort':
      checkNumbered(command, where);
      checkReason(command.reason, `${where}.reason`);
      if (typeof command.message !== 'string') bad(`${where}.message`, 'a string');
      onlyFields(command, 7, where);
      break;
    case 'finish':
      checkEnds(command.ends, `${where}.ends`);
      onlyFields(command, 2, where);
      break;
    case 'forget':
      if (!isArray(command.txs)) bad(`${where}.txs`, 'a list');
      for (const tx of command.txs) if (!isTxId(tx)) bad(`${where}.txs[]`, want.tx);
      onlyFields(command, 2, where);
      break;
    default:
      bad(
        `${where}.type`,
        'barrier, open, close, expire, prepare, stage, decide, abort, finish, forget, lapse or op',
      );
  }
}

function checkNumbered(command: Extract<Command, { type: 'stage' | 'abort' }>, where: string): void {
  checkTx(command, where);
  if (!isSession(command.session)) bad(`${where}.session`, want.session);
  if (!isCount(command.n)) bad(`${where}.n`, want.count);
  if (!isCount(command.first)) bad(`${where}.first`, want.count);
}

function checkEnds(ends: unknown, where: string): void {
  for (const [tx, commit, seq] of tuples(ends, 3, where)) {
    if (!isTxId(tx)) bad(`${where}[][0]`, want.tx);
    if (typeof commit !== 'boolean') bad(`${where}[][1]`, want.flag);
    if (!isCount(seq)) bad(`${where}[][2]`, want.count);
  }
}

function checkTx(command: { readonly tx: unknown }, where: string): void {
  if (!isTxId(command.tx)) bad(`${where}.tx`, want.tx);
}
