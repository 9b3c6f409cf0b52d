import { describe, expect, it } from 'vitest';
import { PlainLog, summaryLine } from '../../src/watch/plain.js';
import { look, state } from './states.js';

describe('the plain log of `muster watch`', () => {
  it('tells the whole in one line', () => {
    expect(summaryLine(look.overview!).slice(9)).toMatch(
      /^2 of 3 nodes responding, 3 of 4 partitions available, 4 in sync, 1234 ops\/s, p50 \d\.\d ms, p99 \d\d ms, 40 calls\/s, lag 0, 0 in doubt, 0 locks$/,
    );
  });

  it('tells each event, and the whole at first and then every so often', () => {
    const log = new PlainLog(10_000);
    const { events } = state();
    expect(log.lines({ ...look, events })).toHaveLength(4);
    expect(log.lines({ ...look, at: look.at + 9000, events: events.slice(0, 1) })).toEqual([
      '03:04:05 n2 is down',
    ]);
    expect(log.lines({ ...look, at: look.at + 10_000 })).toHaveLength(1);
    expect(log.lines({ ...look, events: events.slice(2) })[0]).toContain('\\x1b[31m');
  });

  it('tells a problem once', () => {
    const log = new PlainLog(10_000);
    const gone = { ...look, state: 'gone' as const, problem: 'unknown cluster "shop"', overview: null };
    expect(log.lines(gone)).toEqual(['03:04:05 unknown cluster "shop"']);
    expect(log.lines(gone)).toEqual([]);
  });
});
