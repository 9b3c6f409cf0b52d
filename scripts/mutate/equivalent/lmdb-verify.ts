import type { Equivalent } from './types.js';

export const lmdbVerify: Equivalent = {
  '14509679': ['lmdb-verify.ts: word < 0 && length === 0 → word < 1', 'A length of 0 is none.'],
  f17240ee: [
    'lmdb-verify.ts: this.meta?.pageSize ?? 0 → ?? 1',
    'The meta page is known before any other page is named.',
  ],
  '2dbf1803': ['lmdb-verify.ts: lastPage + 1 → lastPage + 2', 'Room for a page that nobody asks about.'],
  '8f5a4e2c': [
    'lmdb-verify.ts: second.transaction > first.transaction → >=',
    'They are equal only before anything was written, when both say the same.',
  ],
  '8f521e1e': [
    'lmdb-verify.ts: pageSize & (pageSize - 1) → pageSize & (pageSize - 2)',
    'Also zero for powers of two alone.',
  ],
  '3e63a402': [
    'lmdb-verify.ts: this.used[i] = 1 → 2',
    'Whether a page in use is beyond the end of the file is noticed when it is read.',
  ],
  '4d5d9bc8': [
    'lmdb-verify.ts: isLeaf ? … : 0 → 1',
    'Flags of a branch: a value in pages of its own is allowed, and its size not looked at.',
  ],
  '300fbe21': [
    'lmdb-verify.ts: i < sorted.length → <=',
    'Past the end there is undefined, which no node is.',
  ],
  fc3bb057: ['lmdb-verify.ts: list.length < 8 ? -1 → -2', 'Both are below 0.'],
  '77d0b34e': ['lmdb-verify.ts: word < 0 && length === 0 → word <= 0', 'A length of 0 is none.'],
  '6def3a52': [
    'lmdb-verify.ts: a default of 0 → 1',
    'There always are four counts: the default is for the compiler.',
  ],
  '99a4a6b9': [
    'lmdb-verify.ts: a default of 0 → 1',
    'There always are four counts: the default is for the compiler.',
  ],
  '9001179d': [
    'lmdb-verify.ts: a default of 0 → 1',
    'There always are four counts: the default is for the compiler.',
  ],
  '6d0675ac': [
    'lmdb-verify.ts: a default of 0 → 1',
    'There always are four counts: the default is for the compiler.',
  ],
  '00ad5568': [
    'lmdb-verify.ts: a < b ? -1 : a > b ? 1 : 0, another number but below 0 for a < b',
    'Only whether it is below 0 is looked at.',
  ],
  '6b06a294': [
    'lmdb-verify.ts: a < b ? -1 : a > b ? 1 : 0, another number but below 0 for a < b',
    'Only whether it is below 0 is looked at.',
  ],
  edfedcf0: [
    'lmdb-verify.ts: a < b ? -1 : a > b ? 1 : 0, another number but below 0 for a < b',
    'Only whether it is below 0 is looked at.',
  ],
  '6c4b53f7': [
    'lmdb-verify.ts: a < b ? -1 : a > b ? 1 : 0, another number but below 0 for a < b',
    'Only whether it is below 0 is looked at.',
  ],
  '0f77b41c': [
    'lmdb-verify.ts: a < b ? -1 : a > b ? 1 : 0, another number but below 0 for a < b',
    'Only whether it is below 0 is looked at.',
  ],
  '3b30b718': [
    'lmdb-verify.ts: a < b ? -1 : a > b ? 1 : 0, another number but below 0 for a < b',
    'Only whether it is below 0 is looked at.',
  ],
  d4ea1c10: [
    'lmdb-verify.ts: size <= WHOLE, and WHOLE',
    'Whether the file is read at once or in parts: the same is found.',
  ],
  '0a3bae7a': [
    'lmdb-verify.ts: size <= WHOLE, and WHOLE',
    'Whether the file is read at once or in parts: the same is found.',
  ],
  '719e8a8f': [
    'lmdb-verify.ts: size <= WHOLE, and WHOLE',
    'Whether the file is read at once or in parts: the same is found.',
  ],
  ffd9a987: [
    'lmdb-verify.ts: size <= WHOLE, and WHOLE',
    'Whether the file is read at once or in parts: the same is found.',
  ],
};
