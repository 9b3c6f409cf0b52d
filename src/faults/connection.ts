import type { NodeId } from '../core/map/types.js';
import { limits } from '../limits.js';
import type { Runtime, Timer } from '../os/runtime.js';
import type { Connection, ConnectionHandler, Hello } from '../transport/contract.js';
import { type FaultPlan, type Link, linkOf, soundLink } from './plan.js';

interface Late {
  /** When it leaves, on the runtime's monotonic clock; later when one before it does. */
  readonly due: number;
  readonly message: string;
}

/** A connection between two nodes under a fault plan, at one of its ends: this one's messages go out on `out`, the peer's come in by `in`. */
export class FaultyConnection implements Connection {
  readonly #self: NodeId;
  readonly #peerId: NodeId;
  readonly #runtime: Runtime;
  readonly #gone: () => void;
  #inner: Connection | null = null;
  #ended = false;
  #out: Link = soundLink;
  #in: Link = soundLink;
  /** Messages that are being delayed, in the order in which they leave. */
  #late: Late[] = [];
  /** Their length together, in UTF-16 units. */
  #lateUnits = 0;
  #timer: Timer | null = null;

  /** `gone` is called when the connection has ended. */
  constructor(self: NodeId, peer: NodeId, runtime: Runtime, gone: () => void) {
    this.#self = self;
    this.#peerId = peer;
    this.#runtime = runtime;
    this.#gone = gone;
  }

  /** The real connection; to be called before anything is sent. */
  attach(inner: Connection): void {
    this.#inner = inner;
  }

  /** What the real connection is to tell, in place of `handler`. */
  wrap(handler: ConnectionHandler): ConnectionHandler {
    return {
      message: (messages) => {
        if (!this.#in.cut) handler.message(messages);
      },
      closed: () => {
        this.#end();
        this.#gone();
        handler.closed();
      },
    };
  }

  update(plan: FaultPlan): void {
    this.#out = linkOf(plan, this.#self, this.#peerId);
    this.#in = linkOf(plan, this.#peerId, this.#self);
    if (this.#late.length === 0) return;
    if (this.#out.cut) this.#lose();
    else {
      // What is on its way takes no longer than it would take now, so that a healed link is prompt at once.
      const latest = this.#runtime.now() + this.#out.delayMs + this.#out.jitterMs;
      this.#late = this.#late.map(({ due, message }) => ({ due: Math.min(due, latest), message }));
      this.#release();
    }
  }

  get peer(): Hello {
    return this.#real.peer;
  }

  get queued(): number {
    return this.#real.queued + this.#lateUnits;
  }

  send(message: string): void {
    const { cut, drop, delayMs, jitterMs } = this.#out;
    if (this.#ended || cut || (drop > 0 && this.#runtime.random() < drop)) return;
    // Then nothing is being delayed either: `update` has let it go.
    if (delayMs === 0) {
      this.#real.send(message);
      return;
    }
    // As a router whose queue is full does: the protocol takes loss better than memory without a bound.
    if (this.#lateUnits + message.length > limits.connectionQueueBytes) return;
    const due = this.#runtime.now() + delayMs + jitterMs * (2 * this.#runtime.random() - 1);
    this.#late.push({ due, message });
    this.#lateUnits += message.length;
    this.#schedule();
  }

  flush(): void {
    this.#real.flush();
  }

  /** What is being delayed is lost. */
  close(code?: number, reason?: string): void {
    this.#end();
    this.#real.close(code, reason);
  }

  get #real(): Connection {
    if (this.#inner === null) throw new Error('fault connection used before attach()');
    return this.#inner;
  }

  /** Sends what is due, and not held up by one that is not. */
  #release(): void {
    const now = this.#runtime.now();
    const waiting = this.#late.findIndex(({ due }) => due > now);
    const due = this.#late.splice(0, waiting < 0 ? this.#late.length : waiting);
    for (const { message } of due) {
      this.#lateUnits -= message.length;
      this.#real.send(message);
    }
    if (due.length > 0) this.#real.flush();
    this.#timer?.cancel();
    this.#timer = null;
    this.#schedule();
  }

  #schedule(): void {
    const next = this.#late[0];
    if (next === undefined || this.#timer !== null) return;
    // Rounded up: timers count whole ms, and one that comes early would have nothing to do.
    this.#timer = this.#runtime.after(Math.ceil(next.due - this.#runtime.now()), () => this.#release());
  }

  #lose(): void {
    this.#late = [];
    this.#lateUnits = 0;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #end(): void {
    this.#ended = true;
    this.#lose();
  }
}
