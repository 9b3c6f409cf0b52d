import { describe, expect, it } from 'vitest';
import type { TxView } from '../../src/client/api.js';
import { type Overview, overviewOf, quantileOf, type Sample } from '../../src/cluster/observe/overview.js';
import { eventsBetween } from '../../src/cluster/observe/overview-events.js';
import { changed, latencies, map, sampleOf, says } from './samples.js';

const requests = (writes: number, failed: number, latency: number[]) => ({
  requests: { reads: 0, writes, failed, inflight: 0, latency },
});
const node = (overview: Overview, id: string) => overview.nodes.find((one) => one.id === id)!;
const part = (id: string, state: TxView['state'], partition: number): TxView => ({
  id,
  partition,
  role: state === 'pending' ? 'coordinator' : 'participant',
  state,
  anchor: 0,
  participants: [],
  keys: ['k'],
});

describe('an overview', () => {
  it('knows rates and latencies only from two looks at the same process', () => {
    const before = sampleOf({ answers: [says('n1', requests(100, 5, latencies(50, 50)))] });
    const first = node(overviewOf(null, before), 'n1');
    expect([first.opsPerSecond, first.p50Ms, first.callShare]).toEqual([null, null, null]);

    const after = says('n1', requests(120, 6, latencies(50, 50, 1, 1, 1, 400)));
    const second = node(overviewOf(before, sampleOf({ clock: 2000, answers: [after] })), 'n1');
    expect([second.opsPerSecond, second.failedPerSecond]).toEqual([10, 0.5]);
    expect(second.p50Ms).toBeGreaterThan(0.7);
    expect(second.p50Ms).toBeLessThan(1.2);
    expect(second.p99Ms).toBeGreaterThan(280);
    expect(second.p99Ms).toBeLessThan(460);

    const restarted = sampleOf({ clock: 2000, answers: [{ ...after, incarnation: 2 }] });
    expect(node(overviewOf(before, restarted), 'n1').opsPerSecond).toBeNull();
  });

  it('adds up what all nodes did', () => {
    const before = sampleOf();
    const answers = [
      says('n1', {
        ...requests(30, 0, latencies(1, 1, 1)),
        calls: { finished: 3, failed: 1, inflight: 2, queued: 1 },
      }),
      says('n2', {
        ...requests(10, 0, latencies(100)),
        calls: { finished: 1, failed: 0, inflight: 0, queued: 0 },
      }),
    ];
    const overview = overviewOf(before, sampleOf({ clock: 1000, answers }));
    expect(overview.totals).toMatchObject({
      opsPerSecond: 40,
      callsPerSecond: 4,
      callsFailedPerSecond: 1,
      inflight: 3,
      up: 3,
    });
    expect(overview.nodes.map(({ callShare }) => callShare)).toEqual([0.75, 0.25, 0]);
    expect(overview.nodes.map(({ share }) => share)).toEqual([0.5, 0.25, 0.25]);
    expect(overview.ring).toEqual(['n1', 'n1', 'n2', 'n3']);
  });

  it('takes for lag what the furthest backup of a node is behind, of the primaries that answered', () => {
    const answers = [says('n1', {}, map, 50), says('n2', {}, map, 43), says('n3', {}, map, 60)];
    const lags = (sample: Sample) => overviewOf(null, sample).nodes.map(({ lag }) => lag);
    // n1 backs up n3 (60 − 50), n2 backs up n1 (50 − 43), n3 backs up n1 and n2, and seems ahead of both.
    expect(lags(sampleOf({ answers }))).toEqual([10, 7, 0]);
    expect(lags(sampleOf({ answers, states: { n1: 'gone' } }))).toEqual([null, null, 0]);
  });

  it('shows transactions in doubt first, and counts each once', () => {
    const transactions = [
      part('1:1.1:1', 'pending', 1),
      part('0:1.1:1', 'in-doubt', 2),
      part('0:1.1:1', 'in-doubt', 3),
    ];
    const locks = [
      { name: 'a', permits: 1, holders: [{ token: 1, ttlMs: 5 }], waiting: 2 },
      { name: 'b', permits: 1, holders: [], waiting: 0 },
    ];
    const { totals, transactions: shown } = overviewOf(null, sampleOf({ transactions, locks }));
    expect(totals).toMatchObject({ inDoubt: 1, transactions: 2, locks: 1, waiting: 2 });
    expect(shown.map(({ state }) => state)).toEqual(['in-doubt', 'in-doubt', 'pending']);
  });

  it('bears nodes of a version that counts nothing', () => {
    const { requests: _, calls: __, ...old } = says('n1');
    const sample = sampleOf({ clock: 1000, answers: [old as ReturnType<typeof says>] });
    expect(node(overviewOf(sampleOf(), sample), 'n1')).toMatchObject({ opsPerSecond: null, inflight: 0 });
  });
});

