import { MusterError } from '../errors.js';
import { type Runtime, systemRuntime } from '../os/runtime.js';
import type { ConnectionHandler } from './contract.js';
import { sharedFrameUnits, type Tuning } from './tuning.js';

/** The answers that the transport itself gives (JSON-RPC 2.0, section 5.1), as frames. */
const parseErrorFrame = refusal(-32700, 'frame is not valid JSON');
const emptyBatchFrame = refusal(-32600, 'batch is empty');

function refusal(code: number, message: string): string {
  const { hint, tookEffect } = new MusterError('bad-message', message, { tookEffect: 'no' });
  return JSON.stringify({
    jsonrpc: '2.0',
    id: null,
    error: { code, message, data: { code: 'bad-message', tookEffect, hint } },
  });
}

/** A frame's messages; null when it is not JSON. An empty list comes from an empty batch. */
function parseFrame(text: string): readonly unknown[] | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return Array.isArray(value) ? value : [value];
}

/** Gives a frame's messages to the handler. An empty batch is answered with an error; for what is not JSON, `notJson` is to close the connection. */
export function receiveFrame(
  text: string,
  outbox: Outbox,
  handler: ConnectionHandler | null,
  notJson: () => void,
): void {
  const messages = parseFrame(text);
  if (messages === null) {
    outbox.push(parseErrorFrame);
    notJson();
  } else if (messages.length === 0) outbox.push(emptyBatchFrame);
  else handler?.message(messages);
}

/** Where frames go. */
export interface FrameSink {
  write(frame: string): void;
  /** Bytes written and not yet taken by the operating system. */
  readonly buffered: number;
  /** The queue has passed its bound: the peer is too slow. */
  overflow(): void;
}

/**
 * Collects the messages of one turn of the event loop and writes them as one frame: a message by itself goes
 * bare, several as a JSON-RPC batch (what that is worth: `benchmarks/transport.ts`). The turn ends with `setImmediate`, so
 * what several sockets' events cause shares a frame too; after a frame of one message, when little goes on, it ends with the
 * event, which makes a call by itself 1.06 times as fast. Who knows that nothing more will come calls `flush`.
 */
export class Outbox {
  readonly #sink: FrameSink;
  readonly #frameBytes: number;
  readonly #queueBytes: number;
  readonly #runtime: Runtime;
  readonly #flush = () => this.flush();
  #messages: string[] = [];
  #units = 0;
  #scheduled = false;
  /** The last frame held one message. */
  #alone = true;

  constructor(
    sink: FrameSink,
    tuning: Pick<Tuning, 'frameBytes' | 'queueBytes'>,
    runtime: Runtime = systemRuntime,
  ) {
    this.#sink = sink;
    this.#runtime = runtime;
    this.#frameBytes = tuning.frameBytes;
    this.#queueBytes = tuning.queueBytes;
  }

  get queued(): number {
    return this.#units + this.#sink.buffered;
  }

  push(message: string): void {
    const units = message.length;
    // A UTF-16 unit takes at most three bytes: only a message that might be too long is measured.
    if (units * 3 > this.#frameBytes && Buffer.byteLength(message) > this.#frameBytes) {
      throw new MusterError(
        'internal',
        `message of ${Buffer.byteLength(message)} bytes exceeds the frame limit of ${this.#frameBytes}`,
      );
    }
    if (this.#units + units > this.#unitsPerFrame()) this.flush();
    if (this.#runtime.buggify('frame-alone')) this.flush();
    this.#messages.push(message);
    this.#units += units + 1;
    if (this.queued > this.#queueBytes) {
      this.clear();
      this.#sink.overflow();
    } else if (!this.#scheduled) {
      this.#scheduled = true;
      if (this.#runtime.buggify('frame-late')) this.#runtime.after(20 * this.#runtime.random(), this.#flush);
      else if (this.#alone) this.#runtime.afterEvent(this.#flush);
      else this.#runtime.endOfTurn(this.#flush);
    }
  }

  flush(): void {
    this.#scheduled = false;
    const messages = this.#messages;
    if (messages.length === 0) return;
    this.clear();
    this.#alone = messages.length === 1;
    this.#sink.write(this.#alone ? messages[0]! : `[${messages.join(',')}]`);
  }

  clear(): void {
    this.#messages = [];
    this.#units = 0;
  }

  /** Units that may share a frame without any chance of passing its bound in bytes, brackets included. */
  #unitsPerFrame(): number {
    return Math.min(sharedFrameUnits, Math.floor(this.#frameBytes / 3) - 2);
  }
}
