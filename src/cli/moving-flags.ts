import * as Flags from '@oclif/core/flags';

/** Flags shared by the commands that move partitions. */
export const movingFlags = {
  'no-wait': Flags.boolean({
    description: 'return once the change is published; data moves in the background',
  }),
};

/** Default timeout of moves, which can take minutes. */
export const movingTimeoutMs = 5 * 60_000;
