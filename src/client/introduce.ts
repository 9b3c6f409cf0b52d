import { MusterError } from '../errors.js';
import { anyCluster } from '../transport/handshake.js';
import { createWsTransport } from '../transport/ws.js';
import { encodeCall } from '../wire/calls.js';
import { classify } from '../wire/rpc.js';
import { fromRpcError } from '../wire/rpc-errors.js';
import type { NodeStatus } from './api.js';

/**
 * Asks the node at an address for its identity; needs only the cluster's token. Rejects with `unauthorized`,
 * `unreachable`, `wrong-version` or `timeout`.
 */
export async function askAddress(url: string, token: string, timeoutMs: number): Promise<NodeStatus> {
  const deadline = performance.now() + timeoutMs;
  let settle: { resolve(status: NodeStatus): void; reject(error: unknown): void } | null = null;
  const answer = new Promise<NodeStatus>((resolve, reject) => {
    settle = { resolve, reject };
  });
  answer.catch(() => {});
  const connection = await createWsTransport().connect({
    url,
    token,
    hello: { role: 'client', cluster: anyCluster },
    expect: null,
    timeoutMs,
    handler: {
      message: (messages) => {
        for (const message of messages.map(classify)) {
          if (message.kind === 'result') settle?.resolve(message.result as NodeStatus);
          else if (message.kind === 'error') settle?.reject(fromRpcError(message.error));
        }
      },
      closed: () => settle?.reject(new MusterError('unreachable', `connection to ${url} lost`)),
    },
  });
  const timer = setTimeout(
    () => settle?.reject(new MusterError('timeout', `timed out after ${timeoutMs} ms waiting for ${url}`)),
    Math.max(1, deadline - performance.now()),
  );
  try {
    connection.send(encodeCall(1, { type: 'status' }));
    return await answer;
  } finally {
    clearTimeout(timer);
    connection.close(1000, 'done');
  }
}
