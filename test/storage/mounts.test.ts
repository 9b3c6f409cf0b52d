import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { createStore } from '../../src/storage/create.js';
import { openStorage } from '../../src/storage/open.js';
import { temporaryFolder } from './folder.js';
import { append, brief, delta } from './records.js';

const mountable = ((): boolean => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder.path], { stdio: 'ignore' });
    execFileSync('umount', [folder.path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    folder.remove();
  }
})();

async function onTmpfs(size: string, body: (path: string) => Promise<void>): Promise<void> {
  const folder = temporaryFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder.path]);
  try {
    await body(folder.path);
  } finally {
    execFileSync('umount', ['-l', folder.path]);
    folder.remove();
  }
}

/** Real file systems: needs root, for mounting. The same errors are injected in damage.test.ts. */
describe.skipIf(!mountable)('on a disk that is full or read-only', () => {
  test('a full disk rejects the append as storage-full; with space again nothing acknowledged is missing', async () => {
    await onTmpfs('2m', async (path) => {
      const storage = await openStorage({ dir: path, durability: 'fsync' });
      let stored = 0;
      const value = 'x'.repeat(50_000);
      const record = (seq: number) => {
        const r = append(0, 1, seq) as Extract<ReturnType<typeof append>, { type: 'append' }>;
        const command = { ...r.entry.command, op: { type: 'put', key: 'k', value } } as never;
        return { ...r, entry: { ...r.entry, command } };
      };
      const fill = async (): Promise<void> => {
        for (;;) {
          await storage.append([record(stored + 1)]);
          stored++;
        }
      };
      await expect(fill()).rejects.toMatchObject({ code: 'storage-full', details: { path } });
      await storage.close();
      expect(stored).toBeGreaterThan(10);
      await expect(openStorage({ dir: path, durability: 'fsync' })).rejects.toMatchObject({
        code: 'storage-full',
      });
      execFileSync('mount', ['-o', 'remount,size=8m', path]);
      const again = await openStorage({ dir: path, durability: 'fsync' });
      expect(again.recovered.partitions[0]!.entries).toHaveLength(stored);
      await again.close();
    });
  });

  test('a checkpoint that does not fit leaves the one before, the log goes on, and with space again it is written', async () => {
    await onTmpfs('2m', async (path) => {
      const storage = await openStorage({ dir: path, durability: 'fsync' });
      await storage.checkpoint([delta(0, 1, 5)]);
      const told = vi.spyOn(console, 'error').mockImplementation(() => {}); // lmdb tells it there as well
      const cells = Array.from(
        { length: 40 },
        (_, i) => [`k${i}`, { kind: 'text', value: 'x'.repeat(100_000), version: 1 }] as const,
      );
      await expect(storage.checkpoint([delta(0, 1, 9, { cells })])).rejects.toMatchObject({
        code: 'storage-full',
      });
      expect(storage.stats().checkpointError).toContain('the disk is full');
      await storage.append([append(0, 1, 6)]);
      // Again, and what would build on what is not there is not taken.
      await expect(storage.checkpoint([delta(0, 1, 9, { cells })])).rejects.toMatchObject({
        code: 'storage-full',
      });
      await expect(storage.checkpoint([delta(0, 1, 9, { full: false })])).rejects.toMatchObject({
        code: 'internal',
      });
      told.mockRestore();
      execFileSync('mount', ['-o', 'remount,size=32m', path]);
      await storage.checkpoint([delta(0, 1, 9, { cells })]);
      expect(storage.stats().checkpointError).toBeNull();
      await storage.checkpoint([delta(1, 1, 3)]);
      await storage.close();
      const third = await openStorage({ dir: path, durability: 'fsync' });
      expect(brief(third.recovered.partitions)).toEqual({ 0: 'p1 s1.9 []', 1: 'p1 s1.3 []' });
      await third.close();
    });
  });

  test('a read-only folder is refused as storage-failed, naming it', async () => {
    await onTmpfs('2m', async (path) => {
      const dir = join(path, 'data');
      await (await openStorage({ dir, durability: 'fsync' })).close();
      execFileSync('mount', ['-o', 'remount,ro', path]);
      await expect(openStorage({ dir, durability: 'fsync' })).rejects.toMatchObject({
        code: 'storage-failed',
        details: { path: dir, cause: 'EROFS' },
      });
      await expect(createStore(join(path, 'other'))).rejects.toMatchObject({ code: 'storage-failed' });
      expect(fs.existsSync(join(path, 'other'))).toBe(false);
    });
  });
});
