import type { Cell, Command, Operation, OpResult, Row, TxItem, TxRead } from './types.js';

/** About how many characters a command takes as JSON. */
export function sizeOf(command: Command): number {
  switch (command.type) {
    case 'op': {
      const { op } = command;
      if (op.type === 'tx') return 128 + sizeOfItems(op.items);
      if (op.type === 'put') return 96 + op.key.length + op.value.length + (op.fence?.name.length ?? 0);
      return 96 + op.key.length + (op.type === 'leave' ? op.ticket.length : 0);
    }
    case 'prepare':
      return 96 + sizeOfItems(command.items);
    case 'stage':
      return 128 + sizeOfItems(command.own) + 8 * command.others.length;
    case 'decide':
      return 96 + sizeOfReads(command.reads) + 16 * command.prepared.length;
    case 'abort':
      return 128 + command.message.length;
    case 'finish':
      return 32 + 48 * command.ends.length;
    case 'forget':
      return 32 + 32 * command.txs.length;
    case 'lapse':
      return 64 + command.lock.length + command.ticket.length;
    default:
      return 48;
  }
}

function sizeOfItems(items: readonly TxItem[]): number {
  let sum = 0;
  for (const item of items) {
    sum += 32 + item.key.length;
    if (item.type === 'put') sum += item.value.length;
    else if (item.type === 'check' && typeof item.equals === 'string') sum += item.equals.length;
  }
  return sum;
}

function sizeOfReads(reads: readonly TxRead[]): number {
  let sum = 0;
  for (const [key, value] of reads) sum += 32 + key.length + (typeof value === 'string' ? value.length : 8);
  return sum;
}

/** The key and value of a cell, in UTF-16 code units. */
export const unitsOfCell = (key: string, { value }: Cell): number =>
  key.length + (typeof value === 'string' ? value.length : 16);

/** About what a row takes, in UTF-16 code units: texts as they are, and something for the rest. */
export function unitsOfRow(name: string, row: Row): number {
  switch (row.kind) {
    case 'lock': {
      let sum = 64 + name.length;
      for (const { ticket } of row.holders) sum += 64 + ticket.length;
      for (const { ticket } of row.queue) sum += 48 + ticket.length;
      return sum;
    }
    case 'fence':
      return 48 + name.length;
    case 'record': {
      let sum = 64 + name.length + 24 * row.prepared.length;
      for (const key of row.keys) sum += 8 + key.length;
      return sum;
    }
    default: {
      const others = row.kind === 'staged' ? 16 * row.others.length : 0;
      return 64 + name.length + sizeOfItems(row.items) + sizeOfReads(row.reads) + others;
    }
  }
}

/** About what the result of an operation takes, in UTF-16 code units. */
export const unitsOfResult = (result: OpResult): number =>
  32 + (result.ok ? (typeof result.value === 'string' ? result.value.length : 16) : result.message.length);

/** What items may add at most to what a partition keeps, in UTF-16 code units: what they write, and what they read is a result. */
function growthOfItems(items: readonly TxItem[], cells: ReadonlyMap<string, Cell>): number {
  let sum = 0;
  for (const item of items) {
    const cell = item.type === 'incr' || item.type === 'get' ? cells.get(item.key) : undefined;
    if (item.type === 'put') sum += item.key.length + item.value.length;
    else if (item.type === 'get')
      sum += 32 + item.key.length + (typeof cell?.value === 'string' ? cell.value.length : 16);
    else if (item.type === 'incr' && cell === undefined) sum += 16 + item.key.length;
  }
  return sum;
}

/**
 * What an operation may add at most to what a partition keeps, besides a short result, in UTF-16 code units. 0: it takes away, ends, or
 * counts, and is done however much there is.
 */
export function growthOf(op: Operation, cells: ReadonlyMap<string, Cell>): number {
  switch (op.type) {
    case 'put':
      return (
        96 +
        op.key.length +
        op.value.length +
        (op.fence === undefined ? 0 : op.fence.name.length + op.key.length)
      );
    case 'incr':
    case 'reset':
      return cells.has(op.key) ? 0 : 48 + op.key.length;
    case 'tx':
      return growthOfItems(op.items, cells);
    case 'acquire':
      return 160 + op.key.length;
    default:
      return 0;
  }
}

/** The same for a part of a transaction, which is kept until it ends. */
export const growthOfPart = (items: readonly TxItem[], cells: ReadonlyMap<string, Cell>): number =>
  128 + sizeOfItems(items) + growthOfItems(items, cells);

/** Is the JSON of this command at most so many bytes of UTF-8? Counted only when it may be more. */
export const fitsBytes = (command: Command, bytes: number): boolean =>
  sizeOf(command) * longest <= bytes || bytesOf(command) <= bytes;

/** The bytes of these items' JSON when they are more than `bytes`; null: they are not. */
export function itemsBeyond(items: readonly TxItem[], bytes: number): number | null {
  if (sizeOfItems(items) * longest <= bytes) return null;
  const size = bytesOf(items);
  return size <= bytes ? null : size;
}

/** Bytes that a UTF-16 code unit takes when it is escaped in JSON. */
const longest = 6;

/** The bytes of a value's JSON as UTF-8. */
function bytesOf(value: unknown): number {
  const text = JSON.stringify(value);
  let sum = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // A pair of surrogates is two units and four bytes.
    if (unit >= 0x80) sum += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return sum;
}
