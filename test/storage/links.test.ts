import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createStore } from '../../src/storage/create.js';
import { openStorage } from '../../src/storage/open.js';
import { type Folder, temporaryFolder } from './folder.js';
import { append } from './records.js';

let folder: Folder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

test.each(['log', 'state'])('a first start leaves alone what lies behind a link called %s', async (name) => {
  const data = join(folder.path, 'data');
  const other = join(folder.path, 'other');
  fs.mkdirSync(other);
  fs.writeFileSync(join(other, 'of somebody else'), '');
  await createStore(data);
  fs.symlinkSync(other, join(data, name));
  const storage = await openStorage({ dir: data, durability: 'fsync' }).catch(() => null);
  await storage?.close();
  expect(fs.existsSync(join(other, 'of somebody else'))).toBe(true);
});

test('a start that was killed as it made its segment, after a clean end, leaves no damage', async () => {
  const { path: dir } = folder;
  const before = await openStorage({ dir, durability: 'fsync' });
  await before.append([append(0, 1, 1)]);
  await before.close();
  // The name is there, and no byte of the header yet.
  fs.writeFileSync(join(dir, 'log', '00000002.seg'), '');
  const storage = await openStorage({ dir, durability: 'fsync' });
  await storage.close();
  expect(storage.recovered.partitions[0]?.entries).toHaveLength(1);
  expect(storage.recovered.damaged).toBe(false);
});
