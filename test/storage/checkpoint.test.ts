import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Contents, digestOf } from '../../src/core/machine/digest.js';
import type { CheckpointDelta, OpResult, SessionId } from '../../src/core/machine/types.js';
import { Random } from '../../src/core/random.js';
import { noFileFaults, type SimFileProcess, SimFileSystem } from '../../src/simulator/file-system.js';
import { simCheckpoints } from '../../src/simulator/sim-checkpoint.js';
import type { Checkpoint, CheckpointStore, CheckpointWrite } from '../../src/storage/checkpoint.js';
import { lmdbCheckpoints } from '../../src/storage/lmdb-checkpoint.js';
import { type Folder, temporaryFolder } from './folder.js';
import { lockRow } from './records.js';

const lineage = '0b0c8bd4-5a4e-4a57-8a3f-3d1a52a7b9a1';
const names = ['a', 'b\u0000', 'Zoë', '🦊', '\uffff', 'k10', 'k9'];

/** One partition as it is applied, and changes of it at random. */
class Partition {
  private readonly cells = new Map<string, string>();
  private readonly sessions = new Map<string, { first: number; results: Map<number, OpResult> }>();
  private readonly locks = new Map<string, number>();
  private seq = 0;
  private fresh = true;

  constructor(
    private readonly number: number,
    private readonly random: Random,
  ) {}

  private contents(): Contents {
    return {
      cells: [...this.cells].map(([key, value]) => [key, { kind: 'text', value, version: 1 }] as const),
      sessions: [...this.sessions].map(
        ([id, { first, results }]) => [id as SessionId, { first, results: [...results] }] as const,
      ),
      rows: [...this.locks].map(([name, seq]) => [`lock/${name}`, lockRow(seq)] as const),
    };
  }

  delta(): CheckpointDelta {
    const { random } = this;
    this.seq++;
    const cells = new Set<string>();
    const sessions = new Set<string>();
    const results = new Map<string, readonly [string, number]>();
    const rows = new Set<string>();
    for (let i = random.below(6); i > 0; i--) {
      const name = random.pick(names);
      const put = random.chance(0.7);
      const id = `0.${random.below(3)}`;
      switch (random.below(4)) {
        case 0:
          if (put) this.cells.set(name, `v${this.seq}.${i}`);
          else this.cells.delete(name);
          cells.add(name);
          break;
        case 1:
          if (put) this.locks.set(name, this.seq);
          else this.locks.delete(name);
          rows.add(name);
          break;
        case 2: {
          const session = this.sessions.get(id) ?? { first: 1, results: new Map() };
          if (put) {
            session.first++;
            this.sessions.set(id, session);
          } else {
            for (const n of session.results.keys()) results.set(`${id}/${n}`, [id, n]);
            this.sessions.delete(id);
          }
          sessions.add(id);
          break;
        }
        default: {
          const n = random.below(12);
          const session = this.sessions.get(id);
          if (session === undefined) break;
          if (put) session.results.set(n, { ok: true, value: this.seq, version: n } as OpResult);
          else session.results.delete(n);
          results.set(`${id}/${n}`, [id, n]);
        }
      }
    }
    const full = this.fresh || random.chance(0.2);
    this.fresh = false;
    const all = this.contents();
    const held = {
      cells: new Map(all.cells),
      rows: new Map(all.rows),
    };
    return {
      partition: this.number,
      promised: 1,
      gen: this.seq % 3,
      seq: this.seq,
      epoch: 2,
      digest: digestOf(all),
      full,
      ...(full
        ? {
            cells: all.cells,
            sessions: all.sessions.map(([id, { first }]) => [id, first] as const),
            results: all.sessions.flatMap(([id, { results: of }]) =>
              of.map(([n, result]) => [id, n, result] as const),
            ),
            rows: all.rows,
          }
        : {
            cells: [...cells].map((key) => [key, held.cells.get(key) ?? null] as const),
            sessions: [...sessions].map(
              (id) => [id as SessionId, this.sessions.get(id)?.first ?? null] as const,
            ),
            results: [...results.values()].map(
              ([id, n]) => [id as SessionId, n, this.sessions.get(id)?.results.get(n) ?? null] as const,
            ),
            rows: [...rows].map((name) => [`lock/${name}`, held.rows.get(`lock/${name}`) ?? null] as const),
          }),
    };
  }
}

/** What a load gives, in a form that can be compared. */
async function loaded(checkpoint: Checkpoint): Promise<unknown> {
  const { rows, floor, maxBatch } = await checkpoint.load();
  return {
    floor,
    maxBatch,
    rows: [...rows].map(([partition, { snapshot, snapshotBatch, promised, promiseBatch }]) => ({
      partition,
      snapshot,
      snapshotBatch,
      promised,
      promiseBatch,
    })),
  };
}

let folder: Folder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const openIn = (store: CheckpointStore, dir: string, of = lineage): Promise<Checkpoint> =>
  store.open({ dir, lineage: of, leastBytes: 0 });

function simulated(seed: number): { disk: SimFileSystem; process: () => SimFileProcess } {
  const disk = new SimFileSystem({ random: new Random(seed), step: async () => {} });
  let started = 0;
  return { disk, process: () => disk.process(`p${++started}`) };
}

