import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptySnapshot } from '../../../src/core/machine/digest.js';
import { PartitionMachine } from '../../../src/core/machine/machine.js';
import { SnapshotReader, SnapshotWriter } from '../../../src/core/machine/pieces.js';
import type { Snapshot } from '../../../src/core/machine/types.js';
import { command, opened } from './commands.js';

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function piecesOf(snapshot: Snapshot, most: number): string[] {
  const writer = new SnapshotWriter(snapshot);
  for (const pieces: string[] = []; ; ) {
    const { chunk, last } = writer.next(most);
    expect(chunk.length).toBeLessThanOrEqual(most);
    pieces.push(chunk);
    if (last) return pieces;
  }
}

function read(pieces: readonly string[]): Snapshot {
  const reader = new SnapshotReader();
  for (const piece of pieces) reader.add(piece);
  return reader.finish();
}

describe('a snapshot in pieces', () => {
  it('is put together again, whatever is in it and however small the pieces', () => {
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 30 }),
        fc.integer({ min: 1, max: 300 }),
        (commands, most) => {
          const state = new PartitionMachine(1);
          for (const [i] of opened.entries())
            state.apply({ epoch: 1, seq: i + 1, command: { type: 'open', gen: 1 } });
          for (const one of commands) state.apply({ epoch: 1, seq: state.seq + 1, command: one });
          const snapshot = state.snapshot();
          expect(read(piecesOf(snapshot, most))).toEqual(copy(snapshot));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('counts keys and values as they are sent', () => {
    const state = new PartitionMachine(1);
    state.apply({ epoch: 1, seq: 1, command: { type: 'open', gen: 1 } });
    for (let n = 1; n <= 50; n++) {
      const op = { type: 'put', key: `k${n}`, value: 'x'.repeat(n) } as const;
      state.apply({ epoch: 1, seq: n + 1, command: { type: 'op', session: '1.1', n, first: n, op } });
    }
    const writer = new SnapshotWriter(state.snapshot());
    let sent = 0;
    for (let last = false; !last; ) {
      const piece = writer.next(100);
      sent += piece.units;
      last = piece.last;
    }
    expect(sent).toBe(state.units);
  });

  it('is refused when a piece is missing, comes twice, or is another', () => {
    const state = new PartitionMachine(1);
    state.apply({ epoch: 1, seq: 1, command: { type: 'open', gen: 1 } });
    for (let n = 1; n <= 9; n++) {
      const op = { type: 'incr', key: `k${n}`, by: n } as const;
      state.apply({ epoch: 1, seq: n + 1, command: { type: 'op', session: '1.1', n, first: n, op } });
    }
    const pieces = piecesOf(state.snapshot(), 40);
    for (let i = 0; i < pieces.length; i++) {
      if (pieces[i] === '') continue;
      expect(() => read(pieces.toSpliced(i, 1))).toThrow();
      // Twice the same piece of the head can be a head still: then it is the same snapshot.
      const twice = pieces.toSpliced(i, 0, pieces[i]!);
      if (
        pieces
          .slice(0, i + 1)
          .join('')
          .includes('\n')
      )
        expect(() => read(twice)).toThrow();
    }
    const other = pieces.map((piece) => piece.replace('"counter",3', '"counter",4'));
    expect(other).not.toEqual(pieces);
    expect(() => read(other)).toThrow('digest');
    expect(() => read(['{}'])).toThrow();
    expect(read(piecesOf(emptySnapshot(7), 10))).toEqual(emptySnapshot(7));
  });
});
