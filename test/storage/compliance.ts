import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { emptySnapshot, sealed } from '../../src/core/machine/digest.js';
import type { Durability } from '../../src/core/map/types.js';
import { limits } from '../../src/limits.js';
import type { NodeStorage } from '../../src/storage/contract.js';
import {
  append,
  appends,
  brief,
  cellsAt,
  delta,
  drop,
  everyRow,
  lockRow,
  promise,
  snapshot,
} from './records.js';

/** One disk of an implementation, with segments of a few records each. */
export interface StorageFixture {
  open(durability?: Durability): Promise<NodeStorage>;
  /** The process dies; what was acknowledged stays. */
  kill(storage: NodeStorage): Promise<void>;
  /** The machine dies; what was not synced is gone. */
  powerOff(storage: NodeStorage): Promise<void>;
  destroy(): Promise<void>;
}

/** The suite that every `NodeStorage` passes. */
export function storageCompliance(name: string, make: () => Promise<StorageFixture>): void {
  describe(`storage: ${name}`, () => {
    let disk: StorageFixture;
    let open: NodeStorage | null = null;
    const start = async (durability?: Durability): Promise<NodeStorage> => {
      open = await disk.open(durability);
      return open;
    };
    /** Kills the process and gives what the next one finds. */
    const restart = async (): Promise<NodeStorage> => {
      await disk.kill(open!);
      return start();
    };
    const found = async (): Promise<Record<number, string>> => brief((await restart()).recovered.partitions);

    beforeEach(async () => {
      disk = await make();
    });
    afterEach(async () => {
      await open?.close();
      open = null;
      await disk.destroy();
    });

    test('a new store is empty and at its first boot', async () => {
      const { recovered } = await start();
      expect(recovered).toMatchObject({ boot: 1, partitions: [], notes: [] });
      expect(recovered.store).not.toBe('');
    });

    test('the identity stays and the boot count grows, after a close and after a kill', async () => {
      const first = await start();
      await first.close();
      const second = await start();
      const third = await restart();
      expect(second.recovered).toMatchObject({ store: first.recovered.store, boot: 2, notes: [] });
      expect(third.recovered).toMatchObject({ store: first.recovered.store, boot: 3, notes: [] });
    });

    test('that the log is damaged is remembered until it is said that it is not', async () => {
      const first = await start();
      expect(first.recovered.damaged).toBe(false);
      await first.setDamaged(true);
      expect((await restart()).recovered.damaged).toBe(true);
      const third = await restart();
      expect(third.recovered.damaged).toBe(true);
      await third.setDamaged(false);
      await third.close();
      expect((await start()).recovered.damaged).toBe(false);
    });

    test('what was appended is found in order, record for record', async () => {
      const storage = await start();
      await storage.append([promise(7, 1), ...appends(7, 1, 1, 3), append(2, 1, 1)]);
      await storage.append(appends(7, 1, 4, 5));
      const [two, seven] = (await restart()).recovered.partitions;
      expect(two).toMatchObject({ partition: 2, entries: [{ seq: 1 }] });
      expect(seven!.entries).toEqual(appends(7, 1, 1, 5).map((r) => (r.type === 'append' ? r.entry : null)));
      expect(seven).toMatchObject({
        promised: 1,
        snapshot: { ...emptySnapshot() },
      });
    });

    test('text outside ASCII and odd keys survive log and checkpoint', async () => {
      const storage = await start();
      const odd = 'Zoë 🦊 \u0000\u001f "\\ \u2028';
      const cell = { kind: 'text', value: odd, version: 1 } as const;
      await storage.append([
        {
          type: 'append',
          partition: 0,
          entry: {
            epoch: 1,
            seq: 1,
            command: {
              type: 'op',
              session: '1.5',
              n: 1,
              first: 1,
              op: { type: 'put', key: odd, value: odd },
            },
          },
        },
      ]);
      await storage.checkpoint([delta(1, 1, 1, { cells: [[odd, cell]] })]);
      const [zero, one] = (await restart()).recovered.partitions;
      expect(zero!.entries[0]!.command).toMatchObject({ op: { key: odd, value: odd } });
      expect(one!.snapshot.cells).toEqual([[odd, cell]]);
    });

    test('a large batch is stored whole', async () => {
      const storage = await start();
      const value = 'x'.repeat(700_000);
      const records = [1, 2, 3, 4].map((seq) => {
        const record = append(0, 1, seq) as Extract<ReturnType<typeof append>, { type: 'append' }>;
        const command = { ...record.entry.command, op: { type: 'put', key: 'k', value } } as never;
        return { ...record, entry: { ...record.entry, command } };
      });
      await storage.append([...records, snapshot(1, 1, 5), append(1, 1, 6)]);
      await storage.append([append(0, 1, 5)]);
      expect(await found()).toEqual({ 0: 'p0 s0.0 [1.1 1.2 1.3 1.4 1.5]', 1: 'p0 s1.5 [1.6]' });
    });

    test('an append cuts everything at and after its seq', async () => {
      const storage = await start();
      await storage.append(appends(0, 1, 1, 6));
      await storage.append([append(0, 2, 4)]);
      expect(await found()).toEqual({ 0: 'p0 s0.0 [1.1 1.2 1.3 2.4]' });
    });

    test('the greatest promise counts', async () => {
      const storage = await start();
      await storage.append([promise(0, 5), promise(0, 3)]);
      expect(await found()).toEqual({ 0: 'p5 s0.0 []' });
    });

    test('a snapshot replaces state and log, and later entries follow it', async () => {
      const storage = await start();
      await storage.append([promise(0, 1), ...appends(0, 1, 1, 9)]);
      await storage.append([promise(0, 2), snapshot(0, 2, 6), append(0, 2, 7)]);
      const { recovered } = await restart();
      expect(brief(recovered.partitions)).toEqual({ 0: 'p2 s2.6 [2.7]' });
      expect(recovered.partitions[0]!.snapshot.cells).toEqual(cellsAt(6, 2));
      expect(recovered.partitions[0]!.snapshot.sessions).toEqual([['0.1', { first: 1, results: [] }]]);
    });

    test('a dropped partition is forgotten: log, checkpoint and promise', async () => {
      const storage = await start();
      await storage.append([promise(0, 4), ...appends(0, 1, 1, 3), append(1, 1, 1)]);
      await storage.checkpoint([delta(0, 4, 3)]);
      await storage.append([drop(0)]);
      expect(await found()).toEqual({ 1: 'p0 s0.0 [1.1]' });
      await open!.checkpoint([]);
      expect(await found()).toEqual({ 1: 'p0 s0.0 [1.1]' });
    });

    test('a partition that comes back after a drop starts from nothing', async () => {
      const storage = await start();
      await storage.append([promise(0, 9), ...appends(0, 1, 1, 8)]);
      await storage.checkpoint([delta(0, 9, 7)]);
      await storage.append([drop(0), promise(0, 2), append(0, 2, 1)]);
      expect(await found()).toEqual({ 0: 'p2 s0.0 [2.1]' });
      await open!.checkpoint([delta(0, 2, 1)]);
      expect(await found()).toEqual({ 0: 'p2 s2.1 []' });
    });

    test('recovery is the checkpoint and the entries after it', async () => {
      const storage = await start();
      await storage.append([promise(0, 1), ...appends(0, 1, 1, 8)]);
      await storage.checkpoint([delta(0, 1, 5)]);
      await storage.append(appends(0, 1, 9, 10));
      const { recovered } = await restart();
      expect(brief(recovered.partitions)).toEqual({ 0: 'p1 s1.5 [1.6 1.7 1.8 1.9 1.10]' });
      expect(recovered.partitions[0]!.snapshot.cells).toEqual(cellsAt(5, 1));
    });

    test('a delta changes what it names; a full one replaces everything', async () => {
      const storage = await start();
      const cell = (value: string, version: number) => ({ kind: 'text', value, version }) as const;
      const result = { ok: true, value: 7, version: 2 } as const;
      const session = { first: 3, results: [[3, result]] } as const;
      await storage.checkpoint([
        delta(0, 1, 2, {
          cells: [
            ['a', cell('1', 1)],
            ['b', cell('2', 2)],
          ],
          sessions: [
            ['0.1', 3],
            ['0.2', 3],
          ],
          results: [
            ['0.1', 3, result],
            ['0.2', 3, result],
          ],
          rows: [
            ['fence/f', { kind: 'fence', token: 3 }],
            ['fence/g', { kind: 'fence', token: 4 }],
          ],
        }),
        delta(1, 1, 2, {
          cells: [['a', cell('1', 1)]],
          sessions: [['0.1', 3]],
          results: [['0.1', 3, result]],
          rows: [['fence/f', { kind: 'fence', token: 5 }]],
        }),
      ]);
      await storage.checkpoint([
        delta(
          0,
          1,
          4,
          {
            full: false,
            cells: [
              ['a', null],
              ['c', cell('4', 4)],
            ],
            sessions: [['0.1', null]],
            results: [['0.1', 3, null]],
            rows: [['fence/f', null]],
          },
          {
            cells: [
              ['b', cell('2', 2)],
              ['c', cell('4', 4)],
            ],
            sessions: [['0.2', session]],
            rows: [['fence/g', { kind: 'fence', token: 4 }]],
          },
        ),
        delta(1, 1, 9, { cells: [['z', cell('9', 9)]] }),
      ]);
      const [zero, one] = (await restart()).recovered.partitions;
      expect(zero!.snapshot).toEqual(
        sealed({
          gen: 0,
          seq: 4,
          epoch: 1,
          cells: [
            ['b', cell('2', 2)],
            ['c', cell('4', 4)],
          ],
          sessions: [['0.2', session]],
          rows: [['fence/g', { kind: 'fence', token: 4 }]],
        }),
      );
      expect(one!.snapshot).toEqual(
        sealed({
          gen: 0,
          seq: 9,
          epoch: 1,
          cells: [['z', cell('9', 9)]],
          sessions: [],
          rows: [],
        }),
      );
    });

    test('rows of every kind come back from a snapshot in the log and from a checkpoint', async () => {
      const storage = await start();
      const record = snapshot(0, 1, 5) as Extract<ReturnType<typeof snapshot>, { type: 'snapshot' }>;
      await storage.append([{ ...record, snapshot: sealed({ ...record.snapshot, rows: everyRow }) }]);
      await storage.checkpoint([delta(1, 1, 1, { rows: everyRow })]);
      const [zero, one] = (await restart()).recovered.partitions;
      expect(zero!.snapshot).toEqual(sealed({ ...record.snapshot, rows: everyRow }));
      expect(one!.snapshot.rows).toEqual(everyRow);
    });

    test('a name as long as it may be is a name of a row', async () => {
      const storage = await start();
      const name = '🦊'.repeat(limits.keyBytes / 4);
      const rows = [[`fence/${name}\u0000${name}`, { kind: 'fence', token: 1 }]] as const;
      await storage.checkpoint([delta(0, 1, 1, { rows })]);
      expect((await restart()).recovered.partitions[0]!.snapshot.rows).toEqual(rows);
    });

    test('a delta sets and deletes rows, and leaves the others; a full one replaces them all', async () => {
      const storage = await start();
      const before = [
        ['lock/a', lockRow(1)],
        ['lock/b', lockRow(2)],
        ['lock/c', lockRow(3)],
      ] as const;
      await storage.checkpoint([0, 1, 2].map((p) => delta(p, 1, 3, { cells: [], rows: before })));
      await storage.checkpoint([
        delta(
          0,
          1,
          6,
          {
            full: false,
            cells: [],
            rows: [
              ['lock/a', null],
              ['lock/b', lockRow(5)],
              ['lock/d', lockRow(6)],
              ['lock/none', null],
            ],
          },
          {
            rows: [
              ['lock/b', lockRow(5)],
              ['lock/c', lockRow(3)],
              ['lock/d', lockRow(6)],
            ],
          },
        ),
        delta(1, 1, 6, { cells: [], rows: [['lock/d', lockRow(6)]] }),
      ]);
      const rows = (await restart()).recovered.partitions.map(({ snapshot }) => snapshot.rows);
      const sorted = rows.map((of) => [...of].sort(([a], [b]) => (a < b ? -1 : 1)));
      expect(sorted).toEqual([
        [
          ['lock/b', lockRow(5)],
          ['lock/c', lockRow(3)],
          ['lock/d', lockRow(6)],
        ],
        [['lock/d', lockRow(6)]],
        before,
      ]);
    });

    test('rows go with their partition, and those of its neighbours stay', async () => {
      const storage = await start();
      const rows = [['lock/a', lockRow(1)]] as const;
      await storage.checkpoint([4, 5, 6].map((p) => delta(p, 1, 3, { rows })));
      await storage.append([drop(5)]);
      await storage.checkpoint([]);
      await storage.append([append(5, 2, 1)]);
      await storage.checkpoint([delta(5, 2, 1, { full: false })]);
      const found = (await restart()).recovered.partitions;
      expect(found.map((p) => [p.partition, p.snapshot.rows])).toEqual([
        [4, rows],
        [5, []],
        [6, rows],
      ]);
    });

    test('a large transaction is stored whole, beside what is in its batch', async () => {
      const storage = await start();
      const items = [1, 2, 3].map(
        (i) => ({ type: 'put', key: `k${i}`, value: 'x'.repeat(700_000) }) as const,
      );
      const command = { type: 'prepare', tx: '3:0.1:7', anchor: 3, at: 1, items } as const;
      const entries = [1, 2, 3].map((seq) => ({ epoch: 1, seq, command }));
      await storage.append(entries.map((entry) => ({ type: 'append', partition: 0, entry })));
      expect((await restart()).recovered.partitions[0]!.entries).toEqual(entries);
    });

    test('a checkpoint after a snapshot wins over it, and stale entries stay cut', async () => {
      const storage = await start();
      await storage.append(appends(0, 1, 1, 12));
      await storage.append([snapshot(0, 2, 8), append(0, 2, 9)]);
      await storage.checkpoint([delta(0, 2, 9)]);
      expect(await found()).toEqual({ 0: 'p2 s2.9 []' });
    });

    test('a snapshot after a checkpoint wins over it, even with a smaller seq', async () => {
      const storage = await start();
      await storage.append(appends(0, 1, 1, 12));
      await storage.checkpoint([delta(0, 1, 10)]);
      await storage.append([snapshot(0, 3, 8, 1), append(0, 3, 9)]);
      expect(await found()).toEqual({ 0: 'p1 s3.8 [3.9]' });
    });

    test('entries of an older epoch than the state under them are not taken up', async () => {
      const storage = await start();
      await storage.append(appends(0, 1, 1, 12));
      await storage.checkpoint([delta(0, 2, 9)]); // its snapshot record never reached the log
      expect(await found()).toEqual({ 0: 'p2 s2.9 []' });
    });

    test('a checkpoint removes the segments it covers and none that are needed', async () => {
      const storage = await start();
      for (let seq = 1; seq <= 600; seq += 3)
        await storage.append([...appends(0, 1, seq, seq + 2), promise(5, seq)]);
      const before = storage.stats();
      expect(before.segments).toBeGreaterThan(4);
      await storage.checkpoint([delta(0, 1, 300)]);
      const half = storage.stats();
      expect(half.segments).toBeLessThan(before.segments);
      expect(half.logBytes).toBeLessThan(before.logBytes);
      expect(half.segments).toBeGreaterThan(1);
      await storage.checkpoint([delta(0, 1, 600)]);
      expect(storage.stats().segments).toBe(1);
      expect(await found()).toEqual({ 0: 'p1 s1.600 []', 5: 'p598 s0.0 []' });
    });

    test('appends and checkpoints run side by side', async () => {
      const storage = await start();
      const checkpoints: Promise<void>[] = [];
      for (let seq = 1; seq <= 200; seq++) {
        await storage.append([append(0, 1, seq), promise(1, seq), promise(1000 + seq, seq)]);
        if (seq % 10 === 0) checkpoints.push(storage.checkpoint([delta(0, 1, seq)]));
      }
      await Promise.all(checkpoints);
      const partitions = await found();
      expect(partitions[0]).toBe('p1 s1.200 []');
      expect(partitions[1]).toBe('p200 s0.0 []');
      for (let seq = 1; seq <= 200; seq++) expect(partitions[1000 + seq]).toBe(`p${seq} s0.0 []`);
    });

    test('a drop and a new beginning in one batch are both kept', async () => {
      const storage = await start();
      await storage.append([promise(0, 3), ...appends(0, 1, 1, 4)]);
      await storage.checkpoint([delta(0, 3, 4)]);
      await storage.append([drop(0), snapshot(0, 5, 2), append(1, 1, 1)]);
      for (let seq = 2; seq <= 100; seq++) await storage.append([append(1, 1, seq)]);
      await storage.checkpoint([delta(1, 1, 100)]);
      expect(await found()).toEqual({ 0: 'p0 s5.2 []', 1: 'p1 s1.100 []' });
    });

    test.each([false, true])(
      'drops and promises outlive their records in the log (restart before: %s)',
      async (again) => {
        let storage = await start();
        await storage.append([promise(0, 4), ...appends(0, 1, 1, 3), promise(2, 6)]);
        await storage.checkpoint([delta(0, 4, 3)]);
        await storage.append([drop(0), promise(3, 8)]);
        if (again) storage = await restart();
        for (let seq = 1; seq <= 100; seq++) await storage.append([append(1, 1, seq)]);
        await storage.checkpoint([delta(1, 1, 100)]);
        expect(storage.stats().segments).toBe(1);
        expect(await found()).toEqual({ 1: 'p1 s1.100 []', 2: 'p6 s0.0 []', 3: 'p8 s0.0 []' });
      },
    );

    test('entries that a snapshot cut do not keep their segments', async () => {
      const storage = await start();
      for (let seq = 1; seq <= 200; seq++) await storage.append([append(0, 1, seq)]);
      await storage.append([snapshot(0, 2, 50)]);
      for (let n = 1; n <= 200; n++) await storage.append([promise(1, n)]);
      const before = storage.stats().segments;
      await storage.checkpoint([]);
      expect(storage.stats().segments).toBeLessThan(before);
      await storage.checkpoint([delta(0, 2, 50)]);
      expect(storage.stats().segments).toBe(1);
      expect(await found()).toEqual({ 0: 'p2 s2.50 []', 1: 'p200 s0.0 []' });
    });

    test('what is appended while checkpoints wait their turn is not removed by them', async () => {
      const storage = await start();
      const waiting = Array.from({ length: 40 }, () =>
        storage.checkpoint([delta(0, 1, 1000, { cells: [] })]),
      );
      await storage.append([promise(5, 7)]);
      for (let seq = 1; seq <= 100; seq++) await storage.append([append(0, 1, seq)]);
      await Promise.all(waiting);
      expect(await found()).toEqual({ 0: 'p1 s1.1000 []', 5: 'p7 s0.0 []' });
    });

    test('an empty append and an empty checkpoint are fine', async () => {
      const storage = await start();
      await storage.append([]);
      await storage.checkpoint([]);
      expect(await found()).toEqual({});
    });

    test('overlapping appends and use after close are refused', async () => {
      const storage = await start();
      const first = storage.append([append(0, 1, 1)]);
      await expect(storage.append([append(0, 1, 2)])).rejects.toMatchObject({ code: 'internal' });
      await first;
      await storage.close();
      await expect(storage.append([append(0, 1, 2)])).rejects.toMatchObject({ code: 'storage-failed' });
      await expect(storage.checkpoint([])).rejects.toMatchObject({ code: 'storage-failed' });
      await storage.close();
    });

    test('close waits for what is under way', async () => {
      const storage = await start();
      const appended = storage.append([append(0, 1, 1)]);
      const checkpointed = storage.checkpoint([delta(1, 1, 4)]);
      await storage.close();
      await Promise.all([appended, checkpointed]);
      expect(brief((await start()).recovered.partitions)).toEqual({ 0: 'p0 s0.0 [1.1]', 1: 'p1 s1.4 []' });
    });

    test('a second one on the same disk is refused', async () => {
      await start();
      await expect(disk.open()).rejects.toMatchObject({ code: 'storage-locked' });
    });

    test('fsync: nothing acknowledged is lost with the machine, and the identity stays', async () => {
      const storage = await start('fsync');
      await storage.append(appends(0, 1, 1, 3));
      await disk.powerOff(storage);
      const { recovered } = await start('fsync');
      expect(recovered.store).toBe(storage.recovered.store);
      expect(brief(recovered.partitions)).toEqual({ 0: 'p0 s0.0 [1.1 1.2 1.3]' });
    });

    test('process: a killed process loses nothing and keeps its identity', async () => {
      const storage = await start('process');
      await storage.append(appends(0, 1, 1, 3));
      await disk.kill(storage);
      const { recovered } = await start('process');
      expect(recovered.store).toBe(storage.recovered.store);
      expect(brief(recovered.partitions)).toEqual({ 0: 'p0 s0.0 [1.1 1.2 1.3]' });
    });

    test('process: after the machine went down the store is another one, with a note', async () => {
      const storage = await start('process');
      await storage.append(appends(0, 1, 1, 3));
      await disk.powerOff(storage);
      const { recovered } = await start('process');
      expect(recovered.store).not.toBe(storage.recovered.store);
      expect(recovered.notes.join()).toMatch(/identity/);
      expect(recovered.boot).toBe(2);
    });

    test('process: after a clean close the machine may go down', async () => {
      const storage = await start('process');
      await storage.append(appends(0, 1, 1, 3));
      await storage.close();
      await disk.powerOff(storage);
      const { recovered } = await start('process');
      expect(recovered.store).toBe(storage.recovered.store);
      expect(brief(recovered.partitions)).toEqual({ 0: 'p0 s0.0 [1.1 1.2 1.3]' });
    });
  });
}
