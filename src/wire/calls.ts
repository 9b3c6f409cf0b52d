import type { Append, PeerMessage } from '../core/messages.js';
import type { AnyRequest } from './requests.js';
import { encodeNotification, encodeRequest, type RpcId } from './rpc.js';

/** A peer message as a notification: the method is its type, the params are the rest. */
export function encodePeerMessage(message: PeerMessage): string {
  return encodeNotification(message.type, paramsOf(message));
}

/** A request; its answer carries the same id. */
export function encodeCall(id: RpcId, request: AnyRequest): string {
  return encodeRequest(id, request.type, paramsOf(request));
}

/** As a list, which is half as long as with the names of its fields, and half the work (decision 0032). */
function appendText(append: Append): string {
  const { p, gen, epoch, stream, prevSeq, prevEpoch, prevChain, commit, counted, digest, entries } = append;
  // An entry is not taken apart: of an applied one the command would have to be parsed.
  const texts = entries.map((e) => `[${e.epoch},${e.json ?? JSON.stringify(e.command)}]`).join();
  const place = `${p},${gen},${epoch},${stream},${prevSeq},${prevEpoch},${prevChain},${commit}`;
  return `[${place},${counted ? 1 : 0},"${digest}",[${texts}]]`;
}

/** The hot ones are spelt out: 0.41 µs instead of 0.48 for a write. Entries come as the JSON that the log has of them. */
function paramsOf(message: PeerMessage | AnyRequest): string {
  switch (message.type) {
    case 'append': {
      const appends = message.appends.map(appendText).join();
      return `{"to":${JSON.stringify(message.to)},"incarnation":${message.incarnation},"appends":[${appends}]}`;
    }
    case 'ack': {
      const { from, acks } = message;
      return JSON.stringify({ from, acks });
    }
    case 'tx-prepare': {
      const { p, tx, anchor, epoch, at, items } = message;
      return JSON.stringify({ p, tx, anchor, epoch, at, items });
    }
    case 'tx-vote': {
      const { p, tx, from, epoch, seq, yes, reads, reason, message: text } = message;
      return JSON.stringify({ p, tx, from, epoch, seq, yes, reads, reason, message: text });
    }
    case 'tx-finish': {
      const { p, tx, anchor, commit, seq } = message;
      return JSON.stringify({ p, tx, anchor, commit, seq });
    }
    case 'tx-finished': {
      const { p, tx, from } = message;
      return JSON.stringify({ p, tx, from });
    }
    case 'tx': {
      const { session, n, first, op, at, pauseAt } = message;
      return JSON.stringify({ session, n, first, op, at, pauseAt });
    }
    case 'write': {
      const { session, n, first, op } = message;
      return JSON.stringify({ session, n, first, op });
    }
    case 'call': {
      const { service, method, params, timeoutMs } = message;
      return JSON.stringify({ service, method, params, timeoutMs });
    }
    default: {
      const { type: _, ...params } = message;
      return JSON.stringify(params);
    }
  }
}
