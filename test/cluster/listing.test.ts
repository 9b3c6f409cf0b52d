import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MusterClient } from '../../src/client/api.js';
import { LIST_REST_MS, Listing } from '../../src/cluster/folder/listing.js';
import { says } from './samples.js';

const rows = [{ partition: 0, role: 'primary', tail: 1, rows: 1 }] as never;
const some = [says('n1', { partitions: rows })];

describe('the list of transactions and locks', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** A client whose lists take so long, in ms; counts how often it was asked. */
  const clientThatTakes = (ms: () => number) => {
    const list = vi.fn(() => new Promise<never[]>((done) => setTimeout(() => done([]), ms())));
    const locks = { list: vi.fn(async () => []) };
    return { list, client: { tx: { list }, locks } as unknown as MusterClient };
  };

  /** Looks each 100 ms for so long, in ms. */
  const lookFor = async (listing: Listing, client: MusterClient, ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 100) {
      void listing.refresh(client, some);
      await vi.advanceTimersByTimeAsync(100);
    }
  };

  it('is asked for so seldom that it takes a twentieth of the time', async () => {
    const { list, client } = clientThatTakes(() => 50);
    await lookFor(new Listing(200), client, 10_000);
    expect(list.mock.calls.length).toBeGreaterThanOrEqual(9);
    expect(list.mock.calls.length).toBeLessThanOrEqual(10);
  });

  it('is soon asked for again after a partition kept it waiting', async () => {
    let takes = 2000;
    const { list, client } = clientThatTakes(() => takes);
    const listing = new Listing(200);
    await lookFor(listing, client, 2000);
    expect(list).toHaveBeenCalledTimes(1);
    takes = 1;
    await lookFor(listing, client, LIST_REST_MS + 200);
    expect(list).toHaveBeenCalledTimes(2);
  });

  it('is not asked for where no node has a row', async () => {
    const { list, client } = clientThatTakes(() => 1);
    await new Listing(200).refresh(client, [says('n1')]);
    expect(list).not.toHaveBeenCalled();
  });
});
