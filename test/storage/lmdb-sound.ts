/** A sound LMDB file, what may be changed in it, and what is found then. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { lmdbDamage } from '../../src/storage/lmdb-verify.js';
import { type Folder, temporaryFolder } from './folder.js';
import { branchPage, freeList, leafPage, type PageNode, Pages } from './lmdb-pages.js';

export let folder: Folder;

/** Gives the tests of a file a folder, which goes with them. */
export function withFolder(): void {
  beforeAll(() => {
    folder = temporaryFolder();
    fs.mkdirSync(folder.path, { recursive: true });
  });
  afterAll(() => folder.remove());
}

/** What is found in a file of these bytes. */
export function damage(bytes: Buffer, length = bytes.length): ReturnType<typeof lmdbDamage> {
  const path = join(folder.path, 'data.mdb');
  fs.writeFileSync(path, bytes.subarray(0, length));
  if (length > bytes.length) fs.truncateSync(path, length);
  const found = lmdbDamage(path);
  return found === null ? null : { message: found.message, offset: found.offset };
}

export const meta = 1;
export const branch = 2;
export const left = 3;
export const right = 4;
export const big = 5;
export const freeLeaf = 7;
export const mainTree = { depth: 2, branches: 1, leaves: 2, overflows: 2, entries: 4, root: branch };
export const freeTree = { depth: 1, branches: 0, leaves: 1, overflows: 0, entries: 2, root: freeLeaf };
/** Two pages hold a value of this size. */
export const bigNode: PageNode = { key: 'b', big: { first: big, pages: 2, size: 489 } };
export const data = Buffer.from('xyz');
export const leftNodes: readonly PageNode[] = [{ key: 'aa', data }, bigNode];
export const rightNodes: readonly PageNode[] = [
  { key: 'm', data },
  { key: 'n', data: Buffer.alloc(0) },
];
export const children: readonly PageNode[] = [
  { key: '', child: left },
  { key: 'm', child: right },
];
/** In the order of numbers, which is not that of their bytes. The second list has room for more than it says. */
export const lists: readonly PageNode[] = [
  { key: 1, data: freeList([8]) },
  { key: 256, data: freeList([0, -2, 9, 0], 3) },
];

/** A sound file: a branch and two leaves, a value in pages of its own, and three pages that are free. */
export function sound(): Pages {
  const file = new Pages(11);
  file.meta(0, 2, 10, freeTree, mainTree);
  file.meta(1, 3, 10, freeTree, mainTree);
  file.nodes(branch, 3, branchPage, children);
  file.nodes(left, 3, leafPage, leftNodes);
  file.nodes(right, 2, leafPage, rightNodes);
  file.overflow(big, 3, 2);
  file.nodes(freeLeaf, 3, leafPage, lists);
  return file;
}

/** Where a node of a page begins. */
export const nodeAt = (file: Pages, page: number, i: number): number =>
  24 + file.page(page).readUInt16LE(24 + 2 * i);

export type Edit = (file: Pages) => void;
export type Found = readonly [name: string, edit: Edit, message: string, offset: number | null];
export type Sound = readonly [name: string, edit: Edit];

export const u16 =
  (page: number, at: number, value: number): Edit =>
  (file) =>
    file.u16(page, at, value);
export const u32 =
  (page: number, at: number, value: number): Edit =>
  (file) =>
    file.u32(page, at, value);
export const u64 =
  (page: number, at: number, value: number | bigint): Edit =>
  (file) =>
    file.u64(page, at, value);
export const nodes =
  (page: number, flags: number, list: readonly PageNode[], transaction = 3): Edit =>
  (file) => {
    file.page(page).fill(0);
    file.nodes(page, transaction, flags, list);
  };
export const all =
  (...edits: readonly Edit[]): Edit =>
  (file) => {
    for (const edit of edits) edit(file);
  };
/** In a node of a page. */
export const inNode =
  (page: number, i: number, at: number, value: number): Edit =>
  (file) =>
    file.u16(page, nodeAt(file, page, i) + at, value);
export const offset = (page: number): number => page * 512;
