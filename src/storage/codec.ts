/**
 * The bytes of the log. One `append()` is one **batch**; a batch is one or more **frames** (several only when it
 * is large). A frame, little endian, padded with zeros to 8 bytes:
 *
 *     0  crc32   of everything after it (zlib's), header and payload
 *     4  magic   FF 4D 53 FE
 *     8  length  of the payload in bytes
 *     12 flags   1: last frame of its batch
 *     16 batch   number of the batch (float64, so up to 2^53)
 *     24 synced  every batch up to this one was known durable when this frame was written (float64)
 *     32 payload UTF-8 JSON: an array of records, each a short tuple
 *
 * One checksum a frame, not a record: a batch that is not whole was never acknowledged and is dropped whole. The JSON of an entry's
 * command is made once, for the log and for all whom the entry is sent to (decision 0029).
 *
 * No user data can look like a frame: JSON text holds no NUL byte (it is escaped) and UTF-8 no byte FF or FE, while
 * every frame's header has all three. So a search for frames behind damage finds only real ones.
 */
import { crc32 } from 'node:zlib';
import { headOf, itemsOf, SnapshotBuilder } from '../core/machine/pieces.js';
import type { Command, Snapshot } from '../core/machine/types.js';
import { limits } from '../limits.js';
import type { LogRecord } from './contract.js';

export const FRAME_HEADER = 32;
export const MAGIC = Buffer.from([0xff, 0x4d, 0x53, 0xfe]);
const MAGIC_NUMBER = MAGIC.readUInt32LE(0);
const LAST = 1;

export const aligned = (bytes: number): number => (bytes + 7) & ~7;

type Item = Parameters<SnapshotBuilder['add']>[0];
type Tuple =
  | readonly ['a', number, number, number, Command]
  | readonly ['p', number, number, number]
  /** The head of a snapshot, and then its items, in as many tuples as it takes. */
  | readonly ['s', number, ConstructorParameters<typeof SnapshotBuilder>[0]]
  | readonly ['i', number, readonly Item[]]
  | readonly ['d', number];

/** So many characters of a snapshot's items make a tuple. */
const ITEMS_WEIGHT = 256 * 1024;

/** The JSON of a record's tuples. An entry that was sent, or is about to be, has that of its command already. */
export function* textsOf(record: LogRecord): Generator<string> {
  switch (record.type) {
    case 'append': {
      const { epoch, seq, command, json = JSON.stringify(command) } = record.entry;
      yield `["a",${record.partition},${epoch},${seq},${json}]`;
      return;
    }
    case 'promise':
      yield `["p",${record.partition},${record.gen},${record.epoch}]`;
      return;
    case 'snapshot':
      yield* textsOfSnapshot(record.partition, record.snapshot);
      return;
    case 'drop':
      yield `["d",${record.partition}]`;
  }
}

function* textsOfSnapshot(partition: number, snapshot: Snapshot): Generator<string> {
  yield `["s",${partition},${headOf(snapshot)}]`;
  let items: string[] = [];
  let weight = 0;
  for (const [item] of itemsOf(snapshot)) {
    items.push(item);
    weight += item.length;
    if (weight < ITEMS_WEIGHT) continue;
    yield `["i",${partition},[${items.join()}]]`;
    items = [];
    weight = 0;
  }
  if (items.length > 0) yield `["i",${partition},[${items.join()}]]`;
}

/** Puts the records of a batch together from its tuples. */
export class BatchDecoder {
  private records: LogRecord[] = [];
  private snapshot: { readonly partition: number; readonly builder: SnapshotBuilder } | null = null;

  /** The tuples of a frame. Throws when they are none. */
  add(payload: Buffer | string): void {
    for (const tuple of JSON.parse(payload.toString('utf8')) as Tuple[]) this.tuple(tuple);
  }

  /** The records since the last call. Throws when a snapshot among them is not whole. */
  take(): LogRecord[] {
    this.finishSnapshot();
    const { records } = this;
    this.records = [];
    return records;
  }

  private finishSnapshot(): void {
    if (this.snapshot === null) return;
    const { partition, builder } = this.snapshot;
    this.snapshot = null;
    this.records.push({ type: 'snapshot', partition, snapshot: builder.finish() });
  }

