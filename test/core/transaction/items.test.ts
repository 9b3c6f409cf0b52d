import { describe, expect, test } from 'vitest';
import { voteOn } from '../../../src/core/machine/transactions.js';
import type { TxItem } from '../../../src/core/machine/types.js';
import { hashKey, partitionOf } from '../../../src/core/ring/hash.js';
import { anchorKey, byPartition, itemsProblem } from '../../../src/core/transaction/items.js';

const put = (key: string): TxItem => ({ type: 'put', key, value: 'x' });
const get = (key: string): TxItem => ({ type: 'get', key });

describe('the items of a transaction', () => {
  test('are refused when they write one key twice, for a vote judges each by itself', () => {
    expect(itemsProblem([put('a'), { type: 'incr', key: 'a', by: 1 }], null, 8)).toMatch(/writes a twice/);
    expect(itemsProblem([get('a'), put('a'), put('b')], null, 8)).toBeNull();
  });
  test('are refused by a partition whose keys they are not', () => {
    const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
    const own = keys.filter((key) => partitionOf(hashKey(key), 8) === 3);
    const foreign = keys.find((key) => partitionOf(hashKey(key), 8) !== 3) as string;
    expect(itemsProblem(own.map(put), 3, 8)).toBeNull();
    expect(itemsProblem([...own.map(put), get(foreign)], 3, 8)).toContain(foreign);
  });
  test('are dealt out to their partitions, each in its order, and anchored at the first write', () => {
    const items = [get('a'), put('b'), put('c'), get('b')];
    const parts = byPartition(items, 4);
    expect([...parts.values()].flat().length).toBe(items.length);
    for (const [p, list] of parts)
      expect(list).toEqual(items.filter(({ key }) => partitionOf(hashKey(key), 4) === p));
    expect(anchorKey(items)).toBe('b');
    expect(anchorKey([get('a')])).toBe('a');
  });
  test('say shortly why a check failed, however long the value is', () => {
    const cells = new Map([['a', { kind: 'text', value: 'x'.repeat(1_000_000), version: 1 } as const]]);
    const vote = voteOn([{ type: 'check', key: 'a', equals: 'y' }], cells);
    expect(vote).toMatchObject({ yes: false, reason: 'check' });
    expect(JSON.stringify(vote).length).toBeLessThan(200);
  });
});
