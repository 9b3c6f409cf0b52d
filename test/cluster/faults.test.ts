import { beforeEach, describe, expect, it } from 'vitest';
import { createCluster } from '../../src/cluster/folder/create.js';
import { findCluster } from '../../src/cluster/folder/registry.js';
import { changeFaults, checkFaultsAllowed } from '../../src/cluster/lifecycle/faults.js';
import { identify } from '../../src/cluster/processes/identity.js';
import { writeProcessFile } from '../../src/cluster/processes/roster.js';
import { type FaultPlan, withFault } from '../../src/faults/plan.js';
import { readFaults, writeFaults } from '../../src/faults/store.js';
import { planOf } from '../faults/plans.js';
import { folder } from './helpers.js';

const [spec] = planOf('drop n1 1%').faults;
const add = (plan: FaultPlan): FaultPlan => withFault(plan, spec!);

describe('changing the faults of a cluster', () => {
  beforeEach(async () => {
    process.env.MUSTER_HOME = folder();
    await createCluster({ name: 'shop', nodes: 2, partitions: 4 });
  });

  it('loses none of several changes that are made at once', async () => {
    const cluster = findCluster('shop');
    await Promise.all(Array.from({ length: 8 }, () => changeFaults(cluster, add, { timeoutMs: 10_000 })));
    const plan = readFaults(cluster.dir);
    expect(plan.revision).toBe(8);
    expect(plan.faults.map(({ id }) => id)).toEqual(Array.from({ length: 8 }, (_, i) => `f${i + 1}`));
  });

  it('changes nothing when the wish is refused', async () => {
    const cluster = findCluster('shop');
    writeFaults(cluster.dir, planOf('drop n1 1%'));
    const refuse = (): never => {
      throw new Error('no');
    };
    await expect(changeFaults(cluster, refuse, { timeoutMs: 10_000 })).rejects.toThrow('no');
    expect(readFaults(cluster.dir)).toEqual(planOf('drop n1 1%'));
  });

  it('times out when a node that runs does not say that it applied them, and says that they are in place', async () => {
    const cluster = findCluster('shop');
    // This very process stands for n1: it runs, and answers nothing.
    const self = identify(process.pid, 'node')!;
    writeProcessFile(cluster.dir, { format: 1, node: 'n1', ...self, startedAt: 0, wanted: 'up' });
    await expect(changeFaults(cluster, add, { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'timeout',
      exit: 4,
      tookEffect: 'yes',
      message: expect.stringContaining('waiting for n1 to apply the fault plan'),
    });
    expect(readFaults(cluster.dir)).toMatchObject({ revision: 1, faults: [{ id: 'f1', kind: 'drop' }] });
  });
});

describe('faults', () => {
  it.each(['127.0.0.1', '127.0.1.1', '::1', 'localhost'])('are for a cluster on %s', (host) => {
    expect(() => checkFaultsAllowed({ name: 'shop', host })).not.toThrow();
  });

  it.each(['0.0.0.0', '10.0.0.7', '::', '127.example.org'])('are refused to a cluster on %s', (host) => {
    expect(() => checkFaultsAllowed({ name: 'shop', host })).toThrow(
      expect.objectContaining({ code: 'usage', exit: 2, message: expect.stringContaining(host) }),
    );
  });
});
