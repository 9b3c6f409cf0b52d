import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lmdbDamage } from '../../src/storage/lmdb-verify.js';
import { branchPage, emptyTree, freeList, leafPage, Pages } from './lmdb-pages.js';
import {
  big,
  branch,
  damage,
  data,
  type Edit,
  type Found,
  folder,
  freeLeaf,
  freeTree,
  left,
  mainTree,
  meta,
  nodes,
  offset,
  right,
  type Sound,
  sound,
  u16,
  u32,
  u64,
  withFolder,
} from './lmdb-sound.js';

withFolder();

describe('a sound file', () => {
  test('is sound, as is one that is not there or has nothing in it', () => {
    expect(damage(sound().bytes)).toBeNull();
    expect(damage(Buffer.alloc(0))).toBeNull();
    expect(lmdbDamage(join(folder.path, 'another'))).toBeNull();
  });

  test('may end before pages that are free, and go on after its last page', () => {
    const { bytes } = sound();
    expect(damage(bytes, 8 * 512)).toBeNull();
    expect(damage(bytes, 8 * 512 + 511)).toBeNull();
    expect(damage(bytes, 20 * 512)).toBeNull();
  });

  test('is read in parts when it is large', () => {
    const file = sound();
    expect(damage(file.bytes, 65 * 1024 * 1024)).toBeNull();
    file.u64(right, 0, 3);
    expect(damage(file.bytes, 65 * 1024 * 1024)).toEqual({
      message: 'page 4 has the wrong number',
      offset: offset(right),
    });
  });

  const three: Edit = (file) => {
    // The first key of a branch is not looked at.
    file.nodes(branch, 3, branchPage, [
      { key: 'zz', child: 8 },
      { key: 'k', child: 9 },
    ]);
    file.nodes(8, 3, branchPage, [
      { key: 'zz', child: left },
      { key: 'c', child: right },
    ]);
    file.nodes(9, 3, branchPage, [
      { key: '', child: 10 },
      { key: 't', child: big },
    ]);
    for (const [page, key] of [
      [left, 'a'],
      [right, 'j'],
      [10, 'k'],
      [big, 't'],
    ] as const) {
      file.page(page).fill(0);
      file.nodes(page, 3, leafPage, [{ key, data }]);
    }
    file.meta(1, 3, 10, emptyTree, {
      depth: 3,
      branches: 3,
      leaves: 4,
      overflows: 0,
      entries: 4,
      root: branch,
    });
  };
  const accepted: readonly Sound[] = [
    ['the older meta page says anything of its trees', (f) => f.tree(0, 96, { ...mainTree, leaves: 9 })],
    [
      'the newer meta page is the first',
      (f) => {
        f.meta(0, 4, 10, freeTree, mainTree);
        f.tree(1, 96, emptyTree);
      },
    ],
    [
      'nothing was ever written',
      (f) => {
        f.meta(0, 0, 1, emptyTree, emptyTree);
        f.meta(1, 0, 1, emptyTree, emptyTree);
      },
    ],
    ['more flags of a meta page', u16(meta, 18, 8 | 0x40)],
    ['a version with more in its upper half', u32(meta, 28, 0x10002)],
    [
      'an empty list of free pages',
      nodes(freeLeaf, leafPage, [
        { key: 1, data: freeList([]) },
        { key: 2, data: freeList([-3, 8]) },
      ]),
    ],
    [
      'the first page after the meta pages is free',
      (f) => {
        f.meta(1, 3, 3, { ...freeTree, entries: 1, root: 3 }, emptyTree);
        f.nodes(3, 3, leafPage, [{ key: 1, data: freeList([2]) }]);
      },
    ],
    ['the largest map', u64(meta, 40, 2 ** 46)],
    ['the smallest map', u64(meta, 40, 4096)],
    ['a flag of pages of overflow', u16(big, 18, 4 | 8)],
    ['an older value in pages of its own', u64(big, 8, 2)],
    [
      'a value that just fits into one page',
      (f) => {
        f.nodes(left, 3, leafPage, [
          { key: 'aa', data },
          { key: 'b', big: { first: big, pages: 1, size: 488 } },
        ]);
        f.overflow(big, 3, 1);
        f.meta(1, 3, 10, freeTree, { ...mainTree, overflows: 1 });
      },
    ],
    [
      'a page without any room left',
      (f) => {
        // Two nodes of 10 bytes beside the data, and the places of both.
        f.nodes(right, 3, leafPage, [
          { key: 'm', data: Buffer.alloc(488 - 2 * 10 - 2 * 2) },
          { key: 'n', data: Buffer.alloc(0) },
        ]);
        if (f.page(right).readUInt16LE(22) !== 4) throw new Error('there is room');
      },
    ],
    ['three levels', three],
    [
      'a run of free pages that goes on in the next list',
      nodes(freeLeaf, leafPage, [
        { key: 1, data: freeList([8, -2]) },
        { key: 2, data: freeList([9]) },
      ]),
    ],
    [
      'a list of free pages in a page of its own, which is the last',
      (f) => {
        f.nodes(freeLeaf, 3, leafPage, [{ key: 1, big: { first: 10, pages: 1, size: 24 } }]);
        f.overflow(10, 3, 1, freeList([-2, 8]));
        f.meta(1, 3, 10, { ...freeTree, overflows: 1, entries: 1 }, mainTree);
      },
    ],
  ];
  test.each(accepted)('%s', (_, edit) => {
    const file = sound();
    edit(file);
    expect(damage(file.bytes)).toBeNull();
  });

  const bounds: readonly Found[] = [
    [
      'a left leaf below the root',
      nodes(right, leafPage, [{ key: 'k', data }]),
      'page 4 has keys outside its range',
      offset(right),
    ],
    [
      'a right leaf below the root',
      nodes(10, leafPage, [{ key: 'jz', data }]),
      'page 10 has keys outside its range',
      offset(10),
    ],
    [
      'a leaf below its branch',
      nodes(big, leafPage, [{ key: 's', data }]),
      'page 5 has keys outside its range',
      offset(big),
    ],
    [
      'a branch itself',
      nodes(8, branchPage, [
        { key: '', child: left },
        { key: 'l', child: right },
      ]),
      'page 8 has keys outside its range',
      offset(8),
    ],
  ];
  test.each(bounds)('keys of three levels are within those above: %s', (_, edit, message, at) => {
    const file = sound();
    three(file);
    edit(file);
    expect(damage(file.bytes)).toEqual({ message, offset: at });
  });

  test('may have as many free pages after its end as are worth remembering, and no more', () => {
    for (const [more, found] of [
      [0, null],
      [1, { message: 'its last page is 65553', offset: offset(meta) }],
    ] as const) {
      const file = sound();
      const last = 2 * 8 + 65_536 + more;
      file.nodes(freeLeaf, 3, leafPage, [{ key: 1, data: freeList([-(last - 7), 8]) }]);
      file.meta(1, 3, last, { ...freeTree, entries: 1 }, mainTree);
      expect(damage(file.bytes, 8 * 512)).toEqual(found);
    }
  });

  test('has pages of 512 to 65,536 bytes, and keys of at most 1,978', () => {
    const file = (size: number, mapSize: number, keySize: number): Buffer<ArrayBuffer> => {
      const pages = new Pages(3, size);
      const main = { ...emptyTree, depth: 1, leaves: 1, entries: 1, root: 2 };
      for (const page of [0, 1] as const) {
        pages.meta(page, page, 2, emptyTree, page === 1 ? main : emptyTree);
        pages.u64(page, 40, mapSize);
      }
      pages.nodes(2, 1, leafPage, [{ key: 'k'.repeat(keySize), data }]);
      return pages.bytes;
    };
    const no = (what: string): unknown => ({
      message: `not an LMDB file: invalid ${what} in meta page 0`,
      offset: 0,
    });
    expect(damage(file(65_536, 131_072, 1978))).toBeNull();
    expect(damage(file(65_536, 131_072, 1979))).toEqual({
      message: 'page 2 has a node out of bounds',
      offset: 131_072,
    });
    expect(damage(file(65_536, 126_976, 1))).toEqual(no('map size'));
    const large = file(65_536, 2 ** 20, 1);
    large.writeUInt32LE(131_072, 48);
    expect(damage(large)).toEqual(no('page size'));
    expect(damage(file(256, 2 ** 20, 1))).toEqual(no('page size'));
    expect(damage(file(1000, 2 ** 20, 1))).toEqual(no('page size'));
  });
});
