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
  `not an LMDB file: invalid ${what} in meta page ${page}`,
  offset(page),
];

describe('damage is found, and where', () => {
  const metas: readonly Found[] = [0, 1].flatMap((page): Found[] => [
    [`number ${page}`, u64(page, 0, 2), ...notLmdb('page number', page)],
    [`flag ${page}`, u16(page, 18, 0x40), ...notLmdb('magic number', page)],
    [`magic ${page}`, u32(page, 24, 0xbeefc0df), ...notLmdb('magic number', page)],
    [`version ${page}`, u32(page, 28, 3), ...notLmdb('version', page)],
    [`page size ${page}`, u32(page, 48, 513), ...notLmdb('page size', page)],
    [`small map ${page}`, u64(page, 40, 0), ...notLmdb('map size', page)],
    [`large map ${page}`, u64(page, 40, 2 ** 46 + 4096), ...notLmdb('map size', page)],
    [`odd map ${page}`, u64(page, 40, 8192 + 512), ...notLmdb('map size', page)],
    [`flags of the free tree ${page}`, u16(page, 52, 0), ...notLmdb('flags', page)],
    [`flags of the main tree ${page}`, u16(page, 100, 8), ...notLmdb('flags', page)],
    [`transaction ${page}`, u64(page, 152, page === 0 ? 5 : 4), ...notLmdb('transaction ID', page)],
    [`no page ${page}`, u64(page, 144, 0), ...notLmdb('last page', page)],
    [`huge number ${page}`, u64(page, 144, 2n ** 53n), 'a number is out of range', null],
    [`free tree without a root ${page}`, u64(page, 88, 2n ** 64n - 1n), ...notLmdb('free tree', page)],
    [`main tree without a root ${page}`, u64(page, 136, 2n ** 64n - 1n), ...notLmdb('main tree', page)],
    [`main tree without depth ${page}`, u16(page, 102, 0), ...notLmdb('main tree', page)],
    [`deep main tree ${page}`, u16(page, 102, 33), ...notLmdb('main tree', page)],
    [`deep free tree ${page}`, u16(page, 54, 33), ...notLmdb('free tree', page)],
  ]);
  const counts: readonly Found[] = (['free', 'main'] as const).flatMap((name, tree) =>
    (['branches', 'leaves', 'overflows', 'entries'] as const).map((what, i): Found => {
      const has = (name === 'free' ? freeTree : mainTree)[what];
      return [
        `${what} of the ${name} tree`,
        u64(meta, 48 + 48 * tree + 8 + 8 * i, has + 1),
        `${what} of the ${name} tree: expected ${has + 1}, got ${has}`,
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
    ['page sizes that differ', u32(meta, 48, 1024), 'meta pages disagree on the page size', 0],
    ['as deep as can be', u16(meta, 102, 32), ...bad('has the wrong type', left)],
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
    ['a page with another number', u64(left, 0, 4), ...bad('has the wrong number', left)],
    ['a leaf newer than its branch', u64(left, 8, 4), ...bad('is newer than its parent', left)],
    ['a root newer than the meta page', u64(branch, 8, 4), ...bad('is newer than its parent', branch)],
    ['a leaf as a branch', u16(left, 18, branchPage), ...bad('has the wrong type', left)],
    ['a branch as a leaf', u16(branch, 18, leafPage), ...bad('has the wrong type', branch)],
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
      ...bad('has keys outside its range', right),
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
      ...bad('has a key of the wrong type', freeLeaf),
    ],
    [
      'a key that belongs to the left',
      nodes(right, leafPage, [{ key: 'lz', data }]),
      ...bad('has keys outside its range', right),
    ],
    [
      'a key that belongs to the right',
      nodes(left, leafPage, [{ key: 'm', data }]),
      ...bad('has keys outside its range', left),
    ],
    ['odd bounds', u16(right, 20, 3), ...bad('has invalid bounds', right)],
    ['bounds that cross', u16(right, 22, 2), ...bad('has invalid bounds', right)],
    ['bounds after the end', u16(right, 22, 490), ...bad('has invalid bounds', right)],
    ['a node before the bound', u16(right, 24, 4), ...bad('has a node out of bounds', right)],
    ['a node at an odd place', u16(right, 24, 487 - 10), ...bad('has a node out of bounds', right)],
    ['a node at the end', u16(right, 24, 482), ...bad('has a node out of bounds', right)],
    ['a node of another kind', inNode(right, 0, 4, 2), ...bad('has a node of the wrong type', right)],
    ['a value that is too long', inNode(right, 0, 0, 5), ...bad('has a node out of bounds', right)],
    ['a gap', inNode(right, 0, 0, 1), 'page 4 has a gap between nodes', offset(right)],
    [
      'a node twice',
      (f) => {
        f.nodes(right, 3, leafPage, [
          { key: 'm', data },
          { key: 'n', data },
        ]);
        f.u16(right, 26, f.page(right).readUInt16LE(24));
      },
      ...bad('has overlapping nodes', right),
    ],
    ['a value of another size', inNode(left, 1, 0, 488), ...bad('has a value of the wrong size', left)],
    ['a longer value', inNode(left, 1, 0, 1001), ...bad('has a value of the wrong size', left)],
    ['another page in place of a value', u16(big, 18, leafPage), ...bad('has the wrong type', big)],
    ['a value of fewer pages', u32(big, 20, 1), ...bad('has the wrong type', big)],
    ['a newer value', u64(big, 8, 4), ...bad('has the wrong type', big)],
  ];
  const free = (...words: readonly number[]): Edit =>
    all(nodes(freeLeaf, leafPage, [{ key: 1, data: freeList(words) }]), u64(meta, 48 + 32, 1));
  const only = (list: Buffer): Edit =>
    all(nodes(freeLeaf, leafPage, [{ key: 1, data: list }]), u64(meta, 48 + 32, 1));
  const freePages: readonly Found[] = [
    ['a list without its length', only(Buffer.alloc(7)), 'a free-page list has the wrong length', null],
    [
      'a list that is too short',
      only(freeList([8, 9, 10], 4)),
      'a free-page list has the wrong length',
      null,
    ],
    ['two lengths', free(-2, -2, 8), 'a free-page list is damaged', null],
    ['a length without a page', free(-2, 0, 8), 'a free-page list is damaged', null],
    ['a length at the end', free(8, -2), 'a free-page list is truncated', null],
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
      [1, 'file is truncated', 0],
      [167, 'file is truncated', 0],
      [512 + 167, 'file is truncated', 512],
      [3 * 512, 'file is truncated', offset(left)],
      [4 * 512 - 1, 'file is truncated', offset(left)],
      [6 * 512, 'file is truncated', offset(big)],
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
