import { afterAll } from 'vitest';
import { Random } from '../../src/core/random.js';
import { Gate } from '../../src/simulator/gate.js';
import { SimNetwork } from '../../src/simulator/network.js';
import { EventQueue } from '../../src/simulator/queue.js';
import { SimRuntime } from '../../src/simulator/sim-runtime.js';
import { SimWire } from '../../src/simulator/wire.js';
import type { Transport } from '../../src/transport/contract.js';
import { defaultTuning, type Tuning } from '../../src/transport/tuning.js';
import { transportCompliance } from '../transport/compliance.js';

const pumps: NodeJS.Timeout[] = [];
afterAll(() => {
  for (const pump of pumps) clearInterval(pump);
});

/** The simulated connections, in virtual time that goes on by itself. */
function transport(tuning: Partial<Tuning> = {}): Transport {
  const queue = new EventQueue();
  const random = new Random(1);
  const calm = { ordered: true, loss: 0, duplicate: 0, slow: 0, slowMs: 0 };
  const network = new SimNetwork(queue, random.fork(), calm);
  const wire = new SimWire({ queue, random: random.fork(), network, refuses: true, heard: () => {} });
  const all = { ...defaultTuning, ...tuning };
  const endpoint = (name: string) => {
    const gate = new Gate(random.fork());
    const options = { queue, gate, random: random.fork(), rate: 1, buggify: new Set<never>() };
    return { name, gate, runtime: new SimRuntime({ ...options, struck: () => {} }) };
  };
  pumps.push(
    setInterval(() => {
      while (queue.next(queue.now + 1)) {}
    }, 1),
  );
  const here = wire.transportOf(endpoint('n1'), all);
  const there = wire.transportOf(endpoint('n2'), all);
  return { listen: (options) => here.listen(options), connect: (options) => there.connect(options) };
}

transportCompliance('in the simulator', transport);
