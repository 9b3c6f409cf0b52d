/**
 * Reads the log at start and judges damage.
 *
 * **Torn or corrupt?** A batch is begun only when the one before it is durable, so damage in batch b is an
 * un-synced tail exactly if no later batch proves that b had been durable. Every frame therefore carries `synced`:
 * the last batch known durable when it was written. After the first bad byte, in batch b, everything behind it is
 * searched for undamaged frames:
 * - none, or only frames of b itself (a disk may write the pages of one un-synced write in any order): **torn**. The log is
 *   cut before b, which was never acknowledged.
 * - a frame of a later batch whose `synced` ≥ b: **corrupt**. An acknowledged batch is lost; refuse to start.
 * - in 'process' durability nothing is synced, yet nothing is lost either unless the machine itself went down. Same boot:
 *   any later batch is the proof (`trusted`). Another boot: only `synced` is (what had been synced when the store was
 *   opened), and of the segments begun since (`unsyncedFrom`) anything may be missing; the rest is cut. The store then gets a new
 *   identity, so nothing it lost was vouched for.
 * A segment's header is such a proof as well. What cannot be told from a torn tail is damage to the very last batch; if the
 * store was closed cleanly or a checkpoint came after it, the caller notices by the batch number those recorded.
 */
import { join } from 'node:path';
import type { FileSystem, OpenFile } from '../files/contract.js';
import { openRegular, readUpTo } from '../files/whole.js';
import {
  aligned,
  BatchDecoder,
  FRAME_HEADER,
  type FrameHeader,
  frameHolds,
  MAGIC,
  readFrameHeader,
} from './codec.js';
import type { LogRecord } from './contract.js';
import { corrupt, corruptIfNoFile, logFolder } from './io.js';
import {
  decodeSegmentHeader,
  listSegments,
  SEGMENT_HEADER,
  segmentName,
  supportedFormat,
} from './segments.js';

/** Bytes of a segment, and where they are. */
export interface Piece {
  readonly at: number;
  readonly bytes: Buffer;
}

export interface ScannedSegment {
  readonly number: number;
  /** Last batch in it; that of the segment before when it is empty. */
  readonly lastBatch: number;
  /** Bytes in use: where its last whole batch ends. */
  readonly bytes: number;
}

export interface Scanned {
  readonly segments: readonly ScannedSegment[];
  /** What was written last to the last of them, as it was read: the frames of its last batch, or its header when it has none. */
  readonly lastWrite: readonly Piece[];
  /** The last whole batch, 0 when there is none. */
  readonly lastBatch: number;
  /** Batches up to this one are there, or were given up when the last segment was begun. */
  readonly accountedFor: number;
  /**
   * What has to be cut off: the rest of `segment` from `offset` and every segment after it. `isEmpty`: a last segment without
   * a byte, for its start ended as it was made.
   */
  readonly torn: {
    readonly segment: number;
    readonly offset: number;
    readonly bytes: number;
    readonly isEmpty: boolean;
  } | null;
}

const WINDOW = 1024 * 1024;

/** Reads frames of one file through a window, so that memory stays small whatever the segment's size. */
class FrameReader {
  private window: Buffer = Buffer.alloc(0);
  private start = 0;

  constructor(
    private readonly file: OpenFile,
    readonly size: number,
  ) {}

