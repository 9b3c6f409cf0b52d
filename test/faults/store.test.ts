import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { FaultPlan } from '../../src/faults/plan.js';
import { noFaults } from '../../src/faults/plan.js';
import { followFaults, readFaults, writeFaults } from '../../src/faults/store.js';
import { faultsFile } from '../../src/layout/paths.js';
import { folder } from '../cluster/helpers.js';
import { planOf } from './plans.js';

describe('the file of a fault plan', () => {
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  /** Follows the plan in `dir`; what it was told, in order. */
  function follow(dir: string): { plans: FaultPlan[]; errors: string[] } {
    const told = { plans: [] as FaultPlan[], errors: [] as string[] };
    ends.push(
      followFaults(dir, {
        apply: (plan) => void told.plans.push(plan),
        unreadable: ({ code }) => void told.errors.push(code),
      }),
    );
    return told;
  }

  it('gives back what was written, and stands alone in its folder', () => {
    const dir = folder();
    expect(readFaults(dir)).toEqual(noFaults);
    for (const plan of [planOf('netsplit n1/n2'), planOf('delay n1 5ms', 'drop n1-n2 7%')]) {
      writeFaults(dir, plan);
      expect(readFaults(dir)).toEqual(plan);
    }
    expect(readdirSync(dir)).toEqual(['faults.json']);
  });

  it.each(['', '{"format":1,', '[]', '{"format":1,"revision":1,"faults":[{}]}'])(
    'that holds `%s` is refused, with the way out',
    (content) => {
      const dir = folder();
      writeFileSync(faultsFile(dir), content);
      expect(() => readFaults(dir)).toThrow(
        expect.objectContaining({
          code: 'faults-corrupt',
          details: { path: faultsFile(dir) },
          hint: expect.stringContaining('muster fault heal'),
        }),
      );
    },
  );

  it('that cannot be read is not taken for a plan without faults', () => {
    const dir = join(folder(), 'file');
    writeFileSync(dir, '');
    expect(() => readFaults(dir)).toThrow(expect.objectContaining({ code: 'metastore-unavailable' }));
  });

  it('is told at once to who follows it, and again whenever it changes', async () => {
    const dir = folder();
    const first = planOf('netsplit n1/n2');
    writeFaults(dir, first);
    const told = follow(dir);
    expect(told.plans).toEqual([first]);
    const second = planOf('netsplit n1/n2', 'drop n1 1%');
    writeFaults(dir, second);
    await expect.poll(() => told.plans).toEqual([first, second]);
    rmSync(faultsFile(dir));
    await expect.poll(() => told.plans).toEqual([first, second, noFaults]);
    expect(told.errors).toEqual([]);
  });

  it('that is damaged is told once, and the next good one is followed again', async () => {
    const dir = folder();
    const told = follow(dir);
    writeFileSync(faultsFile(dir), '{');
    await expect.poll(() => told.errors).toEqual(['faults-corrupt']);
    const plan = planOf('drop n1 1%');
    writeFaults(dir, plan);
    await expect.poll(() => told.plans).toEqual([noFaults, plan]);
    expect(told.errors).toEqual(['faults-corrupt']);
  });
});