describe('a quantile of counts by bucket', () => {
  it('lies in the bucket that holds it', () => {
    expect(quantileOf(latencies(), 0.5)).toBeNull();
    expect(quantileOf(latencies(0.05), 1)).toBe(0.1);
    expect(quantileOf([...latencies(1).slice(0, -1), 1], 1)).toBeGreaterThan(13_000);
    const many = latencies(...Array.from({ length: 98 }, () => 1), 3, 100);
    expect(quantileOf(many, 0.98)).toBeLessThan(1.2);
    expect(quantileOf(many, 0.99)).toBeGreaterThan(2);
    expect(quantileOf(many, 0.995)).toBeGreaterThan(70);
  });
});

describe('what happened between two looks', () => {
  const texts = (before: Sample, after: Sample) => eventsBetween(before, after).map(({ text }) => text);
  const sound = sampleOf();

  it('is nothing when nothing changed', () => expect(texts(sound, sampleOf({ clock: 1000 }))).toEqual([]));

  it('is told of nodes: down, up, paused, silent, restarted', () => {
    const down = sampleOf({ states: { n2: 'gone' } });
    const paused = sampleOf({ states: { n2: 'stopped' } });
    const silent = sampleOf({ silent: ['n2'] });
    expect(texts(sound, paused)).toContain('n2 is paused');
    expect(texts(paused, sound)).toContain('n2 resumed');
    expect(texts(sound, silent)).toContain('n2 is not responding: timed out');
    expect(texts(silent, sound)).toContain('n2 is responding again');
    expect(texts(down, sound)).toContain('n2 is up');
    expect(texts(down, silent)).toContain('n2 started, not responding yet');
    const again = sampleOf({
      on: { ...map, members: { ...map.members, n2: { ...map.members.n2!, incarnation: 2 } } },
    });
    expect(texts(sound, again)).toEqual(['n2 restarted']);
    expect(eventsBetween(sound, down)[0]).toEqual({
      at: 1_000_000,
      kind: 'down',
      node: 'n2',
      text: 'n2 is down',
    });
  });

  it('reports unavailable partitions, and when all are available again', () => {
    const down = sampleOf({ states: { n1: 'gone' } });
    expect(texts(sound, down)).toEqual(['n1 is down', '2 of 4 partitions unavailable']);
    expect(texts(down, sound)).toEqual(['n1 is up', 'all 4 partitions available again']);
  });

  it('is told of members that come and go', () => {
    const { n3: _, ...two } = map.members;
    const fewer = sampleOf({ on: { ...map, members: two } });
    expect(texts(sound, fewer)).toContain('n3 left');
    expect(texts(fewer, sound)).toContain('n3 joined');
  });

  it('gathers primaries by who lost them, and replicas by who is out of sync', () => {
    const after = sampleOf({ on: changed({ 0: ['n2'], 1: ['n3'] }), states: { n1: 'gone' } });
    expect(texts(sound, after)).toEqual([
      'n1 is down',
      'n1 lost 2 primaries to n2, n3',
      'n1 fell out of sync for 2 partitions',
    ]);
    expect(texts(sampleOf({ on: changed({ 0: ['n1'] }) }), sound)).toEqual(['n2 is in sync for 1 partition']);
  });

  it('tells a replica that was moved from one that fell behind', () => {
    const moved = changed({ 0: ['n1', 'n3'] });
    const planned = {
      ...moved,
      partitions: moved.partitions.map((config, p) =>
        p === 0 ? { ...config, target: ['n1', 'n3'] } : config,
      ),
    };
    expect(texts(sound, sampleOf({ on: planned }))).toEqual([
      'n2 moved 1 replica to other nodes',
      'n3 is in sync for 1 partition',
    ]);
  });

  it('is told of faults', () => {
    const split = sampleOf({ faults: ['netsplit n1/n2,n3'] });
    expect(texts(sound, split)).toEqual(['fault f1: netsplit n1/n2,n3']);
    expect(texts(split, sound)).toEqual(['healed f1: netsplit n1/n2,n3']);
  });

  it('tells of a transaction in doubt only when it stays so', () => {
    const transactions = [part('0:1.1:1', 'in-doubt', 2)];
    const inDoubtSince = new Map([['0:1.1:1', 1000]]);
    const early = sampleOf({ clock: 2000, transactions, inDoubtSince });
    const late = sampleOf({ clock: 3000, transactions, inDoubtSince });
    expect(texts(sound, early)).toEqual([]);
    expect(texts(early, late)).toEqual(['transaction 0:1.1:1 is in doubt in partition 2']);
    expect(texts(late, sampleOf({ clock: 4000 }))).toEqual(['transaction 0:1.1:1 is no longer in doubt']);
    expect(texts(early, sampleOf({ clock: 3000 }))).toEqual([]);
  });
});
