import { limits } from '../../limits.js';
import { TurnoverMap } from '../../util/turnover.js';
import type { Rows } from './rows.js';
import type { Cell, PendingRow, Row, SessionId, TxId, TxItem, TxRead, TxReason } from './types.js';

/** What a participant says of its part. */
export type Vote =
  | { readonly yes: true; readonly reads: readonly TxRead[] }
  | { readonly yes: false; readonly reason: TxReason; readonly message: string };

export const isWrite = (item: TxItem): item is Extract<TxItem, { type: 'put' | 'delete' | 'incr' }> =>
  item.type === 'put' || item.type === 'delete' || item.type === 'incr';

const no = (reason: TxReason, message: string): Vote => ({ yes: false, reason, message });

/** Would every item hold, and every write do, on these cells? With what is read. */
export function voteOn(items: readonly TxItem[], cells: ReadonlyMap<string, Cell>): Vote {
  const reads: TxRead[] = [];
  for (const item of items) {
    const { key } = item;
    const cell = cells.get(key);
    switch (item.type) {
      case 'check':
        if ((cell?.value ?? null) !== item.equals)
          return no('check', `${key} is ${cell === undefined ? 'not there' : shown(cell.value)}`);
        break;
      case 'version':
        if ((cell?.version ?? 0) !== item.version)
          return no('stale', `${key} is at version ${cell?.version ?? 0}, not ${item.version}`);
        break;
      case 'get':
        reads.push([key, cell?.value ?? null, cell?.version ?? 0]);
        break;
      case 'put':
        if (cell !== undefined && cell.kind !== 'text') return no('wrong-type', `${key} holds a counter`);
        break;
      case 'incr': {
        if (cell !== undefined && cell.kind !== 'counter') return no('wrong-type', `${key} holds a value`);
        const value = ((cell?.value as number | undefined) ?? 0) + item.by;
        if (value > limits.counterMax || value < limits.counterMin)
          return no('overflow', `counter ${key} would pass ±(2^53−1)`);
        break;
      }
      case 'delete':
        break;
    }
  }
  return fitsReads(reads) ? { yes: true, reads } : no('too-large', tooManyReads);
}

/** A value may be a megabyte, and messages are remembered. */
const shown = (value: string | number): string => {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
};

export const tooManyReads = `a transaction reads at most ${limits.txReadUnits} characters`;

/** Do they fit into one entry of a log, and into the answer? */
export const fitsReads = (reads: readonly TxRead[]): boolean => unitsOfReads(reads) <= limits.txReadUnits;

/** Keys and values that were read, in UTF-16 code units. */
export function unitsOfReads(reads: readonly TxRead[]): number {
  let units = 0;
  for (const [key, value] of reads) units += key.length + (typeof value === 'string' ? value.length : 16);
  return units;
}

type Increment = Extract<TxItem, { type: 'incr' }>;

/** Who holds a key on behalf of transactions that are prepared and not finished. */
interface Hold {
  exclusive: TxId | null;
  /** Made when there is one: most keys are written. */
  shared: Set<TxId> | null;
  /** Those that only add to it, and what they add, together; what they take away is below 0. */
  adding: Set<TxId> | null;
  plus: number;
  minus: number;
}

const nobody: ReadonlySet<TxId> = new Set();

/** How an item holds its key. */
export type Holding = 'exclusive' | 'shared' | 'add';

export const holdingOf = (item: TxItem): Holding =>
  item.type === 'incr' ? 'add' : isWrite(item) ? 'exclusive' : 'shared';

/** May this be added beside what others are about to add and to take away? */
export type Room = (item: Increment, plus: number, minus: number) => boolean;

/**
 * Which keys prepared transactions hold: exclusively what they put and delete, shared what they read and check. Increments hold a key
 * against both and not against one another, for their order makes no difference; each must leave all others room within the
 * bounds of a counter, whichever of them come to be (escrow: O'Neil, TODS 1986). Derived from the rows.
 */
export class Intents {
  readonly #holds = new TurnoverMap<string, Hold>();
  /** Only variants change what is held. */
  readonly #held: (item: TxItem) => Holding | null;
  readonly #room: Room;

  constructor(held: (item: TxItem) => Holding | null, room: Room, rows: Rows) {
    this.#held = held;
    this.#room = room;
    for (const kind of ['staged', 'prepared'] as const)
      for (const [, row] of rows.of(kind)) this.hold(row.tx, row.items);
  }

