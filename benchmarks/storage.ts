/**
 * The log against the bare disk, in one run: `npx tsx benchmarks/storage.ts [seconds a measurement]`.
 * Prints one line a group size: appends a second by the bare append + fdatasync, by the storage (checksummed, zero-filled
 * ahead), and their ratio; then what encoding alone costs, and memory.
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatchEncoder } from '../src/storage/codec.js';
import type { LogRecord } from '../src/storage/contract.js';
import { openStorage } from '../src/storage/open.js';

const SECONDS = Number(process.argv[2] ?? 2);
const ROUNDS = 3;
const dir = fs.mkdtempSync(join(tmpdir(), 'muster-bench-'));

let seq = 0;
const record = (): LogRecord => ({
  type: 'append',
  partition: ++seq % 64,
  entry: {
    epoch: 3,
    seq,
    command: {
      type: 'op',
      session: `0.${seq % 97}`,
      n: seq,
      first: seq - 1,
      op: { type: 'put', key: `key-${seq % 1000}`, value: 'x'.repeat(48) },
    },
  },
});
const group = (size: number): LogRecord[] => Array.from({ length: size }, record);

/** Groups a second. */
async function rate(work: () => Promise<void>): Promise<number> {
  for (let i = 0; i < 50; i++) await work();
  const start = performance.now();
  let groups = 0;
  while (performance.now() - start < SECONDS * 1000) {
    await work();
    groups++;
  }
  return (groups * 1000) / (performance.now() - start);
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;
const figure = (value: number): string => Math.round(value).toLocaleString('en').padStart(10);

async function bare(bytes: Buffer): Promise<number> {
  const path = join(dir, 'bare');
  const fd = fs.openSync(path, 'w');
  const work = (): Promise<void> =>
    new Promise((resolve, reject) =>
      fs.write(fd, bytes, 0, bytes.length, null, (error) =>
        error ? reject(error) : fs.fdatasync(fd, (failed) => (failed ? reject(failed) : resolve())),
      ),
    );
  try {
    return await rate(work);
  } finally {
    fs.closeSync(fd);
    fs.unlinkSync(path);
  }
}

async function stored(durability: 'fsync' | 'process', size: number): Promise<number> {
  const path = join(dir, durability);
  const storage = await openStorage({ dir: path, durability });
  try {
    const records = group(size); // the log does not mind that they repeat
    return await rate(() => storage.append(records));
  } finally {
    await storage.close();
    fs.rmSync(path, { recursive: true });
  }
}

try {
  console.log(`records a second, medians of ${ROUNDS}`);
  console.log(' group  bytes  append+fdatasync     storage fsync  ratio   storage process');
  for (const size of [1, 64, 256]) {
    const bytes = Buffer.from(new BatchEncoder().encode(group(size), 1, 0));
    const figures: Record<'bare' | 'fsync' | 'process', number[]> = { bare: [], fsync: [], process: [] };
    for (let round = 0; round < ROUNDS; round++) {
      figures.bare.push((await bare(bytes)) * size);
      figures.fsync.push((await stored('fsync', size)) * size);
      figures.process.push((await stored('process', size)) * size);
    }
    const [b, f, p] = [median(figures.bare), median(figures.fsync), median(figures.process)];
    console.log(
      `${String(size).padStart(6)} ${String(bytes.length).padStart(6)} ${figure(b).padStart(17)} ${figure(f).padStart(17)} ${(f / b).toFixed(2).padStart(6)} ${figure(p).padStart(17)}`,
    );
  }
  const encoder = new BatchEncoder();
  const records = group(64);
  const encoding = await rate(async () => {
    for (let i = 0; i < 100; i++) encoder.encode(records, i, i);
  });
  const each = encoder.encode(records, 1, 0).length / 64;
  console.log(
    `encoding alone, groups of 64, ${each.toFixed(0)} B a record:${figure(encoding * 6400)} records a second`,
  );
} finally {
  fs.rmSync(dir, { recursive: true, force: true });
}
