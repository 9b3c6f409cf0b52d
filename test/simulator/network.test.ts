import { describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.js';
import type { FaultSpec } from '../../src/faults/plan.js';
import { SimNetwork } from '../../src/simulator/network.js';
import { EventQueue } from '../../src/simulator/queue.js';

const calm = { ordered: true, loss: 0, duplicate: 0, slow: 0, slowMs: 0 };

function network(...specs: FaultSpec[]) {
  const queue = new EventQueue();
  const net = new SimNetwork(queue, new Random(1), calm);
  for (const spec of specs) net.inflict(spec);
  /** When each of so many messages arrives, in ms. */
  const send = (from: string, to: string, count = 1): number[] => {
    const sentAt = queue.now;
    const arrived: number[] = [];
    for (let i = 0; i < count; i++) net.send(from, to, () => arrived.push(queue.now - sentAt));
    while (queue.next(sentAt + 10_000)) {}
    return arrived;
  };
  return { net, send };
}

describe('the simulated network under a fault plan', () => {
  it('lets nothing through a netsplit, in one direction or both, and all once it is healed', () => {
    const both = network({ kind: 'netsplit', groups: [['n1'], ['n2', 'n3']], oneWay: false });
    expect([both.send('n1', 'n2'), both.send('n3', 'n1')]).toEqual([[], []]);
    expect(
      [both.send('n2', 'n3'), both.send('n1', 'n4'), both.send('c1', 'n1')].map((a) => a.length),
    ).toEqual([1, 1, 1]);
    both.net.healLinks();
    expect(both.send('n1', 'n2')).toHaveLength(1);
    const one = network({ kind: 'netsplit', groups: [['n1'], ['n2']], oneWay: true });
    expect([one.send('n1', 'n2').length, one.send('n2', 'n1').length]).toEqual([0, 1]);
  });

  it('delays what goes over a slow link, within the jitter', () => {
    const { send } = network({ kind: 'delay', links: ['n1', 'n2'], delayMs: 50, jitterMs: 20 });
    const arrived = send('n2', 'n1', 200);
    expect(Math.min(...arrived)).toBeGreaterThan(30);
    expect(Math.max(...arrived)).toBeLessThan(72);
    expect(Math.max(...send('n1', 'n3', 200))).toBeLessThan(2);
  });

  it('loses its share of what goes over a lossy link', () => {
    const { send } = network({ kind: 'drop', links: ['n1'], probability: 0.3 });
    const share = send('n1', 'n2', 10_000).length / 10_000;
    expect(share).toBeGreaterThan(0.68);
    expect(share).toBeLessThan(0.72);
    expect(send('n2', 'n3', 100)).toHaveLength(100);
  });
});
