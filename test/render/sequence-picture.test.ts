import { describe, expect, it } from 'vitest';
import type { TraceEvent } from '../../src/core/machine/types.js';
import { type SequencePicture, sequencePicture } from '../../src/render/sequence-picture.js';
import { loadPaint, plainPaint } from '../../src/render/terminal.js';

const event = (
  at: number,
  what: TraceEvent['what'],
  p: number,
  seq: number | null = null,
  yes: boolean | null = null,
): TraceEvent => ({ at, what, p, seq, yes });

const committed = [
  event(0, 'came', 7),
  event(0.2, 'prepare', 3),
  event(0.2, 'prepare', 12),
  event(2.7, 'vote', 7, 5, true),
  event(2.9, 'vote', 3, 9, true),
  event(3.1, 'vote', 12, 4, true),
  event(3.1, 'answered', 7, null, true),
  event(5.5, 'decided', 7, 6, true),
  event(5.5, 'finish', 3, 9, true),
  event(5.5, 'finish', 12, 4, true),
  event(7.75, 'finished', 12),
  event(8, 'finished', 3),
];
const nodes: Readonly<Record<number, string>> = { 3: 'n1', 7: 'n2', 12: 'n3' };

const draw = (trace: readonly TraceEvent[], options: Partial<SequencePicture> = {}): string =>
  sequencePicture({
    trace,
    anchor: 7,
    nodeOf: (p) => nodes[p] ?? null,
    outcome: 'committed',
    width: 75,
    unicode: true,
    paint: plainPaint,
    ...options,
  });

describe('the picture of a transaction', () => {
  it('shows who said what to whom, when, and the entries of the logs', () => {
    expect(`\n${draw(committed)}`).toBe(`
          client              n2                n1                n3
                         partition 7       partition 3       partition 12
     ms                  coordinator
    0.0     │───── run ──────▶│                 │                 │
    0.2     │                 │─── prepare ────▶│                 │
    0.2     │                 │─────────────────┼─── prepare ────▶│
    2.7     │                 ● prepared #5     │                 │
    2.9     │                 │◀─── yes #9 ─────│                 │
    3.1     │                 │◀────────────────┼──── yes #4 ─────│
    3.1     │◀─ committed ────│                 │                 │
    5.5     │                 ● commit #6       │                 │
    5.5     │                 │──── commit ────▶│                 │
    5.5     │                 │─────────────────┼──── commit ────▶│
    7.8     │                 │◀────────────────┼─── finished ────│
    8.0     │                 │◀── finished ────│                 │
`);
  });

  it('is drawn in ASCII where nothing else is shown', () => {
    const text = draw(committed, { unicode: false });
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
    expect(text).toContain('prepare');
    expect(text.split('\n')).toHaveLength(draw(committed).split('\n').length);
  });

  it('of a failed check says which partition said no, and that it was aborted', () => {
    const text = draw(
      [
        event(0, 'came', 7),
        event(0, 'prepare', 3),
        event(1.5, 'vote', 3, null, false),
        event(3, 'decided', 7, 6, false),
        event(3, 'answered', 7, null, false),
        event(3, 'finish', 3, 0, false),
      ],
      { outcome: 'aborted' },
    );
    expect(text).toMatch(/ 1\.5 .*◀─+ no ─+│\n/);
    expect(text).toMatch(/ 3\.0 .*● abort #6/);
    expect(text).toMatch(/ 3\.0 .*◀─+ aborted ─+│/);
    expect(text).not.toContain('committed');
  });

  it('ends with the answer also when another coordinator decided it', () => {
    const trace = [event(0, 'came', 7), event(0, 'prepare', 3)];
    const last = draw(trace, { outcome: 'aborted' }).trimEnd().split('\n').at(-1);
    expect(last).toMatch(/^ +│◀─+ aborted ─+│ +│$/);
    expect(draw(trace, { outcome: null })).not.toContain('aborted');
  });

  it('is never wider than it may be, a line for each step when its columns do not fit', () => {
    for (let width = 50; width <= 140; width++)
      for (const line of draw(committed, { width }).split('\n'))
        expect([...line].length, `${width}: ${line}`).toBeLessThanOrEqual(width);
    const narrow = draw(committed, { width: 50 });
    expect(narrow).toContain('    0.0 ms  client → n2/7 (coordinator): run\n');
    expect(narrow).toContain('    3.1 ms  n3/12 → n2/7 (coordinator): yes #4\n');
    expect(narrow).toContain('    5.5 ms  n2/7 (coordinator): commit #6\n');
    expect(narrow.trimEnd().split('\n')).toHaveLength(12);
  });

  it('of very many partitions is a line for each step', () => {
    const many = Array.from({ length: 60 }, (_, p) => event(1, 'prepare', p));
    expect(draw(many, { width: 200 }).trimEnd().split('\n')).toHaveLength(60);
  });

  it('has a column for a partition that nobody serves, and keeps long names apart', () => {
    expect(draw(committed, { nodeOf: () => null }).split('\n')[0]).toMatch(/client +\? +\? +\?/);
    const [names] = draw(committed, { nodeOf: (p) => `node-with-a-very-long-name-${p}` }).split('\n');
    expect(names).toMatch(/client +node-with-\S*… node-with-\S*… node-with-\S*…$/);
  });

  it('is painted where colour is on, and is the same without it', async () => {
    const text = draw(committed, { paint: await loadPaint(true) });
    expect(text).toContain('\u001b[');
    expect(text.replace(/\u001b\[\d+m/g, '')).toBe(draw(committed));
  });
});
