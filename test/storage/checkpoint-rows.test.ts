import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { open, type RootDatabase } from 'lmdb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DigestSum } from '../../src/core/machine/digest.js';
import type { CheckpointDelta } from '../../src/core/machine/types.js';
import { nodeFiles } from '../../src/files/node.js';
import type { Checkpoint, CheckpointWrite } from '../../src/storage/checkpoint.js';
import { LmdbCheckpoint } from '../../src/storage/lmdb-checkpoint.js';
import { type Folder, temporaryFolder } from './folder.js';
import { cellsAt, delta, lockRow } from './records.js';

type Database = RootDatabase<Buffer, Buffer>;

const lineage = '0b0c8bd4-5a4e-4a57-8a3f-3d1a52a7b9a1';
const ok = { ok: true, value: 1, version: 2 } as const;

let folder: Folder;
let opened: Checkpoint[];
beforeEach(() => {
  folder = temporaryFolder();
  opened = [];
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const checkpoint of opened) await checkpoint.close();
  folder.remove();
});

const file = (): string => join(folder.path, 'state', 'data.mdb');

async function start(leastBytes = 0): Promise<LmdbCheckpoint> {
  const checkpoint = await LmdbCheckpoint.open({ dir: folder.path, lineage, leastBytes });
  opened.push(checkpoint);
  return checkpoint;
}

/** The database of a checkpoint. */
const databaseOf = (checkpoint: LmdbCheckpoint): Database => (checkpoint as unknown as { db: Database }).db;

const write = (change: Partial<CheckpointWrite> = {}): CheckpointWrite => ({
  batch: 7,
  deltas: [],
  drops: [],
  promises: [],
  floor: 0,
  ...change,
});

/** What is loaded by another process, in short: state as epoch.seq at its batch, promise at its batch, number of cells. */
async function loaded(): Promise<unknown> {
  for (const checkpoint of opened.splice(0)) await checkpoint.close();
  const { rows, floor, maxBatch } = await (await start()).load();
  const brief = [...rows].map(([partition, row]) => {
    const { snapshot, snapshotBatch, promised, promiseBatch } = row;
    const state = snapshot === null ? '' : `s${snapshot.epoch}.${snapshot.seq}@${snapshotBatch} `;
    return [partition, `${state}p${promised}@${promiseBatch} ${snapshot?.cells.length ?? 0}`];
  });
  return { rows: Object.fromEntries(brief), floor, maxBatch };
}

function keyOf(partition: number, kind: number, name = ''): Buffer {
  return Buffer.concat([Buffer.from([partition >> 8, partition & 255, kind]), Buffer.from(name)]);
}

function encoded(key: Buffer, text: string): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(Buffer.concat([key, Buffer.from(text)])));
  return Buffer.concat([sum, Buffer.from(text)]);
}

/** Opens the database as it is, past the checkpoint. */
async function raw<T>(use: (db: Database) => T): Promise<T> {
  for (const checkpoint of opened.splice(0)) await checkpoint.close();
  const db = open<Buffer, Buffer>({
    path: join(folder.path, 'state'),
    noSubdir: false,
    encoding: 'binary',
    keyEncoding: 'binary',
    overlappingSync: false,
    eventTurnBatching: false,
    compression: false,
    cache: false,
    maxReaders: 8,
  });
  try {
    return use(db);
  } finally {
    await db.flushed;
    await db.close();
  }
}

const global = keyOf(0xffff, 0);
const whole = (): CheckpointDelta =>
  delta(300, 4, 9, {
    gen: 2,
    cells: [['k\u0000Zoë', { kind: 'counter', value: 5, version: 9 }]],
    sessions: [['0.1', 3]],
    results: [['0.1', 4, ok]],
    rows: [['lock/Zoë', lockRow(5)]],
  });

