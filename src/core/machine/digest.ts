/**
 * Digest of a partition's state that does not depend on order, so that a change costs what the changed item costs, not the state.
 *
 * Every item (a cell, a session, a result, a row) is hashed, and the digest is the sum of these hashes modulo 2^32, in two independent
 * lanes (AdHash: Bellare and Micciancio, Eurocrypt 1997). It finds damage and divergence; it is no defence against somebody who chooses
 * the items for a collision. Imports nothing of a platform: nodes of all kinds compute the same.
 */
import type { Cell, OpResult, Row, SessionId, Snapshot, StateDigest, TxItem, TxRead } from './types.js';

/** The two lanes of the item being hashed. Always 32-bit integers, which V8 keeps without allocating. */
let a = 0;
let b = 0;
const float = new Float64Array(1);
const halves = new Int32Array(float.buffer);

/** Tags keep items, and the parts of one, apart. */
const tag = { cell: 1, session: 2, result: 3, row: 4, text: 5, float: 0x6a09e667 } as const;
/** What is neither number nor text. */
const none = 0x3c6ef372;
const yes = 0x510e527f;
const no = 0x1f83d9ab;

const kinds: Readonly<Record<Row['kind'], number>> = {
  lock: 16,
  fence: 17,
  staged: 18,
  record: 19,
  prepared: 20,
};
const itemTypes: Readonly<Record<TxItem['type'], number>> = {
  check: 32,
  version: 33,
  get: 34,
  put: 35,
  delete: 36,
  incr: 37,
};

const firstPrime = 0x9e3779b1;
const secondPrime = 0x85ebca77;

function begin(kind: number): void {
  a = Math.imul(kind, firstPrime);
  b = Math.imul(kind, secondPrime) ^ 0x5bd1e995;
}

/** Multiplying carries a difference to higher bits alone: the rotation brings it back to the lower ones. */
function word(x: number): void {
  const m = Math.imul(a ^ x, firstPrime);
  const n = Math.imul(b ^ x, secondPrime);
  a = (m << 15) | (m >>> 17);
  b = (n << 13) | (n >>> 19);
}

/** UTF-16 code units, two at a time, with their number, so that no two sequences of texts look alike. */
function text(s: string): void {
  const { length } = s;
  let m = a ^ tag.text;
  let n = b ^ length;
  for (let i = 1; i < length; i += 2) {
    const x = s.charCodeAt(i - 1) | (s.charCodeAt(i) << 16);
    m = Math.imul(m ^ x, firstPrime);
    n = Math.imul(n ^ x, secondPrime);
    m = (m << 15) | (m >>> 17);
    n = (n << 13) | (n >>> 19);
  }
  if (length % 2 === 1) {
    const x = s.charCodeAt(length - 1);
    m ^= x;
    n ^= x;
  }
  a = Math.imul(m ^ length, firstPrime);
  b = Math.imul(n ^ tag.text, secondPrime);
}

/** Whatever JSON can hold that is no list or object; −0, which it writes as 0, is 0. */
function value(x: unknown): void {
  if (typeof x === 'number') {
    const whole = x | 0;
    if (whole === x) word(whole);
    else {
      float[0] = x;
      word(tag.float);
      word(halves[0]!);
      word(halves[1]!);
    }
  } else if (typeof x === 'string') text(x);
  else word(x === true ? yes : x === false ? no : none);
}