  private tuple(tuple: Tuple): void {
    if (tuple[0] === 'i') {
      if (this.snapshot?.partition !== tuple[1]) throw new Error('snapshot items without a snapshot header');
      for (const item of tuple[2]) this.snapshot.builder.add(item);
      return;
    }
    this.finishSnapshot();
    const partition = tuple[1];
    switch (tuple[0]) {
      case 'a': {
        const [, , epoch, seq, command] = tuple;
        this.records.push({ type: 'append', partition, entry: { epoch, seq, command } });
        return;
      }
      case 'p':
        this.records.push({ type: 'promise', partition, gen: tuple[2], epoch: tuple[3] });
        return;
      case 's':
        this.snapshot = { partition, builder: new SnapshotBuilder(tuple[2]) };
        return;
      case 'd':
        this.records.push({ type: 'drop', partition });
        return;
      default:
        throw new Error(`unknown record ${JSON.stringify(tuple).slice(0, 40)}`);
    }
  }
}

/** A frame is closed when its records have this many characters. */
const FRAME_WEIGHT = 1024 * 1024;
/** The scratch buffer is given back when a batch made it larger than this, in bytes. */
const SCRATCH_KEPT = 1024 * 1024;

/** Encodes batches into one reused buffer: what `encode` gives is valid until the next call. */
export class BatchEncoder {
  private buffer = Buffer.allocUnsafeSlow(64 * 1024);
  private used = 0;

  encode(records: readonly LogRecord[], batch: number, synced: number): Buffer {
    if (this.buffer.length > SCRATCH_KEPT) this.buffer = Buffer.allocUnsafeSlow(64 * 1024);
    this.used = 0;
    let texts: string[] = [];
    let weighed = 0;
    for (const record of records)
      for (const text of textsOf(record)) {
        // Only the end of the input shows which frame was the last.
        if (weighed >= FRAME_WEIGHT) {
          this.frame(texts, 0, batch, synced);
          texts = [];
          weighed = 0;
        }
        texts.push(text);
        weighed += text.length;
      }
    this.frame(texts, LAST, batch, synced);
    return this.buffer.subarray(0, this.used);
  }

  private frame(texts: readonly string[], flags: number, batch: number, synced: number): void {
    const text = `[${texts.join()}]`;
    const start = this.used;
    this.reserve(text);
    const length = this.buffer.write(text, start + FRAME_HEADER, 'utf8');
    if (length > limits.recordBytes) throw new RangeError(`frame of ${length} bytes exceeds the limit`);
    const end = start + FRAME_HEADER + length;
    writeHeader(this.buffer, start, length, flags, batch, synced);
    this.used = start + aligned(FRAME_HEADER + length);
    this.buffer.fill(0, end, this.used);
    this.buffer.writeUInt32LE(crc32(this.buffer.subarray(start + 4, end)), start);
  }

  private reserve(text: string): void {
    const fixed = this.used + FRAME_HEADER + 8;
    // Three bytes a UTF-16 unit is the most UTF-8 needs; count exactly only when that does not fit.
    if (fixed + text.length * 3 <= this.buffer.length) return;
    const needed = fixed + Buffer.byteLength(text, 'utf8');
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.used);
    this.buffer = larger;
  }
}

function writeHeader(
  b: Buffer,
  at: number,
  length: number,
  flags: number,
  batch: number,
  synced: number,
): void {
  b.writeUInt32LE(MAGIC_NUMBER, at + 4);
  b.writeUInt32LE(length, at + 8);
  b.writeUInt32LE(flags, at + 12);
  b.writeDoubleLE(batch, at + 16);
  b.writeDoubleLE(synced, at + 24);
}

export interface FrameHeader {
  readonly length: number;
  readonly last: boolean;
  readonly batch: number;
  readonly synced: number;
}

/** The header at `at`, its checksum not yet looked at; null when there is none. */
export function readFrameHeader(buffer: Buffer, at: number): FrameHeader | null {
  if (at + FRAME_HEADER > buffer.length || buffer.readUInt32LE(at + 4) !== MAGIC_NUMBER) return null;
  const length = buffer.readUInt32LE(at + 8);
  if (length > limits.recordBytes) return null;
  const flags = buffer.readUInt32LE(at + 12);
  return {
    length,
    last: (flags & LAST) !== 0,
    batch: buffer.readDoubleLE(at + 16),
    synced: buffer.readDoubleLE(at + 24),
  };
}

/** Is the frame at `at`, whose whole length is in `buffer`, undamaged? */
export function frameHolds(buffer: Buffer, at: number, header: FrameHeader): boolean {
  const end = at + FRAME_HEADER + header.length;
  return end <= buffer.length && crc32(buffer.subarray(at + 4, end)) === buffer.readUInt32LE(at);
}