/** Writes at random; `partitions` knows what is applied. */
function randomWrite(random: Random, partitions: Map<number, Partition>, batch: number): CheckpointWrite {
  const drops = [...partitions.keys()].filter(() => random.chance(0.1));
  for (const partition of drops) partitions.delete(partition);
  const deltas: CheckpointDelta[] = [];
  for (const number of [0, 1, 2, 300]) {
    if (random.chance(0.5)) continue;
    const partition = partitions.get(number) ?? new Partition(number, random);
    partitions.set(number, partition);
    deltas.push(partition.delta());
  }
  const promises = [0, 1, 2, 7].filter(() => random.chance(0.3)).map((p) => [p, batch + p] as const);
  return { batch, drops, deltas, promises, floor: random.below(batch + 1) };
}

describe('the checkpoint of the simulator', () => {
  test('loads what LMDB loads, after whatever writes and crashes', { timeout: 60_000 }, async () => {
    let largest = 0;
    for (let seed = 1; seed <= 25; seed++) {
      const random = new Random(seed);
      const { disk, process } = simulated(seed);
      const partitions = new Map<number, Partition>();
      let dir = join(folder.path, `${seed}`);
      let twin = process();
      let real = await openIn(lmdbCheckpoints, dir);
      let like = await openIn(simCheckpoints(twin), '/n1');
      for (let step = 1; step <= 25; step++) {
        if (random.chance(0.75)) {
          const write = randomWrite(random, partitions, step);
          await Promise.all([real.write(write), like.write(write)]);
          continue;
        }
        // As after a crash: the folder as it is, without a close.
        const next = `${dir}x`;
        fs.cpSync(dir, next, { recursive: true });
        await real.close();
        dir = next;
        if (random.chance(0.5)) disk.powerFailure();
        else twin.kill();
        twin = process();
        real = await openIn(lmdbCheckpoints, dir);
        like = await openIn(simCheckpoints(twin), '/n1');
        const expected = await loaded(real);
        expect(await loaded(like), `seed ${seed} step ${step}`).toEqual(expected);
        largest = Math.max(largest, JSON.stringify(expected).length);
      }
      await real.close();
    }
    expect(largest).toBeGreaterThan(3000);
  });

  test('is whole, before or after, when a write fails or the process is killed in it; and takes more writes', async () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 200; seed++) {
      const random = new Random(seed);
      const { disk, process } = simulated(seed);
      const partitions = new Map<number, Partition>();
      const [first, second] = [1, 2].map((batch) => randomWrite(random, partitions, batch)) as [
        CheckpointWrite,
        CheckpointWrite,
      ];
      const setUp = process();
      const like = await openIn(simCheckpoints(setUp), '/n1');
      await like.load();
      await like.write(first);
      const before = await loaded(like);
      const how = random.pick(['io', 'full', 'kill']);
      if (how === 'kill') {
        void like.write(second);
        for (let i = random.below(6); i > 0; i--) await Promise.resolve();
        setUp.kill();
      } else {
        disk.faults = { ...noFileFaults, [how]: 1 };
        const code = how === 'io' ? 'storage-failed' : 'storage-full';
        await expect(like.write(second)).rejects.toMatchObject({ code });
        disk.faults = noFileFaults;
      }
      if (random.chance(0.5)) disk.powerFailure();
      const next = process();
      if (!setUp.killed) setUp.kill();
      const again = await openIn(simCheckpoints(next), '/n1');
      const found = await loaded(again);
      await again.write(second);
      const after = await loaded(again);
      const isBefore = JSON.stringify(found) === JSON.stringify(before);
      if (!isBefore) expect(found, `seed ${seed} ${how}`).toEqual(after);
      seen.add(`${how} ${isBefore ? 'before' : 'after'}`);
    }
    expect([...seen].sort()).toEqual(['full before', 'io after', 'io before', 'kill after', 'kill before']);
  });

  test.each(['lmdb', 'twin'])(
    'refuses the checkpoint of another store, and one that is gone (%s)',
    async (kind) => {
      const { disk, process } = simulated(1);
      const store = kind === 'lmdb' ? lmdbCheckpoints : simCheckpoints(process());
      const dir = kind === 'lmdb' ? folder.path : '/n1';
      const mine = await openIn(store, dir);
      expect(await loaded(mine)).toEqual({ floor: 0, maxBatch: 0, rows: [] });
      await mine.write(randomWrite(new Random(1), new Map(), 1));
      const leastBytes = await mine.bytes();
      expect(leastBytes).toBeGreaterThan(0);
      await mine.close();
      const other = await openIn(store, dir, lineage.replaceAll('0', '1'));
      await expect(other.load()).rejects.toMatchObject({ code: 'storage-corrupt' });
      await other.close();
      if (kind === 'lmdb') fs.rmSync(join(dir, 'state'), { recursive: true });
      else disk.remove('/n1/state');
      await expect(store.open({ dir, lineage, leastBytes })).rejects.toMatchObject({
        code: 'storage-corrupt',
      });
    },
  );

  test('a bit that flipped in it is noticed, and a copy of the folder has it', async () => {
    const { disk, process } = simulated(1);
    const like = await openIn(simCheckpoints(process()), '/n1');
    await like.write(randomWrite(new Random(3), new Map(), 1));
    const expected = await loaded(like);
    const image = disk.save('/n1');
    const copy = disk.clone();
    disk.corrupt('/n1/state/data.mdb', 5);
    const damaged = await openIn(simCheckpoints(process()), '/n1');
    await expect(damaged.load()).rejects.toMatchObject({ code: 'storage-corrupt' });
    disk.restore('/n1', image);
    for (const at of [process(), copy.process('p')])
      expect(await loaded(await openIn(simCheckpoints(at), '/n1'))).toEqual(expected);
  });
});
