import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RingPicture, ringPicture } from '../../src/render/ring/picture.js';

/** One partition a letter: `a` is owned by node a, `-` by nobody. */
const ring = (owners: string, more: Partial<RingPicture> = {}): RingPicture => ({
  partitions: [...owners].map((owner) => ({ primary: owner === '-' ? null : owner })),
  width: 80,
  height: 10,
  color: false,
  unicode: true,
  ...more,
});

const picture = (...lines: string[]): string => `${lines.join('\n')}\n`;

describe('the picture of the ring', () => {
  it('shows without colour one letter a node, clockwise from the top, beside a legend', async () => {
    expect(await ringPicture(ring('xxyz'))).toBe(
      picture(
        '          0 →',
        '     CCCCCAAAAA',
        '   CCCCCCCAAAAAAA',
        ' CCCCCC      AAAAAA',
        'CCCCC          AAAAA   A x  2   50.0 %',
        'CCCC            AAAA   B y  1   25.0 %',
        'BBBB  3 nodes   AAAA   C z  1   25.0 %',
        'BBBBB          AAAAA',
        ' BBBBBB      AAAAAA',
        '   BBBBBBBAAAAAAA',
        '     BBBBBAAAAA',
      ),
    );
  });

  it('keeps to ASCII when it must, and shows arcs that nobody serves', async () => {
    expect(await ringPicture(ring('aabb--cc', { height: 8, unicode: false }))).toBe(
      picture(
        '        0 ->',
        '    CCCCAAAA',
        '  CCCCCCAAAAAA',
        ' CCC        AAA    A a      2   25.0 %',
        'CCC          AAA   B b      2   25.0 %',
        '... 3 nodes  BBB   C c      2   25.0 %',
        ' ...        BBB    . (none) 2   25.0 %',
        '  ......BBBBBB',
        '    ....BBBB',
      ),
    );
  });

  it('goes above its legend in a narrow terminal', async () => {
    expect(await ringPicture(ring('ab', { width: 16 }))).toBe(
      picture(
        '        0 →',
        '    BBBBAAAA',
        '  BBBBBBAAAAAA',
        ' BBB        AAA',
        'BBB          AAA',
        'BBB 2 nodes  AAA',
        ' BBB        AAA',
        '  BBBBBBAAAAAA',
        '    BBBBAAAA',
        '',
        'A a  1   50.0 %',
        'B b  1   50.0 %',
      ),
    );
  });

  it('names nodes that own nothing, so that letters stay the same from picture to picture', async () => {
    const text = await ringPicture(ring('bb', { nodes: ['c', 'a', 'b'] }));
    expect(text).toContain('A a  0    0.0 %');
    expect(text).toContain('B b  2  100.0 %');
    expect(text).toContain('BBBBBBBBBB');
    expect(text).not.toMatch(/AA|CC/);
  });

  it('paints quarters of cells in the colours of the nodes', async () => {
    const ink = (code: number, text: string): string => `\x1b[38;5;${code}m${text}\x1b[39m`;
    const [a, b] = [39, 208];
    expect(await ringPicture(ring('ab', { height: 4, color: true }))).toBe(
      picture(
        '    0 →',
        ` ${ink(b, '▄██')}${ink(a, '██▄')}`,
        `${ink(b, '▟▛')}    ${ink(a, '▜▙')}   ${ink(a, '██')} a  1   50.0 %`,
        `${ink(b, '▜▙')}    ${ink(a, '▟▛')}   ${ink(b, '██')} b  1   50.0 %`,
        ` ${ink(b, '▀██')}${ink(a, '██▀')}`,
      ),
    );
  });

  it('shows two nodes in one cell by its ink and its ground', async () => {
    const text = await ringPicture(ring('abababab', { height: 12, color: true }));
    expect(text).toMatch(/\x1b\[38;5;(39|208)m\x1b\[48;5;(39|208)m[▘▝▀▖▌▞▛▗▚▐▜▄▙▟]+/u);
  });

  it('puts letters on coloured ground where there are no block characters', async () => {
    const text = await ringPicture(ring('ab', { height: 4, color: true, unicode: false }));
    expect(text).toContain('\x1b[48;5;39m\x1b[30mA\x1b[39m\x1b[49m a  1');
    expect(stripVTControlCharacters(text)).toContain('BB    AA');
  });

  it('spreads many nodes over columns and says how many find no room', async () => {
    const partitions = Array.from({ length: 100 }, (_, i) => ({ primary: `n${i + 1}` }));
    const text = await ringPicture({ partitions, width: 80, color: false, unicode: true });
    expect(text).toContain('A n1     1    1.0 %');
    expect(text).toContain('… and 81 more');
    const wide = await ringPicture({ partitions, width: 200, color: false, unicode: true });
    expect(wide).toContain('# n100');
  });

  it('draws an empty ring and a ring of one', async () => {
    expect(await ringPicture(ring('', { height: 4 }))).toMatch(/^ {4}0 →\n/);
    expect(await ringPicture(ring('a', { height: 4 }))).toContain('100.0 %');
  });

  it('fits 80 by 24 with room for a prompt, however many nodes there are', async () => {
    for (const count of [1, 5, 40, 1000]) {
      const partitions = Array.from({ length: 1024 }, (_, i) => ({ primary: `node-${(i * 7) % count}` }));
      const text = await ringPicture({ partitions, width: 80, color: true, unicode: true });
      const rows = stripVTControlCharacters(text).trimEnd().split('\n');
      expect(rows.length).toBeLessThanOrEqual(22);
      expect(Math.max(...rows.map((row) => row.length))).toBeLessThanOrEqual(80);
    }
  });

  it('never makes a line longer than the terminal is wide, and makes control characters harmless', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.option(fc.constantFrom('n1', 'n2', 'a-name-that-is-longer-than-most', '\x1b[2J')), {
          maxLength: 70,
        }),
        fc.integer({ min: 26, max: 220 }),
        fc.boolean(),
        fc.boolean(),
        async (owners, width, color, unicode) => {
          const partitions = owners.map((primary) => ({ primary }));
          const text = await ringPicture({ partitions, width, color, unicode });
          expect(text).not.toContain('\x1b[2J');
          for (const row of stripVTControlCharacters(text).split('\n'))
            expect(row.length).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});
