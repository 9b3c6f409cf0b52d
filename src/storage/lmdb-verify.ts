/**
 * Verifies the structure of an LMDB file before LMDB maps it: the library trusts what it finds, and ends the process (SIGSEGV, SIGABRT,
 * SIGBUS) when a page number, size or offset in it is wrong. Reads the file as files are read, so that an unreadable sector is an error,
 * too, and not a signal. Says nothing of what the rows hold: that is for their checksums and digests.
 *
 * Format of lmdb.js 3 (mdb.c, data version 2), little endian; offsets in bytes:
 *
 *     page     0 number (u64) · 8 transaction (u64) · 18 flags (u16) · 20 lower, upper (u16 each) or pages of overflow (u32) · 24 offsets
 *     meta     page and 24 magic · 28 version · 40 map size · 48 free tree · 96 main tree · 144 last page · 152 transaction
 *     tree     0 page size or 0 (u32) · 4 flags · 6 depth (u16) · 8 branch, leaf, overflow pages, entries, root (u64 each)
 *     node     0 size of data, or low word of child (u32) · 4 flags, or its high word · 6 size of key (u16) · 8 key · data
 *     free     number of words that follow (u64) · words (i64): 0 · page · −n, and the first of n pages
 */
import * as fs from 'node:fs';
import { codeOf } from '../files/contract.js';
import { isNoFile, openRegularSync } from '../files/whole.js';

const HEADER = 24;
const NODE = 8;
const BRANCH = 1;
const LEAF = 2;
const OVERFLOW = 4;
const META = 8;
const BIG = 1;
const MAGIC = 0xbeefc0de;
const VERSION = 2;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;
/** What `open()` of lmdb-checkpoint.ts makes: keys of the free tree are integers, those of the main tree bytes. */
const INTEGER_KEYS = 8;
/** Longer keys are of another writer. */
const MAX_KEY = 1978;
/** A file is read whole when it is at most this long, in bytes. */
const WHOLE = 64 * 1024 * 1024;

class Damaged extends Error {
  constructor(
    message: string,
    readonly offset: number | null,
  ) {
    super(message);
  }
}

interface Tree {
  readonly name: 'free' | 'main';
  readonly depth: number;
  readonly branches: number;
  readonly leaves: number;
  readonly overflows: number;
  readonly entries: number;
  readonly root: number | null;
}

interface Meta {
  readonly page: number;
  readonly pageSize: number;
  readonly lastPage: number;
  readonly transaction: number;
  readonly free: Tree;
  readonly main: Tree;
}

/** What is wrong with the file, and where; null: nothing. An empty or missing file is a new one. Throws as the disk does. */
export function lmdbDamage(
  path: string,
): { readonly message: string; readonly offset: number | null } | null {
  let fd: number;
  let size: number;
  try {
    ({ fd, bytes: size } = openRegularSync(path));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    if (isNoFile(error)) return { message: (error as Error).message, offset: null };
    throw error;
  }
  try {
    if (size > 0) new Verifier(fd, size).run();
    return null;
  } catch (error) {
    if (!(error instanceof Damaged)) throw error;
    return error;
  } finally {
    fs.closeSync(fd);
  }
}

/** What a tree turned out to have. */
interface Counts {
  branches: number;
  leaves: number;
  overflows: number;
  entries: number;
}

class Verifier {
  private readonly whole: Buffer | null;
  /** By page: 1 in a tree, 2 free. */
  private readonly used: Uint8Array;
  private readonly meta: Meta;

  constructor(
    private readonly fd: number,
    private readonly size: number,
  ) {
    this.whole = size <= WHOLE ? fs.readFileSync(fd) : null;
    this.meta = this.newest();
    const { lastPage, pageSize } = this.meta;
    // Page numbers up to the end of the file need room; those after it are free, and few.
    if (lastPage > 2 * (size / pageSize) + 65_536) this.fail(`its last page is ${lastPage}`, this.meta.page);
    this.used = new Uint8Array(lastPage + 1);
  }

  run(): void {
    const { free, main, lastPage, pageSize } = this.meta;
    this.tree(main, () => {});
    const lists: Buffer[] = [];
    this.tree(free, (data) => lists.push(data));
    this.freePages(lists);
    for (let page = Math.floor(this.size / pageSize); page <= lastPage; page++)
      if (this.used[page] !== 2) this.fail(`the file ends before page ${page}`, null);
  }

  private fail(message: string, page: number | null): never {
    throw new Damaged(message, page === null ? null : page * (this.meta?.pageSize ?? 0));
  }

  private bytes(at: number, length: number): Buffer {
    if (at + length > this.size) throw new Damaged('file is truncated', at);
    if (this.whole !== null) return this.whole.subarray(at, at + length);
    const buffer = Buffer.allocUnsafe(length);
    for (let read = 0; read < length; ) {
      const more = fs.readSync(this.fd, buffer, read, length - read, at + read);
      if (more === 0) throw new Damaged('file is truncated', at + read);
      read += more;
    }
    return buffer;
  }

