/** Builds LMDB files page by page, sound ones and others, as src/storage/lmdb-verify.ts describes their format. */

export const leafPage = 2;
export const branchPage = 1;

/** A node of a page: of a leaf with its data, or with the overflow pages that hold it; of a branch with its child. */
export interface PageNode {
  readonly key: string | number;
  readonly data?: Buffer;
  readonly big?: { readonly first: number; readonly pages: number; readonly size: number };
  readonly child?: number;
}

export interface TreeFields {
  readonly depth: number;
  readonly branches: number;
  readonly leaves: number;
  readonly overflows: number;
  readonly entries: number;
  /** Null: the tree is empty. */
  readonly root: number | null;
}

export const emptyTree: TreeFields = {
  depth: 0,
  branches: 0,
  leaves: 0,
  overflows: 0,
  entries: 0,
  root: null,
};

/** A list of free pages as the free tree holds it: how many words follow, and these. */
export function freeList(words: readonly number[], count = words.length): Buffer {
  const list = Buffer.alloc(8 + 8 * words.length);
  list.writeBigUInt64LE(BigInt(count), 0);
  words.forEach((word, i) => void list.writeBigInt64LE(BigInt(word), 8 + 8 * i));
  return list;
}

/** A file of pages of `size` bytes each, all zeros at first. */
export class Pages {
  readonly bytes: Buffer<ArrayBuffer>;

  constructor(
    count: number,
    readonly size = 512,
  ) {
    this.bytes = Buffer.alloc(count * size);
  }

  page(number: number): Buffer {
    return this.bytes.subarray(number * this.size, (number + 1) * this.size);
  }

  /** Writes a number of 64 bits at an offset of a page. */
  u64(page: number, at: number, value: number | bigint): void {
    this.page(page).writeBigUInt64LE(BigInt(value), at);
  }

  u32(page: number, at: number, value: number): void {
    this.page(page).writeUInt32LE(value, at);
  }

  u16(page: number, at: number, value: number): void {
    this.page(page).writeUInt16LE(value, at);
  }

  header(page: number, transaction: number, flags: number): void {
    this.u64(page, 0, page);
    this.u64(page, 8, transaction);
    this.u16(page, 18, flags);
  }

  meta(page: 0 | 1, transaction: number, lastPage: number, free: TreeFields, main: TreeFields): void {
    this.header(page, 0, 8);
    this.u32(page, 24, 0xbeefc0de);
    this.u32(page, 28, 2);
    this.u64(page, 40, 1024 * 1024);
    this.u32(page, 48, this.size);
    this.u16(page, 52, 8);
    this.u64(page, 144, lastPage);
    this.u64(page, 152, transaction);
    this.tree(page, 48, free);
    this.tree(page, 96, main);
  }

  tree(page: number, at: number, { depth, branches, leaves, overflows, entries, root }: TreeFields): void {
    this.u16(page, at + 6, depth);
    [branches, leaves, overflows, entries].forEach((value, i) => void this.u64(page, at + 8 + 8 * i, value));
    this.u64(page, at + 40, root ?? 0xffff_ffff_ffff_ffffn);
  }

  /** A page of a tree with these nodes, which fill it from its end; gives where each begins. */
  nodes(page: number, transaction: number, flags: number, nodes: readonly PageNode[]): number[] {
    this.header(page, transaction, flags);
    let upper = this.size - 24;
    const places = nodes.map((node, i) => {
      const key = keyOf(node.key);
      const big = node.big === undefined ? null : Buffer.alloc(24);
      if (node.big !== undefined && big !== null) {
        big.writeBigUInt64LE(BigInt(node.big.first), 0);
        big.writeBigUInt64LE(BigInt(node.big.pages), 16);
      }
      const data = big ?? node.data ?? Buffer.alloc(0);
      upper -= (8 + key.length + data.length + 1) & ~1;
      const at = 24 + upper;
      this.u32(page, at, node.child ?? node.big?.size ?? data.length);
      this.u16(page, at + 4, big === null ? 0 : 1);
      this.u16(page, at + 6, key.length);
      key.copy(this.page(page), at + 8);
      data.copy(this.page(page), at + 8 + key.length);
      this.u16(page, 24 + 2 * i, upper);
      return at;
    });
    this.u16(page, 20, 2 * nodes.length);
    this.u16(page, 22, upper);
    return places;
  }

  overflow(page: number, transaction: number, pages: number, data: Buffer = Buffer.alloc(0)): void {
    this.header(page, transaction, 4);
    this.u32(page, 20, pages);
    data.copy(this.bytes, page * this.size + 24);
  }
}

/** Keys of the free tree are numbers of 64 bits. */
function keyOf(key: string | number): Buffer {
  if (typeof key === 'string') return Buffer.from(key, 'latin1');
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(key), 0);
  return bytes;
}
