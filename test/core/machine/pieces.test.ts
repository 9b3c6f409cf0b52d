import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptySnapshot, sealed } from '../../../src/core/machine/digest.js';
import { PartitionMachine } from '../../../src/core/machine/machine.js';
import {
  headOf,
  itemsOf,
  SnapshotBuilder,
  SnapshotReader,
  SnapshotWriter,
} from '../../../src/core/machine/pieces.js';
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

  const small = sealed({
    ...emptySnapshot(3),
    seq: 9,
    epoch: 2,
    cells: [
      ['ab', { kind: 'text', value: 'cde', version: 5 }],
      ['f', { kind: 'counter', value: 7, version: 6 }],
    ],
    sessions: [['1.1', { first: 2, results: [[2, { ok: true, value: null }]] }]],
    rows: [['fence/f', { kind: 'fence', token: 3 }]],
  });

  it('is a head and a line for each item, with its keys and values', () => {
    const { gen, seq, epoch, digest } = small;
    expect(JSON.parse(headOf(small))).toEqual({ gen, seq, epoch, digest });
    expect([...itemsOf(small)].map(([line, units]) => [JSON.parse(line), units])).toEqual([
      [['c', 'ab', 'text', 'cde', 5], 5],
      [['c', 'f', 'counter', 7, 6], 17],
      [['s', '1.1', 2], 0],
      [['r', '1.1', 2, { ok: true, value: null }], 0],
      [['w', 'fence/f', { kind: 'fence', token: 3 }], 0],
    ]);
    expect(new SnapshotWriter(small).seq).toBe(9);
  });

  it('is cut where a piece is full, and counts an item in the piece in which it begins', () => {
    const head = headOf(small).length;
    const [first, second] = [...itemsOf(small)].map(([line]) => line.length + 1) as [number, number];
    const writer = new SnapshotWriter(small);
    const next = (most: number) => {
      const { chunk, units, last } = writer.next(most);
      return [chunk.length, units, last];
    };
    expect(next(head - 1)).toEqual([head - 1, 0, false]);
    // The rest of the head, and not yet what follows.
    expect(next(1)).toEqual([1, 0, false]);
    expect(next(1)).toEqual([1, 5, false]);
    expect(next(first - 1)).toEqual([first - 1, 0, false]);
    expect(next(second + 1)).toEqual([second + 1, 17, false]);
    const rest = [head, ...[...itemsOf(small)].map(([line]) => line.length + 1)].reduce((a, b) => a + b);
    const left = rest - head - first - second - 1;
    // Whether more is to come is seen by the next piece.
    expect(next(left)).toEqual([left, 0, false]);
    expect(next(100)).toEqual([0, 0, true]);
    const whole = new SnapshotWriter(small);
    expect(whole.next(rest + 1)).toMatchObject({ units: 22, last: true });
  });

  it('is put together of items that its head speaks of', () => {
    const { gen, seq, epoch, digest } = small;
    const builder = (): SnapshotBuilder => new SnapshotBuilder({ gen, seq, epoch, digest });
    const lines = [...itemsOf(small)].map(([line]) => JSON.parse(line));
    const whole = builder();
    for (const line of lines) whole.add(line);
    expect(() => whole.add(lines[0])).toThrow('a snapshot has more items than its head says');
    const built = builder();
    for (const line of lines) built.add(line);
    expect(built.finish()).toEqual(small);
    const missing = builder();
    for (const line of lines.slice(1)) missing.add(line);
    expect(() => missing.finish()).toThrow('a snapshot is not whole: it has 1 cells, and should have 2');
    expect(() => builder().add(lines[3])).toThrow('a snapshot has a result of no session');
    expect(() => builder().add(['x'] as never)).toThrow('a snapshot has an item of no known kind');
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
