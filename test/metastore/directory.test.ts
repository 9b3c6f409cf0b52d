import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DirectoryMetastore, KEPT } from '../../src/metastore/directory.js';
import { decodeMap, mapFileName } from '../../src/metastore/map-file.js';
import { metastoreCompliance } from './compliance.js';
import { mapOf } from './maps.js';

const fresh = (): string => fs.mkdtempSync(join(tmpdir(), 'muster-map-'));

metastoreCompliance('directory', async () => {
  const folder = fresh();
  return {
    connect: () => new DirectoryMetastore(join(folder, 'map')),
    destroy: async () => fs.rmSync(folder, { recursive: true, force: true }),
  };
});

describe('a directory of maps', () => {
  let folder: string;
  let metastore: DirectoryMetastore;
  beforeEach(() => {
    folder = fresh();
    metastore = new DirectoryMetastore(folder);
  });
  afterEach(async () => {
    await metastore.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });
  const publishTo = async (last: number, from = 1): Promise<void> => {
    for (let r = from; r <= last; r++) expect(await metastore.publish(mapOf(r), r - 1)).toBe('ok');
  };
  const files = (): string[] => fs.readdirSync(folder).sort();

  test('keeps the newest numbers and no temporary files', async () => {
    await publishTo(100);
    expect(files()).toEqual(Array.from({ length: KEPT }, (_, i) => mapFileName(100 - KEPT + 1 + i)));
  });

  test.each([
    ['cut short', (text: string) => text.slice(0, -20)],
    ['with another digit in it', (text: string) => text.replace('"partitions":1', '"partitions":2')],
    ['empty', () => ''],
  ])('a map file %s is metastore-unavailable, naming the file', async (_, damage) => {
    await publishTo(2);
    const path = join(folder, mapFileName(2));
    fs.writeFileSync(path, damage(fs.readFileSync(path, 'utf8')));
    const other = new DirectoryMetastore(folder);
    await expect(other.read()).rejects.toMatchObject({ code: 'metastore-unavailable', details: { path } });
  });

  test('a folder that cannot be read is metastore-unavailable', async () => {
    const path = join(folder, 'file');
    fs.writeFileSync(path, '');
    await expect(new DirectoryMetastore(path).read()).rejects.toMatchObject({
      code: 'metastore-unavailable',
    });
    expect(await new DirectoryMetastore(path).publish(mapOf(1), 0)).toBe('failed');
  });

  const fail = (code: string) => async (): Promise<never> => {
    throw Object.assign(new Error(code), { code });
  };

  test('what fails before the link has certainly not happened, what fails after it may have', async () => {
    const errors: unknown[] = [];
    const onError = (error: unknown): void => void errors.push(error);
    const failing = (io: object) => new DirectoryMetastore(folder, { io, onError }).publish(mapOf(1), 0);
    expect(await failing({ writeDurably: fail('ENOSPC') })).toBe('failed');
    expect(await failing({ link: fail('ENOSPC') })).toBe('failed');
    expect(await failing({ link: fail('EIO') })).toBe('unknown');
    expect(await metastore.read()).toBeNull();
    expect(await failing({ syncFolder: fail('EIO') })).toBe('unknown');
    expect((await metastore.read())!.revision).toBe(1);
    expect(errors).toHaveLength(4);
    expect(files()).toEqual([mapFileName(1)]);
  });

  test('others building on it before it has looked again do not make a publish lost', async () => {
    const slow = new DirectoryMetastore(folder, { io: { syncFolder: () => publishTo(KEPT, 2) } });
    expect(await slow.publish(mapOf(1), 0)).toBe('ok');
  });

  test('a publisher so late that its number is gone again says unknown, and readers do not see it', async () => {
    await publishTo(5);
    const late = new DirectoryMetastore(folder, {
      io: {
        link: async (from, to) => {
          await publishTo(6 + KEPT, 6); // 6 has been taken and removed when it links
          fs.linkSync(from, to);
        },
      },
    });
    expect(await late.publish(mapOf(6, 'late'), 5)).toBe('unknown');
    expect(decodeMap(fs.readFileSync(join(folder, mapFileName(6)), 'utf8'))!.name).toBe('late');
    expect(await metastore.read()).toEqual(mapOf(6 + KEPT));
    await publishTo(7 + KEPT, 7 + KEPT);
    expect(files()).not.toContain(mapFileName(6));
  });

  test('temporary files go when they are old and their process is dead, others stay', async () => {
    const old = new Date(Date.now() - 3_600_000);
    const ancient = new Date(Date.now() - 48 * 3_600_000);
    const make = (name: string, time?: Date): void => {
      fs.writeFileSync(join(folder, name), 'x');
      if (time !== undefined) fs.utimesSync(join(folder, name), time, time);
    };
    const dead = spawn(process.execPath, ['-e', '0']);
    await once(dead, 'exit');
    make(`.tmp-${dead.pid}-1-1`, old);
    make(`.tmp-${dead.pid}-1-2`);
    make(`.tmp-${process.pid}-1-3`, old);
    make(`.tmp-${process.pid}-1-4`, ancient);
    await publishTo(KEPT + 1);
    expect(new Set(files().filter((name) => name.startsWith('.tmp')))).toEqual(
      new Set([`.tmp-${dead.pid}-1-2`, `.tmp-${process.pid}-1-3`]),
    );
  });

  test('four processes race, killed at random: no revision is lost or doubled', {
    timeout: 60_000,
  }, async () => {
    const goal = 201;
    await publishTo(1);
    const lines: string[] = [];
    const killed = new Set<string>();
    const running = new Map<string, ChildProcess>();
    let started = 0;
    const start = (): Promise<void> => {
      const author = `p${++started}`;
      const script = fileURLToPath(new URL('publisher.ts', import.meta.url));
      const args = ['--import', 'tsx', script, folder, author, String(goal)];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      running.set(author, child);
      let text = '';
      child.stdout!.on('data', (chunk) => (text += chunk));
      return once(child, 'close').then(() => {
        running.delete(author);
        lines.push(...text.split('\n').filter((line) => line !== ''));
        // A killed one is replaced, until the goal is reached.
        return killed.has(author) ? start() : undefined;
      });
    };
    // What every revision said, collected while they come: old ones are removed.
    const history = new Map<number, string>([[1, 'test']]);
    const collect = (): void => {
      for (const name of files().filter((n) => n.endsWith('.json'))) {
        const revision = Number(name.slice(0, -5));
        const text = history.has(revision) ? null : fs.readFileSync(join(folder, name), 'utf8');
        if (text !== null) history.set(revision, decodeMap(text)!.name);
      }
    };
    let kills = 0;
    const end = metastore.watch(1, (revision) => {
      collect();
      if (revision < 25 * (kills + 1) || kills >= 7) return;
      const [author, victim] = [...running][kills % running.size]!;
      kills++;
      killed.add(author);
      victim.kill('SIGKILL');
    });
    await Promise.all(Array.from({ length: 4 }, start));
    end();
    collect();
    expect(kills).toBeGreaterThan(2);

    const acknowledged = lines.filter((line) => line.startsWith('ok ')).map((line) => line.split(' '));
    expect(lines.filter((line) => !line.startsWith('ok '))).toEqual([]);
    const revisions = acknowledged.map(([, revision]) => Number(revision));
    expect(new Set(revisions).size).toBe(revisions.length);
    for (const [, revision, name] of acknowledged) expect(history.get(Number(revision))).toBe(name);
    expect([...history.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: goal }, (_, i) => i + 1));
    // Revisions nobody acknowledged are those of processes that were killed in between, at most one each.
    expect(goal - 1 - revisions.length).toBeLessThanOrEqual(killed.size);
    expect((await metastore.read())!.revision).toBe(goal);
  });
});
