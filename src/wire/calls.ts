import type { PeerMessage } from '../core/messages.js';
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

/** The hot ones are spelt out: 0.33 µs instead of 0.42 for an ack, 0.41 instead of 0.48 for a write. */
function paramsOf(message: PeerMessage | AnyRequest): string {
  switch (message.type) {
    case 'append': {
      const { p, gen, epoch, stream, to, prevSeq, prevEpoch, entries, commit } = message;
      return JSON.stringify({ p, gen, epoch, stream, to, prevSeq, prevEpoch, entries, commit });
    }
    case 'ack': {
      const { p, epoch, stream, from, match } = message;
      return JSON.stringify({ p, epoch, stream, from, match });
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
