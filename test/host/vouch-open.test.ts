import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withProcess } from '../../src/core/map/changes.js';
import type { ClusterMap, Member } from '../../src/core/map/types.js';
import { distrust, openVouched } from '../../src/host/vouch.js';
import { remintStore } from '../../src/storage/create.js';
import { openStorage } from '../../src/storage/open.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'muster-vouch-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const memberOf = (store: string, incarnation: number): Member => ({
  id: 'n1',
  store,
  incarnation,
  url: 'ws://127.0.0.1:1',
  weight: 1,
  zone: '',
  state: 'active',
});

async function started(times: number, durability: 'fsync' | 'process' = 'fsync'): Promise<string> {
  let store = '';
  for (let i = 0; i < times; i++) {
    const storage = await openStorage({ dir, durability });
    store = storage.recovered.store;
    await storage.close();
  }
  return store;
}

describe('an old copy of a store', () => {
  it('is distrusted as well when the start that found it out was killed before it had a new identity', async () => {
    const store = await started(2);
    const member = memberOf(store, 4);
    // Each of these starts is killed between the opening and the new identity.
    for (let i = 0; i < 2; i++) {
      const killed = await openStorage({ dir, durability: 'fsync' });
      expect(distrust(member, killed.recovered)).not.toBeNull();
      await killed.abandon();
    }
    const storage = await openVouched(member, {
      open: () => openStorage({ dir, durability: 'fsync' }),
      remint: (reason, seen) => remintStore(dir, reason, seen),
      note: () => {},
    });
    await storage.close();
    expect(storage.recovered.store).not.toBe(store);
  });

  it('is distrusted by the start after one whose new identity could not be written', async () => {
    const store = await started(3);
    const member = memberOf(store, 4);
    const open = () => openStorage({ dir, durability: 'fsync' });
    const full = () => Promise.reject(new Error('the disk is full'));
    await expect(openVouched(member, { open, remint: full, note: () => {} })).rejects.toThrow('full');
    const storage = await openVouched(member, {
      open,
      remint: (reason, seen) => remintStore(dir, reason, seen),
      note: () => {},
    });
    await storage.close();
    expect(storage.recovered.store).not.toBe(store);
  });
});

describe('a store in process mode whose machine went down', () => {
  it('gets one new identity, and the reason is the true one', async () => {
    const open = (machine: string) => openStorage({ dir, durability: 'process', machine });
    const before = await open('a');
    const { store } = before.recovered;
    await before.abandon();
    const notes: string[] = [];
    let reminted = 0;
    const storage = await openVouched(memberOf(store, 1), {
      open: () => open('b'),
      remint: (reason, seen) => {
        reminted++;
        return remintStore(dir, reason, seen);
      },
      note: (text) => notes.push(text),
    });
    await storage.close();
    expect(notes.join('\n')).not.toContain('has had another store since');
    expect(reminted).toBe(0);
  });
});

describe('a store that the map counts, and whose first start ended before it was in the map', () => {
  it('still counts after another store was in its place', () => {
    const counted = { partitions: [{ inSync: ['n1/S1'] }] } as unknown as ClusterMap;
    const member = withProcess(counted, memberOf('S1', 0), { store: 'S2', incarnation: 1, url: '' });
    expect(distrust(member, { store: 'S1', boot: 2 })).toBeNull();
  });
});