describe('the rows of a checkpoint', () => {
  test('are those of the format', async () => {
    const checkpoint = await start();
    await checkpoint.load();
    const { digest } = whole();
    await checkpoint.write(write({ deltas: [whole()], promises: [[300, 6]], floor: 11 }));
    const state = JSON.stringify({ gen: 2, seq: 9, epoch: 4, batch: 7, digest });
    const sum = new DigestSum();
    sum.texts('012c00', state, 1);
    sum.texts('012c01', '[6,7]', 1);
    const expected: readonly (readonly [Buffer, string])[] = [
      [keyOf(300, 0), state],
      [keyOf(300, 1), '[6,7]'],
      [keyOf(300, 2, 'k\u0000Zoë'), '["counter",5,9]'],
      [keyOf(300, 3, '0.1'), '3'],
      [keyOf(300, 4, 'lock/Zoë'), JSON.stringify(lockRow(5))],
      [keyOf(300, 5, '0.1/4'), JSON.stringify(ok)],
      [global, JSON.stringify({ lineage, floor: 11, count: 2, root: sum.with() })],
    ];
    const found = await raw((db) => [...db.getRange({})].map(({ key, value }) => [key, Buffer.from(value)]));
    expect(found).toEqual(expected.map(([key, text]) => [key, encoded(key, text)]));
    const { rows, floor, maxBatch } = await (await start()).load();
    expect({ floor, maxBatch }).toEqual({ floor: 11, maxBatch: 7 });
    expect([...rows.keys()]).toEqual([300]);
    expect(rows.get(300)).toMatchObject({
      snapshot: {
        ...{ gen: 2, seq: 9, epoch: 4, digest },
        cells: [['k\u0000Zoë', { kind: 'counter', value: 5, version: 9 }]],
        sessions: [['0.1', { first: 3, results: [[4, ok]] }]],
        rows: [['lock/Zoë', lockRow(5)]],
      },
      snapshotBatch: 7,
      promised: 6,
      promiseBatch: 7,
    });
  });

  test('are replaced by a full delta, changed by another, and go with a drop', async () => {
    const checkpoint = await start();
    await checkpoint.load();
    const all = (partition: number) => ({ ...whole(), partition });
    await checkpoint.write(
      write({ deltas: [299, 300, 301].map(all), promises: [299, 300].map((p) => [p, 2]) }),
    );
    await checkpoint.write(
      write({ batch: 8, drops: [300], deltas: [delta(299, 4, 12)], promises: [[5, 3]] }),
    );
    expect(await loaded()).toEqual({
      rows: { 5: 'p3@8 0', 299: 's4.12@8 p2@7 5', 301: 's4.9@7 p0@0 1' },
      floor: 0,
      maxBatch: 8,
    });
    const again = opened[0] as Checkpoint;
    await again.write(
      write({
        batch: 9,
        drops: [5, 301],
        deltas: [
          delta(299, 4, 13, { full: false, cells: [['k4', null]] }, { cells: cellsAt(12, 4).slice(0, 4) }),
        ],
      }),
    );
    expect(await loaded()).toEqual({ rows: { 299: 's4.13@9 p2@7 4' }, floor: 0, maxBatch: 9 });
    await (opened[0] as Checkpoint).write(write({ drops: [299], floor: 3 }));
    expect(await loaded()).toEqual({ rows: {}, floor: 3, maxBatch: 0 });
  });

  test('tell the greatest batch, be it of a state or a promise', async () => {
    const checkpoint = await start();
    await checkpoint.load();
    await checkpoint.write(write({ batch: 5, promises: [[1, 2]] }));
    await checkpoint.write(write({ batch: 3, deltas: [delta(2, 1, 1)] }));
    expect(await loaded()).toMatchObject({ maxBatch: 5 });
    await (opened[0] as Checkpoint).write(write({ batch: 6, deltas: [delta(0, 1, 1)] }));
    await (opened[0] as Checkpoint).write(write({ batch: 4, promises: [[3, 2]] }));
    expect(await loaded()).toMatchObject({ maxBatch: 6 });
  });
});

