import type { ClusterMap, Member, NodeId, Process } from '../core/map/types.js';
import { MusterError } from '../errors.js';
import { isLoopbackAddress } from '../os/loopback.js';
import type { Runtime, Timer } from '../os/runtime.js';
import type { Connection, NodeHello, Transport } from '../transport/contract.js';
import { TurnoverSet } from '../util/turnover.js';

export interface PeersOptions {
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly token: string;
  readonly self: NodeHello;
  /** A connection to that node is open: what was under way before may be lost. */
  readonly linked: (node: NodeId) => void;
  /** The connection to the process's address in the map was refused: the process has exited (R12a). */
  readonly gone: (process: Process) => void;
  readonly log: (message: string, fields: Record<string, unknown>) => void;
}

/** Time allowed for a handshake, and the pause between two attempts, at least and at most; in ms. */
const connectMs = 2000;
const firstPauseMs = 10;
const longestPauseMs = 500;

interface Peer {
  member: Member;
  connection: Connection | null;
  dialing: boolean;
  pauseMs: number;
  timer: Timer | null;
}

/**
 * One outgoing connection to each other member, held open: messages to a node leave on it, its own come on the
 * connection it makes to us. What cannot be sent is dropped; the protocol sends it again.
 */
export class Peers {
  readonly #peers = new Map<NodeId, Peer>();
  readonly #options: PeersOptions;
  readonly #unflushed = new TurnoverSet<Connection>();
  #closed = false;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** A new map: dial who is new, and who has moved. */
  update(map: ClusterMap): void {
    for (const member of Object.values(map.members)) {
      if (member.id === this.#options.self.id || member.incarnation === 0) continue;
      const peer = this.#peers.get(member.id);
      if (peer === undefined) {
        const added: Peer = { member, connection: null, dialing: false, pauseMs: firstPauseMs, timer: null };
        this.#peers.set(member.id, added);
        this.#dial(added);
      } else if (!sameProcess(peer.member, member)) {
        peer.member = member;
        peer.connection?.close(1000, 'node restarted');
        peer.connection = null;
        peer.pauseMs = firstPauseMs;
        this.#dial(peer);
      }
    }
  }

  send(to: NodeId, message: string): void {
    const connection = this.#peers.get(to)?.connection;
    if (connection == null) return;
    connection.send(message);
    this.#unflushed.add(connection);
  }

  flush(): void {
    for (const connection of this.#unflushed) connection.flush();
    this.#unflushed.clear();
  }

  close(): void {
    this.#closed = true;
    for (const peer of this.#peers.values()) {
      peer.timer?.cancel();
      peer.connection?.close(1001, 'node is stopping');
    }
  }

  #dial(peer: Peer): void {
    if (this.#closed || peer.dialing) return;
    peer.timer?.cancel();
    peer.timer = null;
    peer.dialing = true;
    void this.#connect(peer);
  }

  async #connect(peer: Peer): Promise<void> {
    const { member } = peer;
    const { transport, token, self, linked } = this.#options;
    let opened: Connection | null = null;
    let ended = false;
    try {
      opened = await transport.connect({
        url: member.url,
        token,
        hello: self,
        expect: { id: member.id, store: member.store, incarnation: member.incarnation },
        timeoutMs: connectMs,
        handler: {
          message: () => {},
          closed: () => {
            ended = true;
            if (peer.connection !== opened) return;
            peer.connection = null;
            // At once: a refused connect is the fastest proof that a killed process has ended.
            this.#dial(peer);
          },
        },
      });
    } catch (error) {
      this.#refused(member, error);
    }
    peer.dialing = false;
    if (this.#closed || !sameProcess(peer.member, member)) {
      opened?.close(1000, 'no longer needed');
      this.#dial(peer);
    } else if (opened !== null && !ended) {
      peer.connection = opened;
      peer.pauseMs = firstPauseMs;
      linked(member.id);
    } else {
      const { runtime } = this.#options;
      const pauseMs = runtime.buggify('dial-late') ? longestPauseMs : peer.pauseMs;
      peer.timer = runtime.after(pauseMs, () => this.#dial(peer));
      peer.pauseMs = Math.min(peer.pauseMs * 2, longestPauseMs);
    }
  }

  #refused(member: Member, error: unknown): void {
    const refused = error instanceof MusterError && error.details.refused === true;
    // R12a holds on one machine only.
    if (refused && isLoopbackAddress(new URL(member.url).hostname)) {
      this.#options.gone({ node: member.id, store: member.store, incarnation: member.incarnation });
    } else if (error instanceof MusterError && error.code !== 'unreachable' && error.code !== 'timeout') {
      this.#options.log(`${member.id} (${member.url}) refused this node: ${error.message}`, {
        code: error.code,
      });
    }
  }
}

const sameProcess = (a: Member, b: Member): boolean =>
  a.store === b.store && a.incarnation === b.incarnation && a.url === b.url;
