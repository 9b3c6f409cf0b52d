import { randomInt } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import type { FileSystem } from '../../src/files/contract.js';
import { systemError } from '../../src/files/contract.js';
import { COLLECTED } from '../../src/metastore/directory.js';
import { judge, type Operation, runMetastores, type Tamper } from './simulation.js';

vi.setConfig({ testTimeout: 120_000 });

const isTemporary = (path: string): boolean => path.includes('/.tmp-');

/** Each takes away one thing that the head of directory.ts counts on. */
const wrong: Readonly<Record<string, { tamper: Tamper; within: number; kept?: number }>> = {
  'temporary files of others stay': {
    within: 400,
    tamper: (files) => {
      const own = new Set<string>();
      return {
        ...files,
        open: (path, flags) => {
          if (flags === 'wx') own.add(path);
          return files.open(path, flags);
        },
        unlink: async (path) => {
          if (!isTemporary(path) || own.has(path)) await files.unlink(path);
        },
      };
    },
  },
  'a publisher looks before it writes its temporary file, and not again': {
    within: 400,
    tamper: (files) => {
      let before: string[] | null = null;
      return {
        ...files,
        open: async (path, flags) => {
          if (flags === 'wx' && isTemporary(path)) before = await files.readdir(path.replace(/\/[^/]*$/, ''));
          return files.open(path, flags);
        },
        readdir: async (path) => {
          const names = before ?? (await files.readdir(path));
          before = null;
          return names;
        },
        stat: async (path) => (path.endsWith('.json') ? { kind: 'file', bytes: 1 } : files.stat(path)),
      };
    },
  },
  'a folder without numbers counts as new': {
    within: 300,
    kept: 1,
    tamper: (files) => ({
      ...files,
      stat: async (path) => {
        if (path.endsWith(COLLECTED)) throw systemError('ENOENT', path);
        return files.stat(path);
      },
    }),
  },
  'the folder is not synced': {
    within: 40,
    tamper: (files) => withoutSync(files, (path) => !isTemporary(path)),
  },
  'the data is not synced': { within: 40, tamper: (files) => withoutSync(files, isTemporary) },
  'an error of link() counts as nothing done': {
    within: 100,
    tamper: (files) => ({
      ...files,
      link: (from, to) =>
        files.link(from, to).catch((error: { code: string }) => {
          throw error.code === 'EIO' ? systemError('ENOSPC', to) : error;
        }),
    }),
  },
};

const withoutSync = (files: FileSystem, which: (path: string) => boolean): FileSystem => ({
  ...files,
  open: async (path, flags) => {
    const file = await files.open(path, flags);
    return which(path) ? { ...file, sync: async () => {} } : file;
  },
});

describe('the metastore in a folder, over a simulated file system', () => {
  const run = async (seed: number) => {
    const report = await runMetastores(seed);
    expect(report.problem, `seed ${seed}`).toBeNull();
    const numbers = report.names.filter((name) => name.endsWith('.json'));
    expect(numbers, `seed ${seed}`).toHaveLength(report.kept);
    // What killed processes left went with the numbers.
    expect(
      report.names.filter((name) => name.startsWith('.tmp-')),
      `seed ${seed}`,
    ).toEqual([]);
    return report;
  };

  it('is linearizable and loses nothing (fixed seeds)', async () => {
    let [sleep, failures, kills, parts] = [0, 0, 0, 0];
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= 150; seed++) {
      const report = await run(seed);
      sleep = Math.max(sleep, report.longestSleep - report.kept);
      failures += report.powerFailures;
      kills += report.kills;
      if (report.parts > 0) parts++;
      for (const { outcome } of report.operations) outcomes.add(outcome);
    }
    // The runs met what they are about.
    expect(sleep).toBeGreaterThan(1);
    expect(Math.min(failures, kills, parts)).toBeGreaterThan(50);
    expect([...outcomes].sort()).toEqual(
      ['conflict', 'error', 'failed', 'map', 'none', 'ok', 'open', 'unknown'].sort(),
    );
  });

  it('is linearizable and loses nothing (fresh seeds)', async () => {
    for (let n = 0; n < 100; n++) await run(randomInt(2 ** 40));
  });

  it('gives the same run for the same seed', async () => {
    const [a, b] = [await runMetastores(17), await runMetastores(17)];
    expect(b.operations).toEqual(a.operations);
    expect(a.operations.length).toBeGreaterThan(50);
  });

  for (const [name, { tamper, within, kept }] of Object.entries(wrong)) {
    it(`is found wrong within ${within} seeds when ${name}`, async () => {
      for (let seed = 1; seed <= within; seed++) {
        if ((await runMetastores(seed, { tamper, kept })).problem !== null) return;
      }
      throw new Error('nobody noticed');
    });
  }
});

describe('the judge of metastores', () => {
  const op = (
    kind: Operation['kind'],
    [began, ended]: [number, number],
    revision: number,
    outcome: Operation['outcome'],
    name = '',
    found: Operation['found'] = null,
  ): Operation => ({ process: 'p', kind, began, ended, revision, name, outcome, found });
  const first = op('publish', [0, 2], 0, 'ok', 'a');
  const second = op('publish', [3, 5], 1, 'ok', 'b');
  const saw = (revision: number, name: string) => ({ revision, name });

  it('takes what one register could have given', () => {
    expect(judge([first, second, op('read', [4, 6], 0, 'map', '', saw(1, 'a'))])).toBeNull();
    expect(judge([first, op('publish', [3, 5], 1, 'unknown', 'b')])).toBeNull();
    expect(judge([first, op('publish', [1, 3], 0, 'conflict', 'b')])).toBeNull();
  });

  it.each<[string, Operation[]]>([
    ['went back', [first, second, op('read', [6, 7], 0, 'map', '', saw(1, 'a'))]],
    ['went back', [first, op('read', [3, 4], 0, 'none')]],
    ['two maps', [first, op('publish', [1, 3], 0, 'ok', 'b')]],
    [
      'two maps',
      [first, op('publish', [3, 4], 0, 'unknown', 'b'), op('read', [5, 6], 0, 'map', '', saw(1, 'b'))],
    ],
    ['nobody published', [op('read', [0, 1], 0, 'map', '', saw(1, 'a'))]],
    [
      'before its publish',
      [op('read', [0, 1], 0, 'map', '', saw(1, 'a')), op('publish', [2, 3], 0, 'ok', 'a')],
    ],
    [
      'failed took effect',
      [op('publish', [0, 1], 0, 'failed', 'a'), op('read', [2, 3], 0, 'map', '', saw(1, 'a'))],
    ],
    [
      'old revision',
      [
        first,
        op('publish', [3, 5], 1, 'unknown', 'b'),
        op('publish', [6, 7], 2, 'ok', 'c'),
        op('publish', [8, 9], 1, 'ok', 'd'),
      ],
    ],
    ['conflict with nobody', [first, op('publish', [3, 4], 1, 'conflict', 'b')]],
  ])('finds: %s', (what, operations) => {
    expect(judge(operations)).toContain(what);
  });
});
