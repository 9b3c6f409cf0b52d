import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lmdbDamage } from '../../src/storage/lmdb-verify.js';
import { branchPage, freeList, leafPage } from './lmdb-pages.js';
import {
  all,
  big,
  branch,
  children,
  damage,
  data,
  type Edit,
  type Found,
  folder,
  freeLeaf,
  freeTree,
  inNode,
  left,
  lists,
  mainTree,
  meta,
  nodes,
  offset,
  right,
  rightNodes,
  sound,
  u16,
  u32,
  u64,
  withFolder,
} from './lmdb-sound.js';

withFolder();

const notLmdb = (what: string, page: number): readonly [string, number] => [
  `it is no LMDB file: ${what} of meta page ${page}`,
  offset(page),
];

describe('damage is found, and where', () => {
  const metas: readonly Found[] = [0, 1].flatMap((page): Found[] => [
    [`number ${page}`, u64(page, 0, 2), ...notLmdb('the number', page)],
    [`flag ${page}`, u16(page, 18, 0x40), ...notLmdb('the magic', page)],
    [`magic ${page}`, u32(page, 24, 0xbeefc0df), ...notLmdb('the magic', page)],
    [`version ${page}`, u32(page, 28, 3), ...notLmdb('the version', page)],
    [`page size ${page}`, u32(page, 48, 513), ...notLmdb('the page size', page)],
    [`small map ${page}`, u64(page, 40, 0), ...notLmdb('the map size', page)],
    [`large map ${page}`, u64(page, 40, 2 ** 46 + 4096), ...notLmdb('the map size', page)],
    [`odd map ${page}`, u64(page, 40, 8192 + 512), ...notLmdb('the map size', page)],
    [`flags of the free tree ${page}`, u16(page, 52, 0), ...notLmdb('the flags', page)],
    [`flags of the main tree ${page}`, u16(page, 100, 8), ...notLmdb('the flags', page)],
    [`transaction ${page}`, u64(page, 152, page === 0 ? 5 : 4), ...notLmdb('the transaction', page)],
    [`no page ${page}`, u64(page, 144, 0), ...notLmdb('the last page', page)],
    [`huge number ${page}`, u64(page, 144, 2n ** 53n), 'a number is out of range', null],
    [`free tree without a root ${page}`, u64(page, 88, 2n ** 64n - 1n), ...notLmdb('the free tree', page)],
    [`main tree without a root ${page}`, u64(page, 136, 2n ** 64n - 1n), ...notLmdb('the main tree', page)],
    [`main tree without depth ${page}`, u16(page, 102, 0), ...notLmdb('the main tree', page)],
    [`deep main tree ${page}`, u16(page, 102, 33), ...notLmdb('the main tree', page)],
    [`deep free tree ${page}`, u16(page, 54, 33), ...notLmdb('the free tree', page)],
  ]);
  const counts: readonly Found[] = (['free', 'main'] as const).flatMap((name, tree) =>
    (['branches', 'leaves', 'overflows', 'entries'] as const).map((what, i): Found => {
      const has = (name === 'free' ? freeTree : mainTree)[what];
      return [
        `${what} of the ${name} tree`,
        u64(meta, 48 + 48 * tree + 8 + 8 * i, has + 1),
        `the ${name} tree has ${has} ${what}, and should have ${has + 1}`,
        null,
      ];
    }),
  );
  const bad = (what: string, page: number): readonly [string, number] => [
    `page ${page} ${what}`,
    offset(page),
  ];
  const outOfRange = (page: number): readonly [string, null] => [`page ${page} is out of range`, null];
  const pages: readonly Found[] = [
    ['page sizes that differ', u32(meta, 48, 1024), 'its meta pages differ in the page size', 0],
    ['as deep as can be', u16(meta, 102, 32), ...bad('is of another kind', left)],
    ['a root that is a meta page', u64(meta, 136, 1), ...outOfRange(1)],
    ['a root after the last page', u64(meta, 136, 11), ...outOfRange(11)],
    ['a child far away', inNode(branch, 1, 4, 1), ...outOfRange(2 ** 32 + right)],
    [
      'a value that ends after the last page',
      (f) => {
        f.nodes(left, 3, leafPage, [
          { key: 'aa', data },
          { key: 'b', big: { first: 10, pages: 2, size: 489 } },
        ]);
      },
      ...outOfRange(10),
    ],
    [
      'a page in two places',
      (f) =>
        void f.nodes(branch, 3, branchPage, [
          { key: '', child: left },
          { key: 'm', child: left },
        ]),
      ...bad('is used twice', left),
    ],
    ['a page with another number', u64(left, 0, 4), ...bad('has another number', left)],
    ['a leaf newer than its branch', u64(left, 8, 4), ...bad('is newer than what leads to it', left)],
    ['a root newer than the meta page', u64(branch, 8, 4), ...bad('is newer than what leads to it', branch)],
    ['a leaf as a branch', u16(left, 18, branchPage), ...bad('is of another kind', left)],
    ['a branch as a leaf', u16(branch, 18, leafPage), ...bad('is of another kind', branch)],
    ['a leaf with nothing', nodes(right, leafPage, []), ...bad('is empty', right)],
    ['a branch with one child', nodes(branch, branchPage, children.slice(0, 1)), ...bad('is empty', branch)],
    [
      'keys in another order',
      nodes(right, leafPage, rightNodes.toReversed()),
      'the keys of page 4 are out of order',
      offset(right),
    ],
    [
      'a key twice',
      nodes(right, leafPage, [
        { key: 'n', data },
        { key: 'n', data },
      ]),
      'the keys of page 4 are out of order',
      offset(right),
    ],
    [
      'keys of a branch in another order',
      nodes(branch, branchPage, [...children, { key: 'e', child: 8 }]),
      ...bad('has keys of another page', right),
    ],
    [
      'free keys in another order',
      nodes(freeLeaf, leafPage, lists.toReversed()),
      'the keys of page 7 are out of order',
      offset(freeLeaf),
    ],
    [
      'a free key twice',
      nodes(freeLeaf, leafPage, [
        { key: 1, data: freeList([8]) },
        { key: 1, data: freeList([9]) },
      ]),
      'the keys of page 7 are out of order',
      offset(freeLeaf),
    ],
    [
      'a short free key',
      nodes(freeLeaf, leafPage, [{ key: 'x', data: freeList([8]) }]),
      ...bad('has a key of another kind', freeLeaf),
    ],
    [
      'a key that belongs to the left',
      nodes(right, leafPage, [{ key: 'lz', data }]),
      ...bad('has keys of another page', right),
    ],
    [
      'a key that belongs to the right',
      nodes(left, leafPage, [{ key: 'm', data }]),
      ...bad('has keys of another page', left),
    ],
    ['odd bounds', u16(right, 20, 3), ...bad('has no sensible bounds', right)],
    ['bounds that cross', u16(right, 22, 2), ...bad('has no sensible bounds', right)],
    ['bounds after the end', u16(right, 22, 490), ...bad('has no sensible bounds', right)],
    ['a node before the bound', u16(right, 24, 4), ...bad('has a node out of bounds', right)],
    ['a node at an odd place', u16(right, 24, 487 - 10), ...bad('has a node out of bounds', right)],
    ['a node at the end', u16(right, 24, 482), ...bad('has a node out of bounds', right)],
    ['a node of another kind', inNode(right, 0, 4, 2), ...bad('has a node of another kind', right)],
    ['a value that is too long', inNode(right, 0, 0, 5), ...bad('has a node out of bounds', right)],
    ['a gap', inNode(right, 0, 0, 1), 'the nodes of page 4 do not fill it', offset(right)],
    [
      'a node twice',
      (f) => {
        f.nodes(right, 3, leafPage, [
          { key: 'm', data },
          { key: 'n', data },
        ]);
        f.u16(right, 26, f.page(right).readUInt16LE(24));
      },
      ...bad('has a node twice', right),
    ],
    ['a value of another size', inNode(left, 1, 0, 488), ...bad('has a value of another size', left)],
    ['a longer value', inNode(left, 1, 0, 1001), ...bad('has a value of another size', left)],
    ['another page in place of a value', u16(big, 18, leafPage), ...bad('is of another kind', big)],
    ['a value of fewer pages', u32(big, 20, 1), ...bad('is of another kind', big)],
    ['a newer value', u64(big, 8, 4), ...bad('is of another kind', big)],
  ];
  const free = (...words: readonly number[]): Edit =>
    all(nodes(freeLeaf, leafPage, [{ key: 1, data: freeList(words) }]), u64(meta, 48 + 32, 1));
  const only = (list: Buffer): Edit =>
    all(nodes(freeLeaf, leafPage, [{ key: 1, data: list }]), u64(meta, 48 + 32, 1));
  const freePages: readonly Found[] = [
    ['a list without its length', only(Buffer.alloc(7)), 'a list of free pages has another length', null],
    [
      'a list that is too short',
      only(freeList([8, 9, 10], 4)),
      'a list of free pages has another length',
      null,
    ],
    ['two lengths', free(-2, -2, 8), 'a list of free pages is damaged', null],
    ['a length without a page', free(-2, 0, 8), 'a list of free pages is damaged', null],
    ['a length at the end', free(8, -2), 'a list of free pages is cut short', null],
    ['a meta page', free(1), 'free page 1 is out of range', null],
    ['a page after the last', free(11), 'free page 11 is out of range', null],
    ['pages after the last', free(-2, 10), 'free page 10 is out of range', null],
    ['a page in use', free(-3, 7), 'free page 7 is in use', offset(freeLeaf)],
    ['a page twice', free(9, -2, 8), 'free page 9 is in use', offset(9)],
  ];
  test.each([...metas, ...counts, ...pages, ...freePages])('%s', (_, edit, message, at) => {
    const file = sound();
    edit(file);
    expect(damage(file.bytes)).toEqual({ message, offset: at });
  });

  test('where the file was cut', () => {
    const { bytes } = sound();
    for (const [length, message, at] of [
      [1, 'the file is cut short', 0],
      [167, 'the file is cut short', 0],
      [512 + 167, 'the file is cut short', 512],
      [3 * 512, 'the file is cut short', offset(left)],
      [4 * 512 - 1, 'the file is cut short', offset(left)],
      [6 * 512, 'the file is cut short', offset(big)],
    ] as const)
      expect(damage(bytes, length), `${length}`).toEqual({ message, offset: at });
    const file = sound();
    free(-2, 9)(file);
    const last = sound();
    free(8, 9)(last);
    expect(damage(last.bytes, 10 * 512)).toEqual({ message: 'the file ends before page 10', offset: null });
    for (const length of [8 * 512, 9 * 512 - 1])
      expect(damage(file.bytes, length)).toEqual({ message: 'the file ends before page 8', offset: null });
  });

  test('a folder is no file', () => {
    fs.mkdirSync(join(folder.path, 'sub'));
    expect(lmdbDamage(join(folder.path, 'sub'))).toMatchObject({
      message: expect.stringMatching(/it is a folder, not a file/),
      offset: null,
    });
  });
});
