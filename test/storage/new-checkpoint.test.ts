import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openStorage } from '../../src/storage/open.js';
import { temporaryFolder } from './folder.js';
import { append, brief, delta } from './records.js';

test('an empty or missing checkpoint file is a new one, if the store does not know that it had a longer one', async () => {
  const folder = temporaryFolder();
  try {
    const open = () => openStorage({ dir: folder.path, durability: 'fsync' });
    const first = await open();
    await first.append([append(0, 1, 1)]);
    await first.abandon();
    const file = join(folder.path, 'state', 'data.mdb');
    for (const damage of [() => fs.truncateSync(file, 0), () => fs.unlinkSync(file)]) {
      damage();
      await expect(open()).rejects.toMatchObject({ code: 'storage-corrupt' });
      // Stores of earlier versions do not say how long it was.
      const run = join(folder.path, 'run.json');
      const { stateBytes, ...said } = JSON.parse(fs.readFileSync(run, 'utf8')) as Record<string, unknown>;
      expect(stateBytes).toBeGreaterThan(0);
      fs.writeFileSync(run, JSON.stringify(said));
      const again = await open();
      expect(brief(again.recovered.partitions)).toEqual({ 0: 'p0 s0.0 [1.1]' });
      await again.abandon();
    }
    const last = await open();
    await last.checkpoint([delta(0, 1, 1)]);
    await last.close();
  } finally {
    folder.remove();
  }
});
