import * as Args from '@oclif/core/args';
import type { HeldLock, LockOptions, LockView, MusterClient } from '../client/api.js';
import { MusterError } from '../errors.js';
import type { Column } from '../render/table.js';
import { formatDuration } from '../text/duration.js';
import { countFlag, durationFlag } from './flags.js';

export const lockArgs = {
  name: Args.string({ required: true, ignoreStdin: true, description: 'lock name' }),
};

/** Flags shared by `lock acquire` and `lock run`. */
export const acquireFlags = {
  wait: durationFlag({
    default: 0,
    helpValue: '5s',
    description: 'how long to wait in the queue if the lock is held',
  }),
  permits: countFlag({
    default: 1,
    helpValue: 'N',
    description: 'number of concurrent holders; all clients of the lock must pass the same number',
  }),
};

export const lockColumns: readonly Column<LockView>[] = [
  { title: 'NAME', of: (lock) => lock.name },
  {
    title: 'HELD BY',
    of: (lock) => lock.holders.map(({ token }) => token).join(', ') || null,
  },
  {
    title: 'TTL',
    of: (lock) => [...new Set(lock.holders.map(({ ttlMs }) => formatDuration(ttlMs)))].join(', ') || null,
  },
  { title: 'PERMITS', of: (lock) => lock.permits || null, align: 'right' },
  { title: 'WAITING', of: (lock) => lock.waiting, align: 'right' },
];

/**
 * Acquires a lock; running out of waiting time is a `timeout`. If `signal` was aborted meanwhile, the lock is released again.
 * Rejects with `lock-held`, `timeout`, `interrupted`, or as every call does.
 */
export async function acquire(
  client: MusterClient,
  name: string,
  options: LockOptions & { readonly signal: AbortSignal },
): Promise<HeldLock> {
  const held = await client.locks.acquire(name, options).catch((error: unknown) => {
    const { waitMs = 0 } = options;
    if (!(error instanceof MusterError) || error.code !== 'lock-held' || waitMs === 0) throw error;
    const why =
      error.details.granted === true
        ? error.message
        : `lock ${name} is still held after ${formatDuration(waitMs)}`;
    throw new MusterError('timeout', `${why}; see its holder with \`muster lock show ${name}\``, {
      details: { key: name },
      tookEffect: 'no',
      cause: error,
    });
  });
  if (!options.signal.aborted) return held;
  await held.release().catch(() => {});
  throw new MusterError('interrupted', 'interrupted: the lock was released', { tookEffect: 'no' });
}
