import { describe, expect, it } from 'vitest';
import { loadPaint } from '../../src/render/terminal.js';
import { latency, rate, sparkline } from '../../src/watch/figures.js';
import { renderWatch } from '../../src/watch/render.js';
import { ends, line } from '../../src/watch/spans.js';
import { canvas, look, state } from './states.js';

/** Columns of a line on a terminal: escape sequences none, wide characters two. */
const columnsOf = (text: string): number =>
  [...text.replace(/\u001b\[[0-9;]*m/g, '')].reduce((sum, char) => sum + (char >= '\u2e80' ? 2 : 1), 0);

const sizes: [number, number][] = [
  [80, 24],
  [60, 20],
  [120, 40],
  [200, 60],
  [20, 6],
  [1, 1],
];

describe('the screen of `muster watch`', () => {
  it.each(sizes)('fills %i × %i exactly, and no line is wider', async (columns, rows) => {
    const paint = await loadPaint(true);
    const owner = (_: number, text: string): string => `\u001b[38;5;39m${text}\u001b[39m`;
    for (const given of [{}, { unicode: false }, { paint, owner }])
      for (const shown of [state(), state({ help: true }), state({ asking: { kind: 'kill', node: 'n1' } })]) {
        const lines = renderWatch(shown, canvas(columns, rows, given));
        expect(lines).toHaveLength(rows);
        for (const text of lines) expect(columnsOf(text), text).toBeLessThanOrEqual(columns);
      }
  });

  it('shows nodes, the ring, figures, what is open and what happened, at 80 × 24', () => {
    const text = renderWatch(state(), canvas(80, 24)).join('\n');
    expect(text).toMatch(/^muster watch · shop +2 of 3 nodes responding · map 7 · 03:04:05$/m);
    expect(text).toContain('Partitions: 3 of 4 available, 4 of 4 in sync');
    expect(text).toMatch(/^ops\/s 1234 +▁/m);
    expect(text).toMatch(/^ring 4 +A+B+C+$/m);
    expect(text).toMatch(/^▸ A n1 +up +2 +1 +1234 +\d\.\d +\d\d +0 +40 ██████ 100 %$/m);
    expect(text).toMatch(/^ {2}B n2 +down +1 +1 +- +- +- +- +- ░+ +0 %$/m);
    expect(text).toContain('In doubt: none   Locks: none held');
    expect(text).toContain('03:04:05 n2 is down');
    // Nothing that a cluster says can steer the terminal.
    expect(text).toContain('n2 killed\\x1b[31m (pid 1)');
    expect(text).toMatch(/q quit$/);
  });

  it('draws the ring as a ring when there is room', () => {
    const text = renderWatch(state(), canvas(120, 40)).join('\n');
    expect(text).not.toMatch(/^ring 4/m);
    expect(text).toMatch(/ {3}.* +C{2,}A{2,}/);
    expect(text).toContain('RECENT OPS/S');
  });

  it('is ASCII alone where the terminal shows nothing else', () => {
    const events = [{ seq: 1, at: 0, kind: 'down' as const, text: `${'n2 is down, '.repeat(20)}` }];
    for (const [columns, rows] of sizes)
      for (const shown of [
        state({ events }),
        state({ help: true }),
        state({ look: { ...look, at: 0, overview: null } }),
      ])
        expect(renderWatch(shown, canvas(columns, rows, { unicode: false })).join('')).toMatch(
          /^[\x20-\x7e]*$/,
        );
  });

  it('shows the nodes around the selected one when there are more than fit', () => {
    const overview = look.overview!;
    const many = Array.from({ length: 40 }, (_, i) => ({ ...overview.status.nodes[0]!, id: `n${i + 1}` }));
    const figures = many.map(({ id }) => ({ ...overview.nodes[0]!, id }));
    const crowded = {
      ...look,
      overview: { ...overview, status: { ...overview.status, nodes: many }, nodes: figures },
    };
    const lines = renderWatch(state({ look: crowded, selected: 'n30' }), canvas(80, 24));
    expect(lines).toHaveLength(24);
    const text = lines.join('\n');
    expect(text).toMatch(/▸ . n30 /);
    expect(text).toMatch(/and \d+ more/);
    expect(text).toContain('03:04:05 ');
  });

  it('says what it asks, and what is wrong', () => {
    const bottom = (given: Parameters<typeof state>[0]) => renderWatch(state(given), canvas(80, 24)).at(-1);
    expect(bottom({ asking: { kind: 'kill', node: 'n2' } })).toMatch(/^kill n2\? Sends SIGKILL.* y\/n$/);
    expect(bottom({ notice: { text: 'n2 is already down', bad: true } })).toBe('n2 is already down');
    const gone = { ...look, state: 'gone' as const, problem: 'unknown cluster "shop"', overview: null };
    const text = renderWatch(state({ look: gone }), canvas(80, 24)).join('\n');
    expect(text).toContain('muster watch · shop · gone');
    expect(text).toContain('unknown cluster "shop"');
  });
});

describe('figures', () => {
  it('keep to five characters', () => {
    expect([null, 0, 0.42, 9.96, 940, 9999, 12_345, 99_960, 999_600].map(rate)).toEqual([
      ...['-', '0', '0.4', '10', '940', '9999', '12.3k', '100k', '1.0M'],
    ]);
    expect([null, 0.04, 0.83, 9.96, 33.5, 999.6].map(latency)).toEqual([
      '-',
      '0.04',
      '0.8',
      '10',
      '34',
      '1.0s',
    ]);
  });

  it('draw a line of the last values, the greatest the highest, blank where nothing is known', () => {
    expect(sparkline([0, 1, null, 8], 6, true)).toBe('  ▁▂ █');
    expect(sparkline([0, 0], 2, false)).toBe('__');
    expect(sparkline([5, 1, 2], 2, true)).toHaveLength(2);
    expect(sparkline([], 3, true)).toBe('   ');
  });
});

describe('a line of spans', () => {
  it('says when something was left out', () => {
    expect(line(['abc', 'def'], 6, '…')).toBe('abcdef');
    expect(line(['abc', 'def'], 5, '…')).toBe('abcd…');
    expect(line(['abc', 'def'], 3, '…')).toBe('ab…');
    expect(line(['滅滅'], 3, '…')).toBe('滅…');
    expect(ends(['left'], ['right'], 12, '…')).toBe('left   right');
    expect(ends(['left'], ['right'], 8, '…')).toBe('l… right');
    expect(ends(['left'], ['right'], 4, '…')).toBe('rig…');
  });
});
