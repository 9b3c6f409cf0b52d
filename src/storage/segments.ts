import * as fs from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Durability } from '../core/map/types.js';
import { type LogIo, syncFolder } from './io.js';

/** A segment begins with this many bytes: who it belongs to and where it stands in the log. */
export const SEGMENT_HEADER = 64;
const SEGMENT_MAGIC = 'MUSTRLOG';
const FORMAT = 4;

/**
 * A segment is filled with zeros this far ahead, in bytes. Writing over zeros changes no file size, so a sync has no
 * journal to wait for. Groups of 64 records (9.6 kB): 0.14 ms a synced write against 0.22 ms when appending;
 * 64 KiB ahead 0.17; 1 MiB as good in the median but 3 ms at the 99th percentile (benchmarks/storage.ts).
 */
const ZERO_AHEAD = 256 * 1024;
const ZEROS = Buffer.alloc(ZERO_AHEAD);

export interface SegmentHeader {
  readonly lineage: string;
  readonly number: number;
  /** The last batch before this segment, 0 when none. */
  readonly previousBatch: number;
  /** The number of this segment's first batch: usually the next one, greater after batches were lost. */
  readonly firstBatch: number;
  /** Batches up to this one were known durable when the segment was made. */
  readonly synced: number;
}

export const segmentName = (number: number): string => `${String(number).padStart(8, '0')}.seg`;

/** Numbers of the segments in a folder, ascending. */
export function listSegments(folder: string): number[] {
  return fs
    .readdirSync(folder)
    .map((name) => /^(\d{8,})\.seg$/.exec(name))
    .filter((match) => match !== null)
    .map((match) => Number(match[1]))
    .sort((a, b) => a - b);
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const b = Buffer.alloc(SEGMENT_HEADER);
  b.write(SEGMENT_MAGIC, 0, 'latin1');
  b.writeUInt32LE(FORMAT, 8);
  b.writeUInt32LE(header.number, 12);
  Buffer.from(header.lineage.replaceAll('-', ''), 'hex').copy(b, 16);
  b.writeDoubleLE(header.previousBatch, 32);
  b.writeDoubleLE(header.firstBatch, 40);
  b.writeDoubleLE(header.synced, 48);
  b.writeUInt32LE(crc32(b.subarray(0, 60)), 60);
  return b;
}

/** The header, or null when it is damaged; `format` of another version is given back as it is for the message. */
export function decodeSegmentHeader(b: Buffer): (SegmentHeader & { readonly format: number }) | null {
  if (b.length < SEGMENT_HEADER || b.toString('latin1', 0, 8) !== SEGMENT_MAGIC) return null;
  if (crc32(b.subarray(0, 60)) !== b.readUInt32LE(60)) return null;
  const hex = b.toString('hex', 16, 32);
  return {
    format: b.readUInt32LE(8),
    number: b.readUInt32LE(12),
    lineage: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    previousBatch: b.readDoubleLE(32),
    firstBatch: b.readDoubleLE(40),
    synced: b.readDoubleLE(48),
  };
}

export const supportedFormat = (format: number): boolean => format === FORMAT;

/** Linux writes and syncs in one call (`O_DSYNC`), which saves a hop through the thread pool; others sync after. */
const DSYNC = process.platform === 'linux' ? (fs.constants.O_DSYNC ?? 0) : 0;

/** Writes one segment, front to back. */
export class SegmentWriter {
  /** Bytes in use. */
  size = 0;
  syncs = 0;
  private zeroed = 0;

  private constructor(
    readonly path: string,
    private readonly fd: number,
    private readonly durability: Durability,
    private readonly io: LogIo,
  ) {}

  /** Makes the file with its header, durable with its name in 'fsync' mode. Errors as the disk gives them. */
  static async create(
    folder: string,
    header: SegmentHeader,
    durability: Durability,
    io: LogIo,
  ): Promise<SegmentWriter> {
    const { O_CREAT, O_EXCL, O_WRONLY } = fs.constants;
    const path = join(folder, segmentName(header.number));
    const flags = O_CREAT | O_EXCL | O_WRONLY | (durability === 'fsync' ? DSYNC : 0);
    const writer = new SegmentWriter(path, fs.openSync(path, flags, 0o600), durability, io);
    try {
      await writer.write(encodeSegmentHeader(header));
      if (durability === 'fsync') syncFolder(folder);
    } catch (error) {
      writer.close();
      throw error;
    }
    return writer;
  }

  /** Appends `bytes`; resolves when they are durable ('fsync') or handed to the system ('process'). */
  async write(bytes: Buffer): Promise<void> {
    const end = this.size + bytes.length;
    const buffers = [bytes];
    if (this.durability === 'fsync' && end > this.zeroed) {
      const ahead = Math.ceil((end + 1) / ZERO_AHEAD) * ZERO_AHEAD;
      buffers.push(ZEROS.subarray(0, ahead - end));
      this.zeroed = ahead;
    }
    let written = await this.io.write(this.fd, buffers, this.size);
    // A short write is legal. What counts is `bytes`; missing zeros only make later syncs slower.
    while (written < bytes.length) {
      const more = await this.io.write(this.fd, [bytes.subarray(written)], this.size + written);
      if (more === 0) throw Object.assign(new Error('the disk took no more bytes'), { code: 'EIO' });
      written += more;
    }
    if (this.durability === 'fsync') {
      if (DSYNC === 0) await this.io.sync(this.fd);
      this.syncs++;
    }
    this.size = end;
  }

  async sync(): Promise<void> {
    await this.io.sync(this.fd);
  }

  close(): void {
    fs.closeSync(this.fd);
  }
}
