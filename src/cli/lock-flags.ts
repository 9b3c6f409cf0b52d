import * as Args from '@oclif/core/args';
import type { HeldLock, LockOptions, LockView, MusterClient } from '../client/api.js';
import { MusterError } from '../errors.js';
import type { Column } from '../render/table.js';
import { formatDuration } from '../text/duration.js';
import { countFlag, durationFlag } from './flags.js';

export const lockArgs = {
  name: Args.string({ required: true, ignoreStdin: true, description: 'Name of the lock.' }),
};

/** What `lock acquire` and `lock run` have in common. */
export const acquireFlags = {
  wait: durationFlag({
    default: 0,
    defaultHelp: async () => '0',
    helpValue: '5s',
    description: 'How long to wait in the queue when it is not free.',
  }),
  permits: countFlag({
    default: 1,
    helpValue: 'N',
    description: 'How many may hold it at once; all who use it say the same.',
  }),
};

export const lockColumns: readonly Column<LockView>[] = [
  { title: 'NAME', of: (lock) => lock.name },
  {
    title: 'TOKENS THAT HOLD IT',
    of: (lock) => lock.holders.map(({ token }) => token).join(', ') || null,
  },
  {
    title: 'TIME TO LIVE',
    of: (lock) => [...new Set(lock.holders.map(({ ttlMs }) => formatDuration(ttlMs)))].join(', ') || null,
  },
  { title: 'PERMITS', of: (lock) => lock.permits || null, align: 'right' },
  { title: 'WAITING', of: (lock) => lock.waiting, align: 'right' },
];

/**
 * Acquires; what runs out of waiting is a `timeout`. When `signal` was aborted meanwhile, what was got is given back.
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
        : `lock ${name} was not free within ${formatDuration(waitMs)}`;
    throw new MusterError('timeout', `${why}; \`muster lock show ${name}\` shows who holds it`, {
      details: { key: name },
      tookEffect: 'no',
      cause: error,
    });
  });
  if (!options.signal.aborted) return held;
  await held.release().catch(() => {});
  throw new MusterError('interrupted', 'interrupted; the lock was given back', { tookEffect: 'no' });
}
