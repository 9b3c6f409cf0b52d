import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { Connection, ConnectionHandler, Hello } from './contract.js';
import { type FrameSink, Outbox, receiveFrame } from './frames.js';
import { textFrame } from './text-frame.js';
import type { Tuning } from './tuning.js';

/** RFC 6455 section 7.4.1. */
export const closeCodes = { normal: 1000, goingAway: 1001, notText: 1003, notJson: 1007 } as const;

/** Where frames may go that need no mask, or the one that changes nothing. */
export interface Plain {
  readonly socket: Duplex;
  readonly zeroMask: boolean;
}

/** An open `ws` socket, of either end, as a `Connection`. */
export class WsConnection implements Connection, FrameSink {
  readonly peer: Hello;
  /** Resolves once the handler has been told that it is over. */
  readonly ended: Promise<void>;
  readonly #ws: WebSocket;
  /** The socket of `ws`; null: frames must be masked, which `ws` does. */
  readonly #plain: Plain | null;
  readonly #outbox: Outbox;
  readonly #queueBytes: number;
  #handler: ConnectionHandler | null = null;
  #closing = false;
  /** Has anything been heard since the last probe? */
  #heard = true;

  constructor(ws: WebSocket, peer: Hello, tuning: Tuning, plain: Plain | null) {
    this.#ws = ws;
    this.#plain = plain;
    this.peer = peer;
    this.#queueBytes = tuning.queueBytes;
    this.#outbox = new Outbox(this, tuning);
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary));
    ws.on('ping', (data: Buffer) => this.#answerPing(data));
    ws.on('pong', () => {
      this.#heard = true;
    });
    // An 'error' is always followed by 'close'; a socket error of a peer is nothing the host could act on.
    ws.on('error', () => {});
    this.ended = new Promise((resolve) => {
      ws.on('close', () => {
        this.#closing = true;
        this.#outbox.clear();
        this.#handler?.closed();
        resolve();
      });
    });
  }

  /** To be called in the turn that made the connection, before any message can arrive. */
  attach(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  get queued(): number {
    return this.#outbox.queued;
  }

  send(message: string): void {
    if (!this.#closing) this.#outbox.push(message);
  }

  flush(): void {
    if (!this.#closing) this.#outbox.flush();
  }

  close(code: number = closeCodes.normal, reason = ''): void {
    if (this.#closing) return;
    this.#outbox.flush();
    this.#closing = true;
    this.#ws.close(code, reason);
  }

  /** Cuts the connection off, now. */
  terminate(): void {
    this.#closing = true;
    this.#outbox.clear();
    this.#ws.terminate();
  }

  /** Asks whether the peer is still there; cuts it off when it has been silent since the last time. */
  probe(): void {
    if (this.#heard) {
      this.#heard = false;
      this.#ws.ping();
    } else this.terminate();
  }

  write(frame: string): void {
    if (this.#plain === null) this.#ws.send(frame);
    // What `ws` sends by itself, and the answer to a close above all, it writes in one go: nothing comes in between.
    else if (this.#ws.readyState === this.#ws.OPEN)
      this.#plain.socket.write(textFrame(frame, this.#plain.zeroMask));
  }

  get buffered(): number {
    return this.#ws.bufferedAmount;
  }

  overflow(): void {
    this.terminate();
  }

  readonly #notJson = () => this.close(closeCodes.notJson, 'frame is not valid JSON');

  #receive(data: RawData, isBinary: boolean): void {
    this.#heard = true;
    if (this.#closing) return;
    if (isBinary) {
      this.close(closeCodes.notText, 'text frames only');
      return;
    }
    receiveFrame((data as Buffer).toString(), this.#outbox, this.#handler, this.#notJson);
  }

  /** By hand, for `ws` would queue pongs without bound for a peer that pings and never reads. */
  #answerPing(data: Buffer): void {
    this.#heard = true;
    if (this.#ws.bufferedAmount > this.#queueBytes) this.terminate();
    else if (!this.#closing) this.#ws.pong(data);
  }
}