/** The last step of MurmurHash3 (Appleby): each bit of what came in changes about half of those that come out. */
function avalanche(x: number): number {
  let h = x ^ (x >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function items(of: readonly TxItem[]): void {
  word(of.length);
  for (const item of of) {
    word(itemTypes[item.type]);
    text(item.key);
    if (item.type === 'put') value(item.value);
    else if (item.type === 'incr') value(item.by);
    else if (item.type === 'check') value(item.equals);
    else if (item.type === 'version') value(item.version);
  }
}

function reads(of: readonly TxRead[]): void {
  word(of.length);
  for (const [key, read, version] of of) {
    text(key);
    value(read);
    value(version);
  }
}

function hashRow(name: string, row: Row): void {
  begin(tag.row);
  word(kinds[row.kind]);
  text(name);
  switch (row.kind) {
    case 'lock':
      value(row.permits);
      word(row.holders.length);
      for (const { ticket, token, ttl, renewed } of row.holders) {
        text(ticket);
        value(token);
        value(ttl);
        value(renewed);
      }
      word(row.queue.length);
      for (const { ticket, ttl } of row.queue) {
        text(ticket);
        value(ttl);
      }
      break;
    case 'fence':
      value(row.token);
      break;
    case 'record':
      word(row.keys.length);
      for (const key of row.keys) text(key);
      word(row.prepared.length);
      for (const [p, seq] of row.prepared) {
        value(p);
        value(seq);
      }
      break;
    default:
      value(row.at);
      value(row.seq);
      items(row.items);
      reads(row.reads);
      if (row.kind === 'prepared') value(row.anchor);
      else {
        word(row.others.length);
        for (const p of row.others) value(p);
      }
  }
}

/** The hash of an item. */
export interface Hash {
  readonly a: number;
  readonly b: number;
}

/** What is common to the hashes of a session and of its results, so that its id is hashed once. */
export function prefixOf(id: SessionId): Hash {
  begin(tag.session);
  text(id);
  return { a, b };
}

/** A cell that knows its hash, so that a text is not hashed again when it is replaced. As JSON it is a cell like any other. */
export class HashedCell implements Cell {
  readonly kind: Cell['kind'];
  readonly value: Cell['value'];
  readonly version: number;
  readonly #a: number;
  readonly #b: number;

  constructor(key: string, kind: Cell['kind'], held: Cell['value'], version: number) {
    this.kind = kind;
    this.value = held;
    this.version = version;
    begin(tag.cell);
    text(key);
    word(kind === 'counter' ? 1 : 2);
    value(held);
    value(version);
    this.#a = a;
    this.#b = b;
  }

  /** Adds its hash to a sum, or takes it away. */
  count(sum: DigestSum, by: 1 | -1): void {
    a = this.#a;
    b = this.#b;
    sum.add(by);
  }
}

/** A sum of hashes of items. `by`: 1 for an item that comes, −1 for one that goes. */
export class DigestSum {
  #a = 0;
  #b = 0;

  session(prefix: Hash, first: number, by: 1 | -1): void {
    ({ a, b } = prefix);
    word(tag.session);
    value(first);
    this.add(by);
  }

  result(prefix: Hash, n: number, result: OpResult, by: 1 | -1): void {
    ({ a, b } = prefix);
    word(tag.result);
    value(n);
    if (result.ok) {
      value(result.value);
      value(result.version);
    } else {
      text(result.code);
      text(result.message);
    }
    this.add(by);
  }

  /** `name`: without its kind. */
  row(name: string, row: Row, by: 1 | -1): void {
    hashRow(name, row);
    this.add(by);
  }

  /** Any two texts: for whoever sums up what is no state. */
  texts(name: string, held: string, by: 1 | -1): void {
    begin(0);
    text(name);
    text(held);
    this.add(by);
  }

  /** The item that was just hashed. */
  add(by: 1 | -1): void {
    this.#a = (this.#a + by * avalanche(a ^ (b >>> 7))) | 0;
    this.#b = (this.#b + by * avalanche(b ^ (a >>> 9))) | 0;
  }

  /** This sum and another one, as 16 hexadecimal digits. */
  with(other: DigestSum | null = null): string {
    return other === null ? hex(this.#a) + hex(this.#b) : hex(this.#a + other.#a) + hex(this.#b + other.#b);
  }
}

const hex = (x: number): string => (x >>> 0).toString(16).padStart(8, '0');

/** A snapshot's parts that its digest is of. */
export type Contents = Pick<Snapshot, 'cells' | 'sessions' | 'rows'>;

/** The digest of these contents, computed from nothing else but the checksum of the log. */
export function digestOf({ cells, sessions, rows }: Contents, chain = 0): StateDigest {
  const sum = new DigestSum();
  let results = 0;
  for (const [key, { kind, value: held, version }] of cells)
    new HashedCell(key, kind, held, version).count(sum, 1);
  for (const [id, session] of sessions) {
    const prefix = prefixOf(id);
    sum.session(prefix, session.first, 1);
    for (const [n, result] of session.results) sum.result(prefix, n, result, 1);
    results += session.results.length;
  }
  for (const [id, row] of rows) sum.row(id.slice(row.kind.length + 1), row, 1);
  const counts = { cells: cells.length, sessions: sessions.length, results, rows: rows.length };
  return { hash: sum.with(), ...counts, chain };
}

/** What contradicts a digest in contents that are said to have it; null: nothing. */
export function mismatch(said: StateDigest, contents: Contents): string | null {
  const found = digestOf(contents);
  for (const what of ['cells', 'sessions', 'results', 'rows'] as const)
    if (found[what] !== said[what]) return `it has ${found[what]} ${what}, and should have ${said[what]}`;
  return found.hash === said.hash ? null : `its digest is ${found.hash}, and should be ${said.hash}`;
}

/** A snapshot with the digest of what is in it. */
export const sealed = (snapshot: Omit<Snapshot, 'digest'>): Snapshot => ({
  ...snapshot,
  digest: digestOf(snapshot),
});

/** The state in which nothing has been applied. */
export const emptySnapshot = (gen = 0): Snapshot =>
  sealed({ gen, seq: 0, epoch: 0, cells: [], sessions: [], rows: [] });
