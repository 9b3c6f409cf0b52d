import { limits } from '../limits.js';

/** The bounds of a transport; tests tighten them to see them at work. */
export interface Tuning {
  /** Largest frame accepted or sent, in bytes. */
  readonly frameBytes: number;
  /** Bytes queued for one connection before it is cut off. */
  readonly queueBytes: number;
  /** Connections a server accepts. */
  readonly connections: number;
  /** Time for a peer to complete its handshake, in ms. */
  readonly handshakeMs: number;
  /** A server pings each connection this often, in ms; one that has been silent since the ping before is cut off. */
  readonly pingMs: number;
  /** Time for a peer to answer a close, in ms; then it is cut off. */
  readonly closeMs: number;
}

export const defaultTuning: Tuning = {
  frameBytes: limits.frameBytes,
  queueBytes: limits.connectionQueueBytes,
  connections: limits.connections,
  handshakeMs: 5000,
  pingMs: 30_000,
  closeMs: 1000,
};

/**
 * Messages share a frame up to this many UTF-16 units (so at most three times as many bytes, far below
 * `limits.frameBytes`): the other end parses a frame in one go, and should not be held up for long.
 */
export const sharedFrameUnits = 256 * 1024;
