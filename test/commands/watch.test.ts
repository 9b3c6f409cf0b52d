import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WatchLine } from '../../src/watch/stream.js';
import { type Going, World } from './world.js';

const world = new World();
const { ok, fails, begin, run } = world;
beforeAll(async () => void (await ok('cluster', 'start', '-n', '3', '--partitions', '8')), 60_000);
afterAll(() => world.end());

/** The lines that `--ndjson` has printed so far; each must be JSON. */
const linesOf = (going: Going): WatchLine[] =>
  going
    .said()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

/** Conditions that hold at once on an idle machine; this is for a busy one. */
const poll = <T>(look: () => T) => expect.poll(look, { timeout: 30_000 });

const end = async (going: Going): Promise<void> => {
  going.child.kill('SIGINT');
  expect(await going.ended, going.said()).toBe(0);
};

describe('watch', { timeout: 120_000 }, () => {
  it('tells each look as a line of JSON: figures, locks, transactions, and what happens', async () => {
    const going = begin('watch', '--ndjson', '--interval', '200ms');
    const last = () => linesOf(going).at(-1);
    const told = () => linesOf(going).flatMap(({ events }) => events.map(({ text }) => text));
    await poll(() => last()?.overview?.totals.up).toBe(3);
    expect(last()?.overview?.ring).toHaveLength(8);

    const figures = () => linesOf(going).map(({ overview }) => overview?.totals);
    await ok('counter', 'incr', 'hits');
    await poll(() => figures().some((totals) => (totals?.opsPerSecond ?? 0) > 0)).toBe(true);
    expect(figures().some((totals) => (totals?.p99Ms ?? 0) > 0)).toBe(true);
    await ok('route', 'demo.echo', '{}', '--count', '50');
    await poll(() => figures().some((totals) => (totals?.callsPerSecond ?? 0) > 0)).toBe(true);

    await ok('lock', 'acquire', 'nightly', '--ttl', '1m');
    await poll(() => last()?.overview?.locks.map(({ name }) => name)).toEqual(['nightly']);
    const paused = begin(
      'tx',
      'run',
      '--pause-at',
      'prepared',
      '--timeout',
      '30s',
      '-c',
      'put a 1; put b 2; put c 3',
    );
    await poll(() => last()?.overview?.totals.inDoubt).toBe(1);
    await poll(told).toContainEqual(expect.stringMatching(/^transaction .+ is in doubt in partition \d/));

    await ok('node', 'kill', 'n2');
    await poll(told).toContain('n2 is down');
    await poll(told).toContainEqual(expect.stringMatching(/^n2 lost \d primar(y|ies) to n/));
    await poll(() => last()?.overview?.totals.up).toBe(2);
    const id = last()?.overview?.transactions[0]?.id;
    if (id !== undefined) await run('tx', 'resolve', id, '--abort');
    await paused.ended;
    await end(going);
  });

  it('follows a cluster that is stopped, destroyed and made anew', async () => {
    await ok('cluster', 'start', 'other', '-n', '1', '--replicas', '1', '--partitions', '2');
    const going = begin('watch', 'other', '--ndjson', '--interval', '100ms');
    const state = () => linesOf(going).at(-1)?.state;
    await poll(state).toBe('running');
    await ok('cluster', 'stop', 'other');
    await poll(state).toBe('stopped');
    expect(linesOf(going).at(-1)?.overview?.status.nodes[0]?.state).toBe('down');
    await ok('cluster', 'destroy', 'other', '--yes');
    await poll(state).toBe('gone');
    expect(linesOf(going).at(-1)).toMatchObject({
      overview: null,
      problem: expect.stringContaining('other'),
    });
    await ok('cluster', 'start', 'other', '-n', '1', '--replicas', '1', '--partitions', '4');
    await poll(state).toBe('running');
    expect(linesOf(going).at(-1)?.overview?.ring).toHaveLength(4);
    const told = linesOf(going).flatMap(({ events }) => events.filter(({ kind }) => kind === 'cluster'));
    // Looks in the midst of a destroy or a start may see more in between.
    const texts = told.map(({ text }) => text);
    expect(texts[0]).toBe('cluster other is stopped');
    expect(texts).toContain('cluster other no longer exists');
    expect(texts.at(-1)).toBe('cluster other is running');
    await end(going);
  });

  it('is a plain log off a terminal, with a line for what happens and one on the whole', async () => {
    const going = begin('watch', '--interval', '100ms', '--every', '1m');
    await poll(() => going.said()).toMatch(
      /^\d\d:\d\d:\d\d \d of 3 nodes responding, .* partitions available/,
    );
    await ok('node', 'pause', 'n3');
    await poll(() => going.said()).toMatch(/^\d\d:\d\d:\d\d n3 is paused$/m);
    await ok('node', 'resume', 'n3');
    await poll(() => going.said()).toMatch(/^\d\d:\d\d:\d\d n3 resumed$/m);
    await end(going);
    expect(going.said()).not.toContain('\u001b');
  });

  it('ends by itself after --count looks, and with --json prints the last', async () => {
    const { code, stdout } = await run('watch', '--count', '2', '--interval', '100ms');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d \d of 3 nodes responding, .* in doubt, \d locks?$/m);
    const { overview } = await ok('watch', '--interval', '100ms');
    expect(
      overview.nodes.filter((node: { opsPerSecond: number | null }) => node.opsPerSecond !== null).length,
    ).toBeGreaterThan(0);
  });

  it('refuses what cannot be', async () => {
    expect(await fails(2, 'watch', 'nowhere')).toMatchObject({ code: 'unknown-cluster' });
    expect(await fails(2, 'watch', '--count', '0')).toMatchObject({ code: 'usage' });
    expect(await fails(2, 'watch', '--interval', '1ms')).toMatchObject({ code: 'usage' });
  });
});
