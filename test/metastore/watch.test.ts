import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FolderWatch } from '../../src/metastore/watch.js';

/** So long that no test ever sees a second look. */
const never = 3_600_000;
let folder: string;
let watch: FolderWatch | null = null;
/** The newest revision, as a look at the folder finds it, and how often somebody looked. */
let newest = 0;
let looks = 0;

const watching = (pollMs: number, path = folder): FolderWatch => {
  watch = new FolderWatch(
    path,
    pollMs,
    async () => {
      looks++;
      return newest;
    },
    (name) => (/^\d+$/.test(name) ? Number(name) : null),
  );
  return watch;
};
const settle = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-watch-'));
  newest = 0;
  looks = 0;
});
afterEach(() => {
  watch?.close();
  watch = null;
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

describe('a watch of a folder', () => {
  test('is told of a new file by the system, without looking', async () => {
    const seen: number[] = [];
    const one = watching(never);
    one.add(0, (revision) => seen.push(revision));
    await settle();
    expect(looks).toBe(1);
    writeFileSync(join(folder, 'no-revision'), '');
    writeFileSync(join(folder, '7'), '');
    await expect.poll(() => seen).toEqual([7]);
    expect([looks, one.seen]).toEqual([1, 7]);
    // An older one is no news.
    writeFileSync(join(folder, '5'), '');
    writeFileSync(join(folder, '8'), '');
    await expect.poll(() => seen).toEqual([7, 8]);
  });

  test('finds by looking what it was not told of, also in a folder that was made later', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const path = join(folder, 'later');
    const seen: number[] = [];
    const one = watching(1000, path);
    const end = one.add(3, (revision) => seen.push(revision));
    await settle();
    newest = 3;
    vi.advanceTimersByTime(999);
    await settle();
    expect([looks, seen]).toEqual([1, []]);
    newest = 4;
    vi.advanceTimersByTime(1);
    await settle();
    expect([looks, seen]).toEqual([2, [4]]);
    mkdirSync(path);
    vi.advanceTimersByTime(1000);
    await settle();
    // From now on the system tells.
    writeFileSync(join(path, '9'), '');
    await expect.poll(() => seen).toEqual([4, 9]);
    end();
    const before = looks;
    vi.advanceTimersByTime(10_000);
    await settle();
    expect(looks).toBe(before);
  });

  test('tells each watcher what it has not seen, and nobody who has ended', async () => {
    newest = 5;
    const one = watching(never);
    const seen: string[] = [];
    const first = one.add(0, (revision) => {
      seen.push(`first ${revision}`);
      second();
    });
    const second = one.add(4, (revision) => seen.push(`second ${revision}`));
    one.add(5, (revision) => seen.push(`third ${revision}`));
    await settle();
    expect(seen).toEqual(['first 5']);
    first();
    writeFileSync(join(folder, '6'), '');
    await expect.poll(() => seen).toEqual(['first 5', 'third 6']);
  });

  test('looks once more when it was asked to while it looked, and goes on after a look that failed', async () => {
    const gates: ((fail: boolean) => void)[] = [];
    watch = new FolderWatch(
      folder,
      never,
      () =>
        new Promise((resolve, reject) => {
          gates.push((fail) => (fail ? reject(new Error('no')) : resolve(newest)));
        }),
      () => null,
    );
    const seen: number[] = [];
    watch.add(0, (revision) => seen.push(revision));
    watch.add(1, () => {});
    watch.add(1, () => {});
    expect(gates).toHaveLength(1);
    newest = 1;
    gates[0]?.(false);
    await settle();
    expect([gates.length, seen]).toEqual([2, [1]]);
    gates[1]?.(true);
    await settle();
    expect(gates).toHaveLength(2);
    newest = 2;
    watch.add(1, () => {});
    expect(gates).toHaveLength(3);
    gates[2]?.(false);
    await settle();
    expect(seen).toEqual([1, 2]);
  });
});