describe('a checkpoint is refused', () => {
  type Rows = Map<string, Buffer>;
  const put = (rows: Rows, key: Buffer, text: string): void =>
    void rows.set(key.toString('hex'), encoded(key, text));
  const remove = (rows: Rows, key: Buffer): void => void rows.delete(key.toString('hex'));
  const change = (rows: Rows, key: Buffer, from: string, to: string): void => {
    const text = rows.get(key.toString('hex'))?.toString('utf8', 4) as string;
    expect(text).toContain(from);
    put(rows, key, text.replace(from, to));
  };
  const cell = keyOf(300, 2, 'k\u0000Zoë');
  const sumOf = (key: Buffer): string => `checksum mismatch in row ${key.toString('hex')}`;
  const cases: readonly (readonly [name: string, edit: (rows: Rows) => void, message: string | RegExp])[] = [
    ['without the row of the whole', (r) => remove(r, global), 'the summary row is missing'],
    [
      'without the row of the whole, and with one row of a partition',
      (r) => {
        r.clear();
        put(r, keyOf(0, 1), '[1,1]');
      },
      'the summary row is missing',
    ],
    ['without a promise', (r) => remove(r, keyOf(300, 1)), 'expected 2 partition rows, got 1'],
    [
      'with another promise',
      (r) => change(r, keyOf(300, 1), '6', '5'),
      /^root hash mismatch: expected \w+, got \w+$/,
    ],
    ['with another state', (r) => change(r, keyOf(300, 0), '"seq":9', '"seq":8'), /^root hash mismatch/],
    ['with one promise more', (r) => put(r, keyOf(1, 1), '[1,1]'), 'expected 2 partition rows, got 3'],
    ['without a state', (r) => remove(r, keyOf(300, 0)), 'partition 300 has rows but no state'],
    ['without a cell', (r) => remove(r, cell), /^partition 300 is incomplete/],
    ['with another cell', (r) => change(r, cell, '5', '6'), /^partition 300 is incomplete/],
    [
      'without a session',
      (r) => remove(r, keyOf(300, 3, '0.1')),
      'partition 300 has a result without a session',
    ],
    ['without a result', (r) => remove(r, keyOf(300, 5, '0.1/4')), /^partition 300 is incomplete/],
    ['without a row', (r) => remove(r, keyOf(300, 4, 'lock/Zoë')), /^partition 300 is incomplete/],
    ['with a row of another kind', (r) => put(r, keyOf(300, 6), '1'), 'unknown row type 6'],
    ['with nothing in a row', (r) => r.set(cell.toString('hex'), Buffer.alloc(0)), sumOf(cell)],
    ['with less than a checksum in a row', (r) => r.set(cell.toString('hex'), Buffer.alloc(3)), sumOf(cell)],
    ['with a checksum alone in a row', (r) => put(r, cell, ''), /JSON/],
    [
      'with a row under another key',
      (r) => r.set(keyOf(300, 2, 'x').toString('hex'), r.get(cell.toString('hex')) as Buffer),
      sumOf(keyOf(300, 2, 'x')),
    ],
    ...[0, 3, 4, 9].map((at): (typeof cases)[number] => [
      `with another byte ${at} in a row`,
      (r) => {
        const bytes = Buffer.from(r.get(cell.toString('hex')) as Buffer);
        bytes[at] ^= 1;
        r.set(cell.toString('hex'), bytes);
      },
      sumOf(cell),
    ]),
    [
      'of another store',
      (r) => change(r, global, lineage, lineage.replace('0', '1')),
      'checkpoint belongs to another store',
    ],
  ];
  test.each(cases)('%s', async (_, edit, message) => {
    const checkpoint = await start();
    await checkpoint.load();
    await checkpoint.write(write({ deltas: [whole()], promises: [[300, 6]] }));
    await raw((db) => {
      const rows: Rows = new Map(
        [...db.getRange({})].map(({ key, value }) => [key.toString('hex'), Buffer.from(value)]),
      );
      for (const key of rows.keys()) db.removeSync(Buffer.from(key, 'hex'));
      edit(rows);
      for (const [key, value] of rows) db.putSync(Buffer.from(key, 'hex'), value);
    });
    const error = (await (await start()).load().catch((e: unknown) => e)) as Error;
    expect(error).toMatchObject({
      code: 'storage-corrupt',
      details: { path: folder.path, file: file(), offset: null },
    });
    const told = error.message.slice(`data folder ${folder.path} is damaged: ${file()}: `.length);
    if (typeof message === 'string') expect(told).toBe(message);
    else expect(told).toMatch(message);
  });

  test('that is shorter than it was', async () => {
    const size = await (await start()).bytes();
    expect(size).toBe(fs.statSync(file()).size);
    await loaded();
    await (opened.pop() as Checkpoint).close();
    await (await start(size)).load();
    await (opened.pop() as Checkpoint).close();
    await expect(start(size + 1)).rejects.toMatchObject({
      code: 'storage-corrupt',
      message: expect.stringContaining(`expected at least ${size + 1} bytes, got ${size}`),
    });
    fs.rmSync(file());
    await expect(start(1)).rejects.toMatchObject({
      message: expect.stringContaining('expected at least 1 bytes, got 0'),
    });
  });
});

