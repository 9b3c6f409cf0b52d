import type { Transport } from './contract.js';
import { defaultTuning, type Tuning } from './tuning.js';

/**
 * The transport over WebSockets. Each side is loaded when it is first used: a command only ever connects, and
 * pays for nothing of the server.
 */
export function createWsTransport(tuning: Partial<Tuning> = {}): Transport {
  const all = { ...defaultTuning, ...tuning };
  return {
    listen: async (options) => (await import('./ws-server.js')).listen(options, all),
    connect: async (options) => (await import('./ws-client.js')).connect(options, all),
  };
}
