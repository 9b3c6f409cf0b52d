/**
 * What applying an entry costs the state machine alone, in ns:
 *   npx tsx benchmarks/apply.ts [--against FOLDER] [--rounds 25]
 * `--against`: other sources of muster, in turns with these; prints the ratio. Of all rounds the
 * fastest counts: what else runs on the machine only adds.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { PartitionMachine } from '../src/core/machine/machine.js';
import type { Command, Operation, TxItem } from '../src/core/machine/types.js';

const { values: flags } = parseArgs({
  options: { against: { type: 'string' }, rounds: { type: 'string', default: '25' } },
});

type Machine = typeof PartitionMachine;
const load = async (folder: string): Promise<Machine> =>
  ((await import(resolve(folder, 'src/core/machine/machine.ts'))) as { PartitionMachine: Machine })
    .PartitionMachine;

const entries = 50_000;
const keys = Array.from({ length: 1000 }, (_, i) => `counter-${i}`);
// As it comes from a message: a text that was put together is read more slowly.
const text = JSON.parse(JSON.stringify('x'.repeat(1000))) as string;

/** By what the operations are: the commands of entry `seq`. */
const cases: Record<string, (seq: number) => Command> = {
  increments: (seq) => operation(seq, { type: 'incr', key: keys[seq % 1000]!, by: 1 }),
  'puts of 1000 characters': (seq) => operation(seq, { type: 'put', key: keys[seq % 1000]!, value: text }),
  'transactions of 2 increments': (seq) => {
    const items: TxItem[] = [0, 1].map((i) => ({
      type: 'incr',
      key: keys[(seq + i) % 1000]!,
      by: 1 - 2 * i,
    }));
    return operation(seq, { type: 'tx', key: items[0]!.key, items });
  },
  'prepares and finishes': (seq) => {
    const tx = `3:1.1:${seq >> 1}`;
    const items = [{ type: 'incr', key: keys[seq % 1000]!, by: 1 }] as const;
    return seq % 2 === 0
      ? { type: 'prepare', tx, anchor: 3, at: seq, items }
      : { type: 'finish', ends: [[tx, true, seq - 1]] };
  },
};

function operation(seq: number, op: Operation): Command {
  return { type: 'op', session: '1.1', n: seq, first: Math.max(1, seq - 16), op };
}

function run(machine: Machine, commandOf: (seq: number) => Command): number {
  const state = new machine(1);
  state.apply({ epoch: 1, seq: 1, command: { type: 'open', gen: 1 } });
  const commands = Array.from({ length: entries }, (_, i) => commandOf(i + 2));
  const began = performance.now();
  for (let i = 0; i < entries; i++) state.apply({ epoch: 1, seq: i + 2, command: commands[i]! });
  return ((performance.now() - began) * 1e6) / entries;
}

const systems = [await load('.')];
if (flags.against !== undefined) systems.push(await load(flags.against));
for (const [name, commandOf] of Object.entries(cases)) {
  const times: number[][] = systems.map(() => []);
  for (let round = 0; round <= Number(flags.rounds); round++)
    for (const [i, machine] of systems.entries()) {
      const ns = run(machine, commandOf);
      // The first round warms up.
      if (round > 0) times[i]!.push(ns);
    }
  const [here = 0, other] = times.map((all) => Math.min(...all));
  const against =
    other === undefined ? '' : `, other ${other.toFixed(0)} ns, ratio ${(here / other).toFixed(2)}`;
  console.log(`${name}: ${here.toFixed(0)} ns${against}`);
}
