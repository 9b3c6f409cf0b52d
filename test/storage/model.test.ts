import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../../src/core/random.js';
import { SimFileSystem } from '../../src/simulator/file-system.js';
import { openSimStorage } from '../../src/simulator/sim-storage.js';
import type { NodeStorage } from '../../src/storage/contract.js';
import type { FileStorage } from '../../src/storage/file-storage.js';
import { openStorage } from '../../src/storage/open.js';
import { temporaryFolder } from './folder.js';
import { withLogWrites } from './log-writes.js';
import { Model, type Step } from './model.js';

type Action =
  | { readonly do: 'batch'; readonly steps: readonly Step[] }
  | { readonly do: 'checkpoint'; readonly of: readonly number[]; readonly wait: boolean }
  | { readonly do: 'close' }
  /** The process dies while this batch is written; of its sectors those chosen by `mask` reach the disk. */
  | { readonly do: 'crash'; readonly steps: readonly Step[]; readonly mask: number };

const p = fc.integer({ min: 0, max: 2 });
const small = fc.integer({ min: 1, max: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('append' as const), p, n: small, newEpoch: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('overwrite' as const), p, back: small, n: small }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('apply' as const), p, n: small }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('snapshot' as const), p, ahead: small, rewind: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('promise' as const), p, n: small }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), p }) },
);
const steps = fc.array(step, { minLength: 1, maxLength: 5 });
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('batch' as const), steps }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('checkpoint' as const),
      of: fc.uniqueArray(p),
      wait: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('crash' as const), steps, mask: fc.nat(2 ** 16 - 1) }),
  },
);

interface Disk {
  open(): Promise<NodeStorage>;
  /** Begins to write `records` and dies; only what `mask` says reaches the disk. */
  crash(storage: NodeStorage, records: Parameters<NodeStorage['append']>[0], mask: number): Promise<void>;
  destroy(): void;
}

/** Runs the actions on a disk and on the model, and compares after each start. */
async function run(disk: Disk, actions: readonly Action[]): Promise<void> {
  let model = new Model();
  let storage = await disk.open();
  let boots = 1;
  const checkpoints: Promise<void>[] = [];
  const reopen = async (possible: readonly Model[]): Promise<void> => {
    storage = await disk.open();
    boots++;
    expect(storage.recovered.boot).toBe(boots);
    const problems = possible.map((m) => m.differs(storage.recovered.partitions));
    const right = problems.indexOf(null);
    if (right === -1) throw new Error(problems.join('\nor '));
    model = possible[right]!;
    // A node starts from what it recovered: applied is what the checkpoint holds, and every delta starts anew.
    for (const m of model.partitions.values()) m.dirty = null;
  };
  for (const a of actions) {
    if (a.do === 'batch') {
      await storage.append(a.steps.flatMap((s) => model.step(s)));
    } else if (a.do === 'checkpoint') {
      const deltas = a.of.map((number) => model.delta(number)).filter((d) => d !== null);
      const done = storage.checkpoint(deltas);
      if (a.wait) await done;
      else checkpoints.push(done);
    } else if (a.do === 'close') {
      await storage.close();
      await reopen([model]);
    } else {
      await Promise.all(checkpoints.splice(0));
      const after = model.copy();
      const records = a.steps.flatMap((s) => after.step(s));
      await disk.crash(storage, records, a.mask);
      // Steps that write nothing (apply) are of the process that died: both models may show them or not.
      await reopen([model, after]);
    }
  }
  await Promise.all(checkpoints);
  await storage.close();
  await reopen([model]);
  await storage.close();
}

function fileDisk(segmentBytes: number): Disk {
  const folder = temporaryFolder();
  let mask: number | null = null;
  let written = (): void => {};
  const files = withLogWrites(async (write, bytes, position) => {
    if (mask === null) return write(bytes, position);
    // Sectors of 64 bytes rather than 512, so that small batches are torn in interesting ways.
    for (let at = 0, bit = 0; at < bytes.length && at < 4096; at += 64, bit++)
      if ((mask >> (bit % 16)) & 1) await write(bytes.subarray(at, at + 64), position + at);
    written();
    return new Promise(() => {});
  });
  return {
    open: () => openStorage({ dir: folder.path, durability: 'fsync', segmentBytes, files }),
    crash: async (storage, records, chosen) => {
      mask = chosen;
      const done = new Promise<void>((resolve) => {
        written = resolve;
      });
      void storage.append(records);
      if (records.length > 0) await done;
      await (storage as FileStorage).abandon();
      mask = null;
    },
    destroy: () => folder.remove(),
  };
}

function simulatedDisk(): Disk {
  const random = new Random(1);
  const disk = new SimFileSystem({ random: random.fork(), step: async () => {} });
  let process = disk.process('node', { immediate: true });
  return {
    open: () => {
      process = disk.process('node', { immediate: true });
      return openSimStorage({ process, dir: '/n1', random, segmentBytes: 600 });
    },
    crash: async (storage, records, mask) => {
      void storage.append(records);
      // It dies after so many turns: before or after the write.
      for (let turn = mask % 4; turn > 0; turn--) await Promise.resolve();
      process.kill();
    },
    destroy: () => {},
  };
}

async function check(make: () => Disk, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 60 }), async (actions) => {
      const disk = make();
      try {
        await run(disk, actions);
      } finally {
        disk.destroy();
      }
    }),
    { numRuns },
  );
}

const RUNS = Number(process.env.MUSTER_MODEL_RUNS ?? 1);

test('folder: whatever happens, what is recovered is what the model has', { timeout: 600_000 }, async () => {
  await check(() => fileDisk(600), 40 * RUNS);
});

test('simulated disk: whatever happens, what is recovered is what the model has', {
  timeout: 600_000,
}, async () => {
  await check(simulatedDisk, 300 * RUNS);
});
