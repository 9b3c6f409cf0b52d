import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addressOf, lockCluster, withClusterLock } from '../../src/cluster/folder/lock.js';
import { folder } from './helpers.js';

describe('the lock of a cluster', () => {
  it('is refused to a second command as cluster-busy', async () => {
    const dir = folder();
    const lock = await lockCluster(dir);
    await expect(lockCluster(dir)).rejects.toMatchObject({ code: 'cluster-busy', exit: 6 });
    await lock.release();
    await (await lockCluster(dir)).release();
  });

  it('is given to one who waits as soon as the other ends', async () => {
    const dir = folder();
    const lock = await lockCluster(dir);
    const second = lockCluster(dir, 10_000);
    await lock.release();
    await (await second).release();
  });

  it.runIf(process.platform === 'linux')(
    'has one name under every version of Node, which fills its socket up',
    () => {
      expect(Buffer.byteLength(addressOf('/a/cluster'))).toBe(108);
    },
  );

  it('of one cluster does not lock another', async () => {
    const dir = folder();
    const a = await lockCluster(join(dir, 'a'));
    const b = await lockCluster(join(dir, 'b'));
    await Promise.all([a.release(), b.release()]);
  });

  it('is free again after the work failed', async () => {
    const dir = folder();
    await expect(withClusterLock(dir, 0, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await (await lockCluster(dir)).release();
  });

  it('ends with its process, also by SIGKILL', async () => {
    const dir = folder();
    const program = `import('${join(import.meta.dirname, '../../src/cluster/folder/lock.ts')}').then(async (m) => { await m.lockCluster(${JSON.stringify(dir)}); console.log('held'); setInterval(() => {}, 1000); })`;
    const child = spawn(process.execPath, ['--import', 'tsx', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout!, 'data');
    await expect(lockCluster(dir)).rejects.toMatchObject({ code: 'cluster-busy' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await lockCluster(dir, 5000)).release();
  });
});
