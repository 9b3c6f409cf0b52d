import { describe, expect, it } from 'vitest';
import { withProcess } from '../../../src/core/map/changes.js';
import type { ClusterMap, Member, PartitionConfig } from '../../../src/core/map/types.js';
import { defaultTimings } from '../../../src/limits.js';

const member: Member = {
  id: 'n1',
  store: 'a',
  incarnation: 3,
  url: 'ws://old',
  weight: 2,
  zone: 'z',
  state: 'active',
};

/** A map in which these replicas are in sync. */
function mapOf(...inSync: string[]): ClusterMap {
  const config: PartitionConfig = {
    gen: 1,
    epoch: 1,
    primary: inSync[0] as string,
    inSync,
    target: ['n1'],
    placed: 1,
    handover: null,
  };
  const settings = { partitions: 1, replicas: 3, minInSync: 2, repairAfterMs: 60_000 };
  return {
    format: 1,
    cluster: 'c',
    name: 'c',
    revision: 1,
    settings: { ...settings, durability: 'fsync', timings: defaultTimings },
    members: { n1: member },
    partitions: [config],
    placement: null,
  };
}

describe('the record of a member when a process runs it', () => {
  const started = { store: 'b', incarnation: 1, url: 'ws://new' };

  it('has the process, and what the operator set', () => {
    const next = { store: 'a', incarnation: 4, url: 'ws://new' };
    expect(withProcess(mapOf('n1/a'), member, next)).toEqual({ ...member, ...next });
  });

  it('keeps the starts of an earlier store while a partition counts that', () => {
    expect(withProcess(mapOf('n1/a', 'n2/x'), member, started).former).toEqual({ a: 3 });
  });

  it('forgets a store that no partition counts', () => {
    expect(withProcess(mapOf('n1/b', 'n2/a'), member, started).former).toBeUndefined();
  });

  it('keeps several, and takes one back that runs again', () => {
    const twice = withProcess(
      mapOf('n1/a', 'n1/b', 'n1/c'),
      { ...member, store: 'b', former: { a: 3 } },
      {
        ...started,
        store: 'c',
      },
    );
    expect(twice.former).toEqual({ a: 3, b: 3 });
    const back = withProcess(mapOf('n1/a', 'n1/c'), twice, { ...started, store: 'a', incarnation: 4 });
    expect(back).toMatchObject({ store: 'a', incarnation: 4, former: { c: 1 } });
  });

  it('keeps of a store that counts and never took part that no start of it was seen', () => {
    expect(withProcess(mapOf('n1/a'), { ...member, incarnation: 0 }, started).former).toEqual({ a: 0 });
  });
});