  get size(): number {
    return this.#holds.size;
  }

  hold(tx: TxId, items: readonly TxItem[]): void {
    for (const item of items) {
      const how = this.#held(item);
      if (how === null) continue;
      let hold = this.#holds.get(item.key);
      if (hold === undefined) {
        hold = { exclusive: null, shared: null, adding: null, plus: 0, minus: 0 };
        this.#holds.set(item.key, hold);
      }
      if (how === 'exclusive') hold.exclusive = tx;
      else if (how === 'shared') {
        hold.shared ??= new Set();
        hold.shared.add(tx);
      } else if (item.type === 'incr' && hold.adding?.has(tx) !== true) {
        hold.adding ??= new Set();
        hold.adding.add(tx);
        count(hold, item.by, 1);
      }
    }
  }

  release(tx: TxId, items: readonly TxItem[]): void {
    for (const item of items) {
      const hold = this.#holds.get(item.key);
      if (hold === undefined) continue;
      if (hold.exclusive === tx) hold.exclusive = null;
      if (hold.shared?.delete(tx) === true && hold.shared.size === 0) hold.shared = null;
      if (item.type === 'incr' && hold.adding?.delete(tx) === true) {
        count(hold, item.by, -1);
        if (hold.adding.size === 0) hold.adding = null;
      }
      if (hold.exclusive === null && hold.shared === null && hold.adding === null)
        this.#holds.delete(item.key);
    }
  }

  /** Does anybody write the key? */
  writes(key: string): boolean {
    const hold = this.#holds.get(key);
    return hold !== undefined && isWritten(hold);
  }

  /** Does any transaction write a key with this prefix? */
  writesBelow(prefix: string): boolean {
    for (const [key, hold] of this.#holds) if (isWritten(hold) && key.startsWith(prefix)) return true;
    return false;
  }

  /** The transactions that must be over before `tx` (null: an operation of its own) may do these items. */
  against(tx: TxId | null, items: readonly TxItem[]): ReadonlySet<TxId> {
    if (this.#holds.size === 0) return nobody;
    let found: Set<TxId> | null = null;
    const add = (other: TxId): void => {
      if (other === tx) return;
      found ??= new Set();
      found.add(other);
    };
    for (const item of items) {
      const hold = this.#holds.get(item.key);
      if (hold === undefined) continue;
      if (hold.exclusive !== null) add(hold.exclusive);
      if (hold.shared !== null && isWrite(item)) for (const other of hold.shared) add(other);
      if (hold.adding === null) continue;
      if (item.type === 'incr' && this.#room(item, hold.plus, hold.minus)) continue;
      for (const other of hold.adding) add(other);
    }
    return found ?? nobody;
  }
}

/** One more increment by so much, or (-1) one less. */
function count(hold: Hold, by: number, times: 1 | -1): void {
  if (by > 0) hold.plus += by * times;
  else hold.minus += by * times;
}

const isWritten = (hold: Hold): boolean => hold.exclusive !== null || hold.adding !== null;

/**
 * Does the counter stay within its bounds with this increment, whichever of the others (`plus` and `minus` together) come to be? The
 * sums stay integers that are exact, too.
 */
export function hasRoom(value: number, by: number, plus: number, minus: number): boolean {
  return by > 0
    ? plus + by <= limits.counterMax && value + plus + by <= limits.counterMax
    : minus + by >= limits.counterMin && value + minus + by >= limits.counterMin;
}

/** What the id of a transaction says: its anchor, and the operation of which session it is. */
export function partsOf(tx: TxId): { anchor: number; session: SessionId; n: number } {
  const first = tx.indexOf(':');
  const last = tx.lastIndexOf(':');
  const session = tx.slice(first + 1, last) as SessionId;
  return { anchor: Number(tx.slice(0, first)), session, n: Number(tx.slice(last + 1)) };
}

export type PreparedRow = Extract<Row, { kind: 'prepared' }>;
export type RecordRow = Extract<Row, { kind: 'record' }>;

/** Who takes part in a transaction besides its anchor. */
export const othersOf = (row: RecordRow | PendingRow): readonly number[] =>
  row.kind === 'record' ? row.prepared.map(([p]) => p) : row.others;
