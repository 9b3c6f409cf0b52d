/** What a transaction over several partitions may read: as much as the answer and one entry take. */
import { expect, it } from 'vitest';
import type { TxItem, TxRead } from '../../../src/core/machine/types.js';
import { limits } from '../../../src/limits.js';
import { items, keyOf, Primary } from './primary.js';

it('as many characters as the limit says, and not one more, its own part included', () => {
  for (const extra of [0, 1]) {
    const anchor = new Primary();
    const own: TxItem = { type: 'get', key: keyOf(0) };
    anchor.begin(1, 1, [own, items[1] as TxItem]);
    anchor.apply();
    // A key without a value counts for 16.
    const room = limits.txReadUnits - keyOf(0).length - 16 - 1;
    anchor.vote(1, 1, 7, [['r', 'x'.repeat(room + extra), 1]]);
    expect(anchor.types).toEqual(['stage', extra === 0 ? 'decide' : 'abort']);
  }
});

it('nothing that is few characters but more bytes than an entry takes', { timeout: 60_000 }, () => {
  // Escaped, one character takes six bytes; empty texts take no characters, but 23 bytes each.
  const escaped: TxRead = ['', '\u0001'.repeat(limits.txReadUnits), 1];
  const empty = Array<TxRead>(95_000).fill(['', '', Number.MAX_SAFE_INTEGER]);
  const anchor = new Primary();
  anchor.begin(1);
  anchor.apply();
  anchor.vote(1, 1, 7, [escaped, ...empty]);
  expect(anchor.log.at(-1)).toMatchObject({ type: 'abort', reason: 'too-large' });
});