  async bytes(at: number, length: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.size - at));
    if (at < this.start || at + wanted > this.start + this.window.length) {
      const most = Math.min(Math.max(wanted, WINDOW), Math.max(0, this.size - at));
      this.window = await readUpTo(this.file, at, most);
      this.start = at;
    }
    return this.window.subarray(at - this.start, at - this.start + wanted);
  }

  /** The frame at `at`: 'end' when only zeros follow, 'bad' when something else does. */
  async frame(at: number): Promise<
    | 'end'
    | 'bad'
    | {
        readonly header: FrameHeader;
        readonly bytes: Buffer;
        readonly payload: Buffer;
        readonly next: number;
      }
  > {
    const header = readFrameHeader(await this.bytes(at, FRAME_HEADER), 0);
    if (header === null) return (await this.onlyZeros(at)) ? 'end' : 'bad';
    const whole = FRAME_HEADER + header.length;
    const bytes = await this.bytes(at, whole);
    if (bytes.length < whole || !frameHolds(bytes, 0, header)) return 'bad';
    return { header, bytes, payload: bytes.subarray(FRAME_HEADER), next: at + aligned(whole) };
  }

  private async onlyZeros(at: number): Promise<boolean> {
    for (let position = at; position < this.size; position += WINDOW) {
      const bytes = await this.bytes(position, WINDOW);
      if (!bytes.equals(Buffer.alloc(bytes.length))) return false;
    }
    return true;
  }
}

/** The strongest proof in a file from byte `from` on: which batch is shown to have been durable. */
function proofIn(buffer: Buffer, from: number, trusted: boolean): number {
  let proof = 0;
  if (from === 0) {
    const header = decodeSegmentHeader(buffer);
    if (header !== null) proof = trusted ? header.previousBatch : header.synced;
  }
  for (let found = buffer.indexOf(MAGIC, from); found !== -1; found = buffer.indexOf(MAGIC, found + 1)) {
    const at = found - 4;
    if (at < from || at % 8 !== 0) continue;
    const header = readFrameHeader(buffer, at);
    if (header === null || !frameHolds(buffer, at, header)) continue;
    proof = Math.max(proof, trusted ? header.batch - 1 : header.synced);
  }
  return proof;
}

/** Which log it is. */
export interface Log {
  readonly files: FileSystem;
  /** The data folder; the segments are in its `log`. */
  readonly dir: string;
  readonly lineage: string;
  /** False: the machine went down under a store that does not sync, so un-synced batches may be lost. */
  readonly trusted: boolean;
  /** Then: the segment from which on nothing was ever synced; infinite when that is not known. */
  readonly unsyncedFrom: number;
  /** The number the first segment must have: one after those removed. */
  readonly firstSegment: number;
  /** The store has been opened before: it has a log. */
  readonly begun: boolean;
}

export interface ScanOptions extends Log {
  /** A segment begins; its batches follow, then the bytes it has in use. */
  readonly onSegment: (number: number) => void;
  readonly onBatch: (batch: number, records: readonly LogRecord[]) => void;
  readonly onBytes: (bytes: number) => void;
}