describe('a checkpoint that is opened', () => {
  test('is looked at before it is mapped', async () => {
    await loaded();
    await (opened.pop() as Checkpoint).close();
    const bytes = fs.readFileSync(file());
    fs.writeFileSync(file(), bytes.fill(0, 24, 28));
    await expect(start()).rejects.toMatchObject({
      code: 'storage-corrupt',
      message: expect.stringContaining('at byte 0: not an LMDB file: invalid magic number in meta page 0'),
      details: { file: file(), offset: 0 },
    });
  });

  test('does not mind what a process that is gone left of its locks, and has durable names', async () => {
    await start();
    await loaded();
    await (opened.pop() as Checkpoint).close();
    fs.writeFileSync(join(folder.path, 'state', 'lock.mdb'), Buffer.alloc(8192, 7));
    const opening = vi.spyOn(nodeFiles, 'open');
    await (await start()).load();
    expect(opening).toHaveBeenCalledWith(join(folder.path, 'state'), 'r');
  });

  test('is closed once', async () => {
    const checkpoint = await start();
    const closing = vi.spyOn(databaseOf(checkpoint), 'close');
    await checkpoint.close();
    await checkpoint.close();
    expect(closing).toHaveBeenCalledTimes(1);
  });
});

describe('a write that fails', () => {
  const io = (): Error => Object.assign(new Error('injected'), { code: 'EIO' });
  /** Fails in the middle of the transaction. */
  const failing: CheckpointDelta = {
    ...delta(9, 1, 1),
    get cells(): never {
      throw io();
    },
  };
  const fail = async (checkpoint: LmdbCheckpoint, change: Partial<CheckpointWrite> = {}): Promise<void> => {
    const deltas = [...(change.deltas ?? []), failing];
    const writing = checkpoint.write(write({ batch: 8, ...change, deltas }));
    await expect(writing).rejects.toMatchObject({
      code: 'storage-failed',
      message: `writing the checkpoint failed: injected (${folder.path})`,
      details: { cause: 'EIO' },
    });
  };
  const begun = async (): Promise<LmdbCheckpoint> => {
    const checkpoint = await start();
    await checkpoint.load();
    await checkpoint.write(write({ deltas: [delta(300, 1, 1)], promises: [[301, 4]] }));
    return checkpoint;
  };
  const before = { 300: 's1.1@7 p0@0 1', 301: 'p4@7 0' };

  test('stores nothing, and the next does what it says: also as the first of all, and again and again', async () => {
    const first = await start();
    await first.load();
    await fail(first, { deltas: [delta(1, 1, 1)] });
    await first.write(write({ batch: 9, promises: [[1, 2]] }));
    expect(await loaded()).toEqual({ rows: { 1: 'p2@9 0' }, floor: 0, maxBatch: 9 });

    const again = opened[0] as LmdbCheckpoint;
    for (let i = 0; i < 3; i++) await fail(again, { drops: [1], deltas: [delta(2, 1, 1)] });
    await again.write(write({ batch: 10, promises: [[3, 2]] }));
    await again.write(write({ batch: 11, promises: [[4, 2]] }));
    expect(await loaded()).toEqual({
      rows: { 1: 'p2@9 0', 3: 'p2@10 0', 4: 'p2@11 0' },
      floor: 0,
      maxBatch: 11,
    });
  });

  test('closes the database, which may refuse all further writes, and leaves what others had dropped', async () => {
    const checkpoint = await begun();
    const database = databaseOf(checkpoint);
    const closing = vi.spyOn(database, 'close');
    await fail(checkpoint, { drops: [300, 301] });
    await checkpoint.write(write({ batch: 9, promises: [[5, 1]] }));
    expect(closing).toHaveBeenCalledTimes(1);
    expect(await loaded()).toMatchObject({ rows: { ...before, 5: 'p1@9 0' } });
  });

  /** Carries the transaction out, and says that it failed. */
  const lie = (checkpoint: LmdbCheckpoint, error: Error): void => {
    const database = databaseOf(checkpoint);
    const { childTransaction } = database;
    vi.spyOn(database, 'childTransaction').mockImplementationOnce((async (run: () => unknown) => {
      await childTransaction.call(database, run as () => never);
      throw error;
    }) as never);
  };
  /** As lmdb tells that a commit failed, with a number of the system. */
  const commitFailed = (code: number): Error => {
    const commitError = Promise.reject(Object.assign(new Error('injected'), { code }));
    commitError.catch(() => {});
    return Object.assign(new Error('commit failed'), { commitError });
  };

  test.each([
    ['deltas', { deltas: [delta(5, 1, 2)] }, { 5: 's1.2@9 p0@0 2' }],
    ['promises', { promises: [[5, 6]] }, { 5: 'p6@9 0' }],
    ['drops', { drops: [5] }, {}],
  ] as const)(
    'and has reached the disk all the same is found there by the next: %s',
    async (what, next, found) => {
      const checkpoint = await begun();
      lie(checkpoint, io());
      const lost = what === 'promises' ? { promises: [[5, 3] as const] } : { deltas: [delta(5, 1, 1)] };
      await expect(checkpoint.write(write({ batch: 8, ...lost }))).rejects.toMatchObject({
        code: 'storage-failed',
      });
      await checkpoint.write(write({ batch: 9, ...next }));
      expect(await loaded()).toMatchObject({ rows: { ...before, ...found } });
    },
  );

  test.each([
    ['a row is another one', keyOf(301, 1), '[9,7]', 'root hash mismatch: expected '],
    ['the row of the whole is', global, null, 'root hash mismatch: expected '],
  ])('and leaves something else is found out by the next: %s', async (_, key, text, message) => {
    const checkpoint = await begun();
    await fail(checkpoint);
    const database = databaseOf(checkpoint);
    const was = (database.get(key) as Buffer).toString('utf8', 4);
    database.putSync(key, encoded(key, text ?? was.replace('"count":2', '"count":3')));
    for (let i = 0; i < 2; i++)
      await expect(checkpoint.write(write({ promises: [[5, 1]] }))).rejects.toMatchObject({
        code: 'storage-corrupt',
        message: expect.stringContaining(message),
      });
  });

  test('tells why the commit failed, and that the disk is full when it has no room', async () => {
    const cases: readonly (readonly [Error, string, unknown, number])[] = [
      [io(), 'storage-failed', 'EIO', 256],
      [io(), 'storage-full', 'ENOSPC', 255],
      [commitFailed(28), 'storage-full', 'ENOSPC', 256],
      [commitFailed(13), 'storage-failed', 'EACCES', 256],
    ];
    const { statfsSync } = fs;
    try {
      for (const [error, code, cause, bavail] of cases) {
        fs.statfsSync = (() => ({ bavail, bsize: 4096 })) as never;
        syncBuiltinESMExports();
        const checkpoint = await start();
        await checkpoint.load();
        lie(checkpoint, error);
        await expect(checkpoint.write(write())).rejects.toMatchObject({ code, details: { cause } });
        await checkpoint.close();
      }
    } finally {
      fs.statfsSync = statfsSync;
      syncBuiltinESMExports();
    }
  });
});
