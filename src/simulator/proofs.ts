import { outcomeOf } from '../core/machine/outcome.js';
import type { Entry } from '../core/machine/types.js';
import type { ClientRequest, ClientResponse } from '../core/messages.js';
import { byPartition } from '../core/transaction/items.js';

/** Where an entry stands. */
export interface LoggedEntry {
  readonly p: number;
  readonly epoch: number;
  readonly seq: number;
}

/** What an answer rests on: one of these entries. */
interface Needed {
  readonly what: string;
  readonly entries: readonly LoggedEntry[];
}

/** Failures that applying an operation gives, and that are remembered as its result. */
const applied: ReadonlySet<string> = new Set([
  'overflow',
  'wrong-type',
  'conflict',
  'lock-held',
  'lock-lost',
  'fenced',
  'not-applied',
]);

/** Which entries the logs have for each operation and transaction, so that each answer can be held against what is on disk. */
export class Proofs {
  readonly #partitions: number;
  /** By the id of the operation or transaction, and the partition. */
  readonly #entries = new Map<string, LoggedEntry[]>();

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  /** A node writes an entry that nobody wrote before. */
  logged(p: number, { epoch, seq, command }: Entry): void {
    switch (command.type) {
      case 'open':
        this.#add(opened(`${command.gen}.${seq}`), { p, epoch, seq });
        break;
      case 'op':
        this.#add(`${p}:${command.session}:${command.n}`, { p, epoch, seq });
        break;
      case 'stage':
      case 'decide':
      case 'abort':
      case 'prepare':
        this.#add(command.tx, { p, epoch, seq });
        break;
    }
  }

  #add(id: string, entry: LoggedEntry): void {
    const key = `${id}@${entry.p}`;
    const known = this.#entries.get(key);
    if (known === undefined) this.#entries.set(key, [entry]);
    else known.push(entry);
  }

  /** What the answer of partition `p` rests on; nothing, when it is a refusal or a look. */
  of(p: number, request: ClientRequest, response: ClientResponse): readonly Needed[] {
    if (!response.ok) return [];
    if (response.type === 'open') return [this.#needed(opened(response.session), p)];
    if (response.type === 'abort')
      return request.type === 'abort' && response.state === 'committed' ? [this.#needed(request.tx, p)] : [];
    if (response.type !== 'write' || (request.type !== 'write' && request.type !== 'tx')) return [];
    const { result } = response;
    if (!result.ok && !applied.has(result.code)) return [];
    const id = `${p}:${request.session}:${request.n}`;
    const needed = [this.#needed(id, p)];
    if (request.type !== 'tx' || !result.ok || outcomeOf(result).outcome !== 'committed') return needed;
    for (const part of byPartition(request.op.items, this.#partitions).keys())
      if (part !== p) needed.push(this.#needed(id, part));
    return needed;
  }

  #needed(id: string, p: number): Needed {
    return { what: `${id} in p${p}`, entries: this.#entries.get(`${id}@${p}`) ?? [] };
  }
}

const opened = (session: string): string => `open ${session}`;