/** Reads the whole log in order. Rejects with `storage-corrupt`, naming file and offset; changes nothing on disk. */
export async function scanLog(options: ScanOptions): Promise<Scanned> {
  const { files, dir, lineage, trusted, unsyncedFrom, firstSegment, onBatch } = options;
  const folder = logFolder(dir);
  const numbers = await listSegments(files, folder);
  const path = (number: number) => join(folder, segmentName(number));
  const fail = (number: number, offset: number | null, message: string) =>
    corrupt(dir, path(number), message, offset);
  const segments: ScannedSegment[] = [];
  let expected = 1;
  let lastWrite: readonly Piece[] = [];

  const opened = (number: number): ReturnType<typeof openRegular> =>
    openRegular(files, path(number)).catch((error: unknown) => {
      throw corruptIfNoFile(error, dir, path(number));
    });
  const contents = async (number: number, most = Number.POSITIVE_INFINITY): Promise<Buffer> => {
    const { file, bytes } = await opened(number);
    try {
      return await readUpTo(file, 0, Math.min(bytes, most));
    } finally {
      await file.close();
    }
  };

  /** Throws when damage at `offset` of the `index`th segment, in batch `expected`, is more than a torn tail. */
  const judge = async (index: number, offset: number): Promise<void> => {
    if (numbers[index]! >= unsyncedFrom) return;
    let proof = 0;
    for (let i = index; i < numbers.length; i++) {
      proof = Math.max(proof, proofIn(await contents(numbers[i]!), i === index ? offset : 0, trusted));
    }
    if (proof >= expected) {
      throw fail(numbers[index]!, offset, `batch ${expected} is unreadable although it was written`);
    }
  };
  const cut = async (number: number, offset: number): Promise<Scanned['torn']> => {
    const size = (await files.stat(path(number))).bytes;
    const isEmpty = size === 0 && number === numbers.at(-1);
    return { segment: number, offset, bytes: Math.max(0, size - offset), isEmpty };
  };

  if (numbers.length === 0 && options.begun && firstSegment < unsyncedFrom)
    throw corrupt(dir, folder, 'log is missing');
  const heads: Buffer[] = [];
  for (const number of numbers) heads.push(await contents(number, SEGMENT_HEADER));
  const headers = heads.map(decodeSegmentHeader);

  for (let index = 0; index < numbers.length; index++) {
    const number = numbers[index]!;
    if (number !== firstSegment + index) {
      const missing = firstSegment + index;
      if (missing >= unsyncedFrom) return done({ segment: missing, offset: 0, bytes: 0, isEmpty: false });
      throw fail(missing, null, 'segment is missing');
    }
    const { file, bytes } = await opened(number);
    try {
      const reader = new FrameReader(file, bytes);
      const header = headers[index] ?? null;
      if (header === null) {
        await judge(index, 0);
        return done(await cut(number, 0));
      }
      if (!supportedFormat(header.format)) throw fail(number, 8, `unsupported format ${header.format}`);
      if (header.lineage !== lineage) throw fail(number, 16, 'segment belongs to another store');
      if (header.number !== number) throw fail(number, 12, `segment header has number ${header.number}`);
      const before = segments[index - 1];
      if (before !== undefined && header.previousBatch !== before.lastBatch) {
        // It lost its end; this one tells whether that end had been durable.
        await judge(index - 1, before.bytes);
        return done(await cut(before.number, before.bytes));
      }
      expected = header.firstBatch;
      options.onSegment(number);
      const end = headers[index + 1]?.previousBatch ?? null;
      const torn = await readBatches(index, number, reader, header.previousBatch, end);
      if (torn !== null) return done(torn);
    } finally {
      await file.close();
    }
  }
  return done(null);

  async function readBatches(
    index: number,
    number: number,
    reader: FrameReader,
    previous: number,
    end: number | null,
  ): Promise<Scanned['torn']> {
    lastWrite = [{ at: 0, bytes: heads[index]! }];
    let pieces: Piece[] = [];
    let batchStart = SEGMENT_HEADER;
    let at = SEGMENT_HEADER;
    let batches = 0;
    const decoder = new BatchDecoder();
    const lastBatch = () => (batches > 0 ? expected - 1 : previous);
    const finish = () => {
      segments.push({ number, lastBatch: lastBatch(), bytes: batchStart });
      options.onBytes(batchStart);
    };
    for (;;) {
      // The next segment was begun when this one had ended here. What follows was cut off, and the cut may not have reached the disk.
      if (at === batchStart && lastBatch() === end) {
        finish();
        return null;
      }
      const frame = await reader.frame(at);
      if (frame === 'end' && at === batchStart) {
        finish();
        return null;
      }
      if (frame === 'end' || frame === 'bad' || frame.header.batch !== expected) {
        await judge(index, at);
        finish();
        return cut(number, batchStart);
      }
      pieces.push({ at, bytes: frame.bytes });
      let records: readonly LogRecord[] = [];
      try {
        decoder.add(frame.payload);
        if (frame.header.last) records = decoder.take();
      } catch (error) {
        throw fail(number, at, `cannot decode the record: ${(error as Error).message}`);
      }
      at = frame.next;
      if (!frame.header.last) continue;
      onBatch(expected, records);
      lastWrite = pieces;
      pieces = [];
      batchStart = at;
      batches++;
      expected++;
    }
  }

  function done(torn: Scanned['torn']): Scanned {
    const last = segments.at(-1);
    return { segments, lastWrite, lastBatch: last?.lastBatch ?? 0, accountedFor: expected - 1, torn };
  }
}
