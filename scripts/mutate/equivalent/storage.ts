import type { Equivalent } from './types.js';

export const storage: Equivalent = {
  '12609486': [
    'codec.ts: reserve() counts exactly, or makes the buffer larger, more often than need be',
    'Only what it costs: there is room either way.',
  ],
  '045d3185': [
    'scan.ts: at < from || at % 8 !== 0 → at % 8 !== 0',
    'The search begins at a multiple of 8, so what is before it by less than 4 bytes is at none.',
  ],
  '7b46bd4c': [
    'codec.ts: whether the scratch buffer is kept, and how large it is at first',
    'Only what it costs: a buffer that is too small grows.',
  ],
  '57ef8934': [
    'codec.ts: whether the scratch buffer is kept, and how large it is at first',
    'Only what it costs: a buffer that is too small grows.',
  ],
  e28d5dee: [
    'codec.ts: whether the scratch buffer is kept, and how large it is at first',
    'Only what it costs: a buffer that is too small grows.',
  ],
  b626e6ec: [
    'codec.ts: whether the scratch buffer is kept, and how large it is at first',
    'Only what it costs: a buffer that is too small grows.',
  ],
  '8ad7e3ac': [
    'codec.ts: whether the scratch buffer is kept, and how large it is at first',
    'Only what it costs: a buffer that is too small grows.',
  ],
  '2c9a5cf6': [
    'codec.ts: whether the scratch buffer is kept, and how large it is at first',
    'Only what it costs: a buffer that is too small grows.',
  ],
  cbbf81ca: [
    'codec.ts: whether the scratch buffer is kept, and how large it is at first',
    'Only what it costs: a buffer that is too small grows.',
  ],
  '7ebd83a5': [
    'codec.ts: reserve() counts exactly, or makes the buffer larger, more often than need be',
    'Only what it costs: there is room either way.',
  ],
  dabad5ab: [
    'codec.ts: reserve() counts exactly, or makes the buffer larger, more often than need be',
    'Only what it costs: there is room either way.',
  ],
  '2ec298be': [
    'codec.ts: reserve() counts exactly, or makes the buffer larger, more often than need be',
    'Only what it costs: there is room either way.',
  ],
  d997dc27: [
    'codec.ts: reserve() counts exactly, or makes the buffer larger, more often than need be',
    'Only what it costs: there is room either way.',
  ],
  fc4a5751: [
    'codec.ts: reserve() counts exactly, or makes the buffer larger, more often than need be',
    'Only what it costs: there is room either way.',
  ],
  efafd71e: [
    'codec.ts: reserve() counts exactly, or makes the buffer larger, more often than need be',
    'Only what it costs: there is room either way.',
  ],
  '6656d292': ['coverage.ts: record.entry.seq > need.maxSeq → >=', 'They are equal then.'],
  '72ba0fbf': [
    'lmdb-checkpoint.ts: kind + 1 → kind + 2',
    'All row types of a partition are cleared; row type 6 does not exist.',
  ],
  '8e23eb99': [
    'lmdb-checkpoint.ts: this.inDoubt → true',
    'It looks at what it knows already: only what it costs.',
  ],
  c07e8c84: [
    'lmdb-checkpoint.ts: this.inDoubt = false; → ;',
    'It looks at what it knows already: only what it costs.',
  ],
  '5228a1b5': [
    'lmdb-checkpoint.ts: this.changed = []; → ; in undo()',
    'After a failed write the rows are read anew, into another object.',
  ],
  '34fb4558': [
    'scan.ts: FrameReader.bytes() reads anew, or more, than need be',
    'Only what it costs: the same bytes are given.',
  ],
  '4b726116': [
    'scan.ts: FrameReader.bytes() reads anew, or more, than need be',
    'Only what it costs: the same bytes are given.',
  ],
  '2916fd63': [
    'scan.ts: FrameReader.bytes() reads anew, or more, than need be',
    'Only what it costs: the same bytes are given.',
  ],
  c0d5fa8a: [
    'scan.ts: FrameReader.bytes() reads anew, or more, than need be',
    'Only what it costs: the same bytes are given.',
  ],
  c8cf0624: [
    'scan.ts: at < this.start || … → …',
    'A file is read from front to back: nobody asks for what is before the window.',
  ],
  e3938bf7: [
    'scan.ts: Math.max(0, …) → Math.max(1, …)',
    'A byte after the end of the file is asked for, and there is none.',
  ],
  '49f3e7a8': [
    'scan.ts: Math.max(0, …) → Math.max(1, …)',
    'A byte after the end of the file is asked for, and there is none.',
  ],
  d90d7bfc: [
    'scan.ts: position < this.size → <=',
    'Nothing is read at the end of the file, and nothing is all zeros.',
  ],
  '5f388822': [
    'open.ts: Math.min(REWRITE_BYTES, bytes - at) → Math.max(…)',
    'More of the segment is written over itself: only what it costs.',
  ],
  '6b983cfd': ['open.ts: at < bytes → at <= bytes', 'Nothing is left there to be read and written.'],
};
