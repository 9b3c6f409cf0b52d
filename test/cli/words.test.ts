import { describe, expect, it } from 'vitest';
import { parseWeights } from '../../src/cli/parse.js';
import { formatBytes } from '../../src/render/bytes.js';
import { table } from '../../src/render/table.js';
import { loadPaint, mayAnimate, mayColor, plainPaint } from '../../src/render/terminal.js';
import { formatDuration, parseDuration, writeDuration } from '../../src/text/duration.js';
import { percent, plural, ranges, shorten, visible } from '../../src/text/format.js';

const usage = expect.objectContaining({ code: 'usage' });

describe('durations', () => {
  it.each([
    ['500ms', 500],
    ['10s', 10_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['0', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '10', 's', '-1s', '1 s', '1e3s', '99999h', 'Infinitys'])('%j is none', (text) => {
    expect(() => parseDuration(text)).toThrowError(usage);
  });

  it('are shown in the unit a person thinks in', () => {
    expect([12, 1234, 59_999, 61_000, 7_260_000, 90_000_000].map(formatDuration)).toEqual([
      '12 ms',
      '1.2 s',
      '1 m 0 s',
      '1 m 1 s',
      '2 h 1 m',
      '1 d 1 h',
    ]);
  });

  it('are written exactly, as they are typed', () => {
    const all = [0, 1, 1500, 2000, 90_000, 600_000, 86_400_000];
    const written = all.map(writeDuration);
    expect(written).toEqual(['0ms', '1ms', '1500ms', '2s', '90s', '10m', '24h']);
    expect(written.map(parseDuration)).toEqual(all);
  });
});

describe('words for people', () => {
  it('count, measure and shorten', () => {
    expect([plural(1, 'node'), plural(0, 'node')]).toEqual(['1 node', '0 nodes']);
    expect([formatBytes(512), formatBytes(1536), formatBytes(55 * 2 ** 20)]).toEqual([
      '512 B',
      '1.5 KiB',
      '55 MiB',
    ]);
    expect(percent(0.1254)).toBe('12.5 %');
    expect(shorten('abcdef', 4)).toBe('abc…');
    expect(ranges([0, 1, 2, 5, 7, 8])).toBe('0-2, 5, 7-8');
  });

  it('show control characters instead of obeying them', () => {
    expect(visible('a\u001b[31mb\n')).toBe('a\\x1b[31mb\\x0a');
  });

  it('read weights, and refuse what is none', () => {
    expect(parseWeights('n1=2, n3=0.5')).toEqual({ n1: 2, n3: 0.5 });
    expect(() => parseWeights('n1')).toThrowError(usage);
  });
});

describe('colour and movement', () => {
  it('only on a terminal, and never against NO_COLOR, TERM=dumb or the flag', () => {
    const tty = { isTTY: true };
    expect(mayColor(tty, false, {})).toBe(true);
    expect(mayColor({}, false, {})).toBe(false);
    expect(mayColor(tty, true, {})).toBe(false);
    expect(mayColor(tty, false, { NO_COLOR: '1' })).toBe(false);
    expect(mayColor(tty, false, { NO_COLOR: '' })).toBe(true);
    expect(mayColor(tty, false, { TERM: 'dumb' })).toBe(false);
    expect(mayAnimate(tty, { TERM: 'dumb' })).toBe(false);
    expect(mayAnimate({}, {})).toBe(false);
    expect(mayAnimate({ isTTY: true, columns: 0 }, {})).toBe(false);
  });
});

describe('a table', () => {
  const columns = [
    {
      title: 'NAME',
      of: (row: { n: string; v: number | null }) => row.n,
      paint: () => (text: string) => `<${text}>`,
    },
    { title: 'VALUE', of: (row: { n: string; v: number | null }) => row.v, align: 'right' as const },
    { title: 'X', of: () => '' },
  ];

  it('is aligned by width on the screen, without trailing spaces or escapes', async () => {
    const text = await table(
      [
        { n: 'a', v: 1 },
        { n: '日本', v: 200 },
        { n: 'x\u001b[0m', v: null },
      ],
      columns,
      plainPaint,
    );
    expect(text).toBe('NAME      VALUE  X\na             1\n日本        200\nx\\x1b[0m      -\n');
  });

  it('is painted when colour is on', async () => {
    const text = await table([{ n: 'a', v: 1 }], columns, await loadPaint(true));
    expect(text).toContain('<a>');
    expect(text).toContain('\u001b[');
  });
});
