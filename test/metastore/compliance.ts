import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Metastore } from '../../src/metastore/contract.js';
import { mapOf } from './maps.js';

export interface MetastoreFixture {
  /** Another user of the same maps. */
  connect(): Metastore;
  destroy(): Promise<void>;
}

/** The suite that every `Metastore` passes. */
export function metastoreCompliance(name: string, make: () => Promise<MetastoreFixture>): void {
  describe(`metastore: ${name}`, () => {
    let fixture: MetastoreFixture;
    let connected: Metastore[];
    const connect = (): Metastore => {
      const metastore = fixture.connect();
      connected.push(metastore);
      return metastore;
    };
    beforeEach(async () => {
      fixture = await make();
      connected = [];
    });
    afterEach(async () => {
      for (const metastore of connected) await metastore.close();
      await fixture.destroy();
    });

    test('there is no map at first', async () => {
      expect(await connect().read()).toBeNull();
    });

    test('a published map is what everyone reads', async () => {
      const [a, b] = [connect(), connect()];
      expect(await b.read()).toBeNull();
      expect(await a.publish(mapOf(1), 0)).toBe('ok');
      expect(await a.read()).toEqual(mapOf(1));
      expect(await b.read()).toEqual(mapOf(1));
      expect(await b.publish(mapOf(2, 'b'), 1)).toBe('ok');
      expect(await a.read()).toEqual(mapOf(2, 'b'));
    });

    test('a publish on another revision than the newest is a conflict and changes nothing', async () => {
      const metastore = connect();
      expect(await metastore.publish(mapOf(2), 1)).toBe('conflict');
      await metastore.publish(mapOf(1), 0);
      await metastore.publish(mapOf(2), 1);
      expect(await metastore.publish(mapOf(2, 'late'), 1)).toBe('conflict');
      expect(await metastore.publish(mapOf(1, 'later'), 0)).toBe('conflict');
      expect(await metastore.publish(mapOf(4, 'early'), 3)).toBe('conflict');
      expect(await metastore.read()).toEqual(mapOf(2));
    });

    test('a map whose revision does not follow the expected one fails', async () => {
      expect(await connect().publish(mapOf(3), 0)).toBe('failed');
      expect(await connect().read()).toBeNull();
    });

    test('of many at once exactly one gets through', async () => {
      const all = Array.from({ length: 8 }, connect);
      for (let revision = 1; revision <= 5; revision++) {
        const outcomes = await Promise.all(
          all.map((m, i) => m.publish(mapOf(revision, `w${i}`), revision - 1)),
        );
        expect(outcomes.filter((o) => o === 'ok')).toHaveLength(1);
        expect(outcomes.filter((o) => o === 'conflict')).toHaveLength(7);
        expect((await all[0]!.read())!.name).toBe(`w${outcomes.indexOf('ok')}`);
      }
    });

    test('hundreds of revisions later the newest is still the newest', async () => {
      const [a, b] = [connect(), connect()];
      for (let revision = 1; revision <= 150; revision++) {
        expect(await a.publish(mapOf(revision), revision - 1)).toBe('ok');
      }
      expect((await b.read())!.revision).toBe(150);
      expect(await b.publish(mapOf(5), 4)).toBe('conflict');
    });

    test('a watch tells of revisions already there and of new ones, and ends', async () => {
      const [a, b] = [connect(), connect()];
      await a.publish(mapOf(1), 0);
      const seen: number[] = [];
      let wake = (): void => {};
      const reach = async (revision: number): Promise<void> => {
        while ((seen.at(-1) ?? 0) < revision) await new Promise<void>((resolve) => (wake = resolve));
      };
      const end = b.watch(0, (revision) => {
        seen.push(revision);
        wake();
      });
      await reach(1);
      await a.publish(mapOf(2), 1);
      await reach(2);
      end();
      const other: number[] = [];
      const endOther = b.watch(2, (revision) => {
        other.push(revision);
        wake();
      });
      await a.publish(mapOf(3), 2);
      while (other.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      endOther();
      expect(seen).toEqual([1, 2]);
      expect(other).toEqual([3]);
    });

    test('a closed one publishes nothing', async () => {
      const metastore = connect();
      await metastore.close();
      expect(await metastore.publish(mapOf(1), 0)).toBe('failed');
    });
  });
}
