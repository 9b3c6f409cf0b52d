import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitsBytes, sizeOf } from '../../../src/core/machine/size.js';
import type { Command } from '../../../src/core/machine/types.js';
import { LogEntry, ReplicaLog } from '../../../src/core/replication/log.js';
import { limits } from '../../../src/limits.js';
import { txCommand } from '../../wire/arbitraries-tx.js';

const put = (value: string): Command => ({
  type: 'prepare',
  tx: '1:1.1:1',
  anchor: 1,
  at: 0,
  items: [{ type: 'put', key: 'k', value }],
});

describe('the size of a command', () => {
  it('is as many bytes as its JSON, to the byte, wherever that matters', () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary', maxLength: 300 }));
    fc.assert(
      fc.property(text, (value) => {
        const bytes = Buffer.byteLength(JSON.stringify(put(value)));
        expect([fitsBytes(put(value), bytes - 1), fitsBytes(put(value), bytes)]).toEqual([false, true]);
      }),
    );
  });

  it('is never far below what its JSON takes in characters', () => {
    fc.assert(
      fc.property(txCommand, (command) => {
        expect(JSON.stringify(command).length).toBeLessThan(sizeOf(command) * 6 + 512);
      }),
    );
  });

  it('keeps several large transactions out of one message', () => {
    const log = new ReplicaLog(0, 0, 0);
    const large = put('x'.repeat(limits.appendBytes - 1000));
    for (let seq = 1; seq <= 3; seq++) log.append(new LogEntry(1, seq, large));
    expect(log.slice(1, limits.appendBytes).entries).toHaveLength(1);
    const wide: Command = {
      type: 'op',
      session: '1.1',
      n: 1,
      first: 1,
      op: { type: 'tx', key: 'k', items: [] },
    };
    expect(
      sizeOf({ ...wide, op: { ...wide.op, items: 'items' in large ? large.items : [] } } as Command),
    ).toBeGreaterThan(limits.appendBytes - 1000);
  });
});
