import { EventEmitter } from 'node:events';
import { type FSWatcher, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
  vi.restoreAllMocks();
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

  /** The watches that the system was asked for, and those of them that were closed. */
  const systemWatches = () => {
    const asked: FSWatcher[] = [];
    const closed: FSWatcher[] = [];
    const { on } = EventEmitter.prototype;
    vi.spyOn(EventEmitter.prototype, 'on').mockImplementation(function (this: EventEmitter, ...args) {
      if (args[0] === 'error' && this.constructor.name === 'FSWatcher') {
        const system = this as FSWatcher;
        asked.push(system);
        const close = system.close.bind(system);
        system.close = () => {
          closed.push(system);
          close();
        };
      }
      return on.apply(this, args);
    });
    return { asked, closed };
  };

  test('asks the system once, and anew after an error and after its end', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { asked, closed } = systemWatches();
    const one = watching(1000);
    const counts = () => [asked.length, closed.length];
    expect(counts()).toEqual([0, 0]);
    const ends = [one.add(0, () => {}), one.add(0, () => {})];
    vi.advanceTimersByTime(3000);
    expect(counts()).toEqual([1, 0]);
    asked[0]?.emit('error', new Error('made up'));
    expect(counts()).toEqual([1, 1]);
    vi.advanceTimersByTime(1000);
    expect(counts()).toEqual([2, 1]);
    // The first is of no interest any more.
    asked[0]?.emit('error', new Error('made up'));
    vi.advanceTimersByTime(2000);
    expect([asked.length, closed.filter((system) => system === asked[1])]).toEqual([2, []]);
    ends[0]?.();
    expect(closed).not.toContain(asked[1]);
    ends[1]?.();
    expect(closed).toContain(asked[1]);
    await settle();
    const before = looks;
    vi.advanceTimersByTime(5000);
    await settle();
    expect([asked.length, looks]).toEqual([2, before]);
    // It begins anew for whoever comes then.
    const seen: number[] = [];
    newest = 4;
    one.add(0, (revision) => seen.push(revision));
    await settle();
    expect([asked.length, seen]).toEqual([3, [4]]);
    newest = 5;
    vi.advanceTimersByTime(1000);
    await settle();
    expect(seen).toEqual([4, 5]);
    one.close();
    newest = 6;
    vi.advanceTimersByTime(1000);
    await settle();
    expect([seen, closed.includes(asked[2] as FSWatcher)]).toEqual([[4, 5], true]);
  });

  test('looks when the system does not say what has changed', async () => {
    const { asked } = systemWatches();
    const one = watching(never);
    const seen: number[] = [];
    one.add(0, (revision) => seen.push(revision));
    await settle();
    newest = 3;
    asked[0]?.emit('change', 'rename', 'other');
    await settle();
    expect([looks, seen]).toEqual([1, []]);
    asked[0]?.emit('change', 'rename', null);
    await settle();
    expect([looks, seen, one.seen]).toEqual([2, [3], 3]);
    // What is told by name needs no look, and an older one is forgotten.
    asked[0]?.emit('change', 'rename', '8');
    asked[0]?.emit('change', 'rename', '2');
    await settle();
    expect([looks, seen, one.seen]).toEqual([2, [3, 8], 8]);
  });

  test('knows of no revision at first', () => {
    expect(watching(never).seen).toBe(0);
  });
});