  private newest(): Meta {
    const first = this.metaAt(0, 0);
    const second = this.metaAt(1, first.pageSize);
    if (second.pageSize !== first.pageSize) throw new Damaged('meta pages disagree on the page size', 0);
    return second.transaction > first.transaction ? second : first;
  }

  private metaAt(page: number, at: number): Meta {
    const wrong = (what: string): never => {
      throw new Damaged(`not an LMDB file: invalid ${what} in meta page ${page}`, at);
    };
    const b = this.bytes(at, 168);
    if (number(b, 0) !== page) wrong('page number');
    if ((b.readUInt16LE(18) & META) === 0 || b.readUInt32LE(24) !== MAGIC) wrong('magic number');
    if ((b.readUInt32LE(28) & 0xffff) !== VERSION) wrong('version');
    const pageSize = b.readUInt32LE(48);
    if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) wrong('page size');
    const mapSize = number(b, 40);
    if (mapSize < 2 * pageSize || mapSize > 2 ** 46 || mapSize % 4096 !== 0) wrong('map size');
    if (b.readUInt16LE(52) !== INTEGER_KEYS || b.readUInt16LE(100) !== 0) wrong('flags');
    const transaction = number(b, 152);
    // Transaction n writes meta page n % 2.
    if (transaction % 2 !== page && transaction !== 0) wrong('transaction ID');
    const lastPage = number(b, 144);
    if (lastPage < 1) wrong('last page');
    const tree = (name: Tree['name'], from: number): Tree => {
      const root = b.readBigUInt64LE(from + 40) === NO_PAGE ? null : number(b, from + 40);
      const depth = b.readUInt16LE(from + 6);
      if ((root === null) !== (depth === 0) || depth > 32) wrong(`${name} tree`);
      const counts = [8, 16, 24, 32].map((offset) => number(b, from + offset));
      const [branches = 0, leaves = 0, overflows = 0, entries = 0] = counts;
      return { name, depth, branches, leaves, overflows, entries, root };
    };
    return { page, pageSize, lastPage, transaction, free: tree('free', 48), main: tree('main', 96) };
  }

  /** Marks a run of pages as in use, and gives their bytes. */
  private take(page: number, count: number): Buffer {
    const { lastPage, pageSize } = this.meta;
    if (page < 2 || page + count - 1 > lastPage) this.fail(`page ${page} is out of range`, null);
    for (let i = page; i < page + count; i++) {
      if (this.used[i] !== 0) this.fail(`page ${i} is used twice`, i);
      this.used[i] = 1;
    }
    const bytes = this.bytes(page * pageSize, count * pageSize);
    if (number(bytes, 0) !== page) this.fail(`page ${page} has the wrong number`, page);
    return bytes;
  }

  private tree(tree: Tree, onData: (data: Buffer) => void): void {
    const found: Counts = { branches: 0, leaves: 0, overflows: 0, entries: 0 };
    if (tree.root !== null) this.page(tree, tree.root, 1, this.meta.transaction, null, null, found, onData);
    for (const what of ['branches', 'leaves', 'overflows', 'entries'] as const)
      if (found[what] !== tree[what])
        this.fail(`${what} of the ${tree.name} tree: expected ${tree[what]}, got ${found[what]}`, null);
  }

  /** Keys of the page are from `from` on, and below `to`. `newest`: the transaction of its parent, which it cannot be newer than. */
  private page(
    tree: Tree,
    page: number,
    depth: number,
    newest: number,
    from: Buffer | null,
    to: Buffer | null,
    found: Counts,
    onData: (data: Buffer) => void,
  ): void {
    const b = this.take(page, 1);
    const transaction = number(b, 8);
    if (transaction > newest) this.fail(`page ${page} is newer than its parent`, page);
    const isLeaf = depth === tree.depth;
    if (b.readUInt16LE(18) !== (isLeaf ? LEAF : BRANCH)) this.fail(`page ${page} has the wrong type`, page);
    const nodes = this.nodes(b, page, isLeaf);
    if (nodes.length < (isLeaf ? 1 : 2)) this.fail(`page ${page} is empty`, page);
    if (isLeaf) found.leaves++;
    else found.branches++;
    let before: Buffer | null = null;
    for (const [i, at] of nodes.entries()) {
      const key = b.subarray(at + NODE, at + NODE + b.readUInt16LE(at + 6));
      // The first key of a branch page is not looked at: it stands for everything below the second.
      if (isLeaf || i > 0) {
        const compare = tree.name === 'free' ? compareIntegers : Buffer.compare;
        if (tree.name === 'free' && key.length !== 8)
          this.fail(`page ${page} has a key of the wrong type`, page);
        if (before !== null && compare(before, key) >= 0)
          this.fail(`the keys of page ${page} are out of order`, page);
        if ((from !== null && compare(key, from) < 0) || (to !== null && compare(key, to) >= 0))
          this.fail(`page ${page} has keys outside its range`, page);
        before = key;
      }
      if (isLeaf) {
        found.entries++;
        onData(this.data(b, at, key.length, page, transaction, found));
        continue;
      }
      const child = b.readUInt32LE(at) + b.readUInt16LE(at + 4) * 2 ** 32;
      const next = nodes[i + 1];
      const end = next === undefined ? to : b.subarray(next + NODE, next + NODE + b.readUInt16LE(next + 6));
      this.page(tree, child, depth + 1, transaction, i === 0 ? from : key, end, found, onData);
    }
  }

  /** Where the nodes of a page are: they fill it from `upper` to its end, without gaps. */
  private nodes(b: Buffer, page: number, isLeaf: boolean): number[] {
    const room = b.length - HEADER;
    const lower = b.readUInt16LE(20);
    const upper = b.readUInt16LE(22);
    if (lower % 2 !== 0 || lower > upper || upper > room) this.fail(`page ${page} has invalid bounds`, page);
    const nodes: number[] = [];
    let filled = 0;
    for (let i = 0; i < lower; i += 2) {
      const offset = b.readUInt16LE(HEADER + i);
      if (offset < upper || offset % 2 !== 0 || offset + NODE > room)
        this.fail(`page ${page} has a node out of bounds`, page);
      const at = HEADER + offset;
      const keySize = b.readUInt16LE(at + 6);
      const flags = isLeaf ? b.readUInt16LE(at + 4) : 0;
      if ((flags & ~BIG) !== 0) this.fail(`page ${page} has a node of the wrong type`, page);
      const dataSize = !isLeaf ? 0 : (flags & BIG) !== 0 ? HEADER : b.readUInt32LE(at);
      const size = NODE + keySize + dataSize;
      if (keySize > MAX_KEY || offset + size > room) this.fail(`page ${page} has a node out of bounds`, page);
      filled += (size + 1) & ~1;
      nodes.push(at);
    }
    if (filled !== room - upper) this.fail(`page ${page} has a gap between nodes`, page);
    const sorted = nodes.toSorted((x, y) => x - y);
    for (let i = 1; i < sorted.length; i++)
      if (sorted[i] === sorted[i - 1]) this.fail(`page ${page} has overlapping nodes`, page);
    return nodes;
  }

  private data(b: Buffer, at: number, keySize: number, page: number, newest: number, found: Counts): Buffer {
    const from = at + NODE + keySize;
    const size = b.readUInt32LE(at);
    if ((b.readUInt16LE(at + 4) & BIG) === 0) return b.subarray(from, from + size);
    const first = number(b, from);
    const pages = number(b, from + 16);
    if (pages !== Math.floor((HEADER - 1 + size) / this.meta.pageSize) + 1)
      this.fail(`page ${page} has a value of the wrong size`, page);
    const bytes = this.take(first, pages);
    if (
      (bytes.readUInt16LE(18) & ~META) !== OVERFLOW ||
      bytes.readUInt32LE(20) !== pages ||
      number(bytes, 8) > newest
    )
      this.fail(`page ${first} has the wrong type`, first);
    found.overflows += pages;
    return bytes.subarray(HEADER, HEADER + size);
  }

  /** A page that is free and in use would be written over. */
  private freePages(lists: readonly Buffer[]): void {
    let length = 0;
    for (const list of lists) {
      const count = list.length < 8 ? -1 : number(list, 0);
      if (count < 0 || 8 + count * 8 > list.length) this.fail('a free-page list has the wrong length', null);
      for (let i = 1; i <= count; i++) {
        const word = Number(list.readBigInt64LE(i * 8));
        if (word < 0 && length === 0) length = -word;
        else if (word > 0) {
          this.free(word, Math.max(1, length));
          length = 0;
        } else if (length !== 0) this.fail('a free-page list is damaged', null);
      }
    }
    if (length !== 0) this.fail('a free-page list is truncated', null);
  }

  private free(page: number, count: number): void {
    if (page < 2 || page + count - 1 > this.meta.lastPage)
      this.fail(`free page ${page} is out of range`, null);
    for (let i = page; i < page + count; i++) {
      if (this.used[i] !== 0) this.fail(`free page ${i} is in use`, i);
      this.used[i] = 2;
    }
  }
}

function compareIntegers(x: Buffer, y: Buffer): number {
  const a = x.readBigUInt64LE(0);
  const b = y.readBigUInt64LE(0);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A number of 64 bits; one beyond 2^53 is damage. */
function number(b: Buffer, at: number): number {
  const value = Number(b.readBigUInt64LE(at));
  if (!Number.isSafeInteger(value)) throw new Damaged('a number is out of range', null);
  return value;
}
