import { limits } from '../../limits.js';
import { tooManyResults } from '../machine/machine.js';
import type { OpResult, TxItem } from '../machine/types.js';
import type { ClientRequest, ClientResponse, Refusal } from '../messages.js';
import { itemsProblem } from '../transaction/items.js';
import type { LedReplica, ReplicaContext } from './context.js';
import type { InSyncSet } from './in-sync-set.js';
import type { Pipeline } from './pipeline.js';

type Numbered = Pick<Extract<ClientRequest, { type: 'write' }>, 'session' | 'n' | 'first'>;

/**
 * Why a primary refuses a request, if it does. Nothing of what is refused is in the log; it changes nothing itself.
 */
export class Admission {
  readonly #replica: LedReplica;
  readonly #ctx: ReplicaContext;
  readonly #set: InSyncSet;
  readonly #pipeline: Pipeline;

  constructor(replica: LedReplica, ctx: ReplicaContext, set: InSyncSet, pipeline: Pipeline) {
    this.#replica = replica;
    this.#ctx = ctx;
    this.#set = set;
    this.#pipeline = pipeline;
  }

  refuse(code: Refusal['code'], message: string, mayHaveRun = false): Refusal {
    const revision = this.#ctx.map.revision;
    return mayHaveRun
      ? { ok: false, code, message, revision, mayHaveRun }
      : { ok: false, code, message, revision };
  }

  get notReady(): Refusal {
    return this.refuse('unavailable', 'the primary is new and not ready yet');
  }

  get #partition(): string {
    return `partition ${this.#replica.p}`;
  }

  /** Why a primary that serves may take in nothing new; null: it may. */
  mayWrite(): Refusal | null {
    if (this.#ctx.quiesced) return this.refuse('unavailable', 'the cluster is about to stop');
    const { replicas, minInSync } = this.#ctx.map.settings;
    if (!this.#set.isEnough) {
      const count = this.#replica.config.inSync.length;
      const message = `${this.#partition} has ${count} of ${replicas} replicas in sync and needs ${minInSync}`;
      return this.refuse('unavailable', message);
    }
    const { answering } = this.#set;
    if (answering < minInSync) {
      const message = `of the replicas of ${this.#partition} in sync only ${answering} answer, and ${minInSync} are needed`;
      return this.refuse('unavailable', message);
    }
    if (!this.#pipeline.isFull) return null;
    const waiting = this.#replica.log.tailSeq - this.#replica.commit;
    return this.refuse('busy', `${this.#partition} has ${waiting} entries waiting to be replicated`);
  }

  /** Why so many more UTF-16 code units may not be kept; null: they may. */
  noRoom(growth: number): Refusal | null {
    const held = this.#replica.machine.heldUnits + this.#pipeline.bytes;
    return growth > 0 && held + growth > limits.partitionUnits
      ? this.refuse('busy', `${this.#partition} is full: it holds ${held} characters`)
      : null;
  }

  /** Why that session may have no further result kept; null: it may. */
  unacknowledged({ session, n, first }: Numbered): Refusal | null {
    return this.#replica.machine.hasUnacknowledged(session, n, first)
      ? this.refuse('busy', tooManyResults)
      : null;
  }

  /** Why no session may be opened; null: one may. */
  tooManySessions(): Refusal | null {
    return this.#replica.machine.sessionCount >= limits.sessionsPerPartition ? this.sessionsFull : null;
  }

  get sessionsFull(): Refusal {
    return this.refuse('busy', `${this.#partition} keeps ${limits.sessionsPerPartition} sessions already`);
  }

  /** Refuses items that no client of ours sends. `p`: they are all to be of that partition. */
  invalidItems(items: readonly TxItem[], p: number | null): Refusal | null {
    const problem = itemsProblem(items, p, this.#ctx.map.partitions.length);
    return problem === null ? null : this.refuse('bad-message', problem);
  }

  /** The answer to an operation that the session table knows something of. */
  known(known: OpResult | 'unknown-session' | 'forgotten' | 'beyond'): ClientResponse {
    switch (known) {
      case 'unknown-session': {
        const message = 'the session is not known here: it was idle too long or was closed';
        return this.refuse('session-expired', message);
      }
      case 'beyond':
        return this.refuse('busy', `a session has at most ${limits.sessionWindow} operations under way`);
      case 'forgotten': {
        const message = 'the session has already acknowledged a later operation';
        return { ok: true, type: 'write', result: { ok: false, code: 'outcome-unknown', message } };
      }
      default:
        return { ok: true, type: 'write', result: known };
    }
  }
}
