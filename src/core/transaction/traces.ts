import { limits } from '../../limits.js';
import { TurnoverMap } from '../../util/turnover.js';
import { type TraceEvent, type TxId, traceSteps } from '../machine/types.js';

/** What became of one transaction. Kept as numbers, five a step: as objects they were a good part of what a collector had to copy. */
export class Trace {
  /** When it came, on this primary's clock. */
  readonly #since: number;
  readonly #numbers: number[] = [];

  constructor(now: number) {
    this.#since = now;
  }

  /** A step at `now`; without an entry, or a word, `seq` or `yes` are null. */
  note(now: number, what: TraceEvent['what'], p: number, seq: number | null, yes: boolean | null): void {
    if (this.#numbers.length >= 5 * limits.txTraceEvents) return;
    this.#numbers.push(
      now - this.#since,
      traceSteps.indexOf(what),
      p,
      seq ?? -1,
      yes === null ? -1 : Number(yes),
    );
  }

  events(): TraceEvent[] {
    const events: TraceEvent[] = [];
    for (let i = 0; i < this.#numbers.length; i += 5) {
      const [at = 0, step = 0, p = 0, seq = 0, yes = 0] = this.#numbers.slice(i, i + 5);
      const what = traceSteps[step] as TraceEvent['what'];
      events.push({ at, what, p, seq: seq < 0 ? null : seq, yes: yes < 0 ? null : yes === 1 });
    }
    return events;
  }
}

/** What the newest `limits.txTraces` transactions of a coordinator did, for whoever looks. */
export class Traces {
  readonly #traces = new TurnoverMap<TxId, Trace>();

  events(tx: TxId): readonly TraceEvent[] {
    return this.#traces.get(tx)?.events() ?? [];
  }

  /** That of a transaction, whose client may have come before. */
  of(tx: TxId, now: number): Trace {
    const known = this.#traces.get(tx);
    if (known !== undefined) return known;
    const trace = new Trace(now);
    this.#traces.set(tx, trace);
    if (this.#traces.size > limits.txTraces) {
      const [oldest] = this.#traces.keys();
      if (oldest !== undefined) this.#traces.delete(oldest);
    }
    return trace;
  }
}
