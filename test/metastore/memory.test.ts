import { describe, expect, it } from 'vitest';
import { MemoryMaps, MemoryMetastore } from '../../src/metastore/memory.js';
import { metastoreCompliance } from './compliance.js';
import { mapOf } from './maps.js';

metastoreCompliance('memory', async () => {
  const maps = new MemoryMaps();
  return { connect: () => new MemoryMetastore(maps), destroy: async () => {} };
});

const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};

describe('maps in memory', () => {
  const connect = (maps = new MemoryMaps()) => ({ maps, metastore: new MemoryMetastore(maps) });

  it('are out of reach while the metastore is down', async () => {
    const { maps, metastore } = connect();
    expect([maps.down, maps.revision, maps.text]).toEqual([false, 0, null]);
    expect(await metastore.publish(mapOf(1), 0)).toBe('ok');
    maps.down = true;
    await expect(metastore.read()).rejects.toMatchObject({ code: 'metastore-unavailable' });
    await expect(metastore.readFrom()).rejects.toMatchObject({ code: 'metastore-unavailable' });
    expect(await metastore.publish(mapOf(2), 1)).toBe('failed');
    maps.down = false;
    expect([await metastore.read(), await metastore.readFrom(), maps.revision]).toEqual([
      mapOf(1),
      mapOf(1),
      1,
    ]);
  });

  it('are nobody’s to change', async () => {
    const { metastore } = connect();
    await metastore.publish(mapOf(1), 0);
    Object.assign((await metastore.read())!, { name: 'other' });
    expect(await metastore.read()).toEqual(mapOf(1));
  });

  it('tell each watch once of what it has not seen, until it ends', async () => {
    const { maps, metastore } = connect();
    await metastore.publish(mapOf(1), 0);
    const seen: string[] = [];
    const watch = (name: string, from: number) => metastore.watch(from, (r) => seen.push(`${name} ${r}`));
    const endFirst = watch('first', 0);
    watch('second', 1);
    const endEarly = watch('early', 0);
    endEarly();
    await settle();
    expect(seen).toEqual(['first 1']);
    // Two in a row are one.
    await Promise.all([metastore.publish(mapOf(2), 1), metastore.publish(mapOf(3), 2)]);
    await settle();
    expect(seen).toEqual(['first 1', 'first 3', 'second 3']);
    endFirst();
    await metastore.publish(mapOf(4), 3);
    await settle();
    expect(seen.slice(3)).toEqual(['second 4']);
    expect(maps.listeners.size).toBe(1);
    await metastore.close();
    expect(maps.listeners.size).toBe(0);
    await new MemoryMetastore(maps).publish(mapOf(5), 4);
    await settle();
    expect(seen.slice(4)).toEqual([]);
  });

  it('are those of one metastore alone unless they are shared', async () => {
    const metastore = new MemoryMetastore();
    expect(await metastore.publish(mapOf(1), 0)).toBe('ok');
    expect(await new MemoryMetastore().read()).toBeNull();
  });
});
