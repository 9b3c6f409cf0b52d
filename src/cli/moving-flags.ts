import * as Flags from '@oclif/core/flags';

/** What the commands that move partitions have in common. */
export const movingFlags = {
  'no-wait': Flags.boolean({
    description: 'Come back when the change is published; the nodes then move by themselves.',
  }),
};

/** Moves may take their time. */
export const movingTimeoutMs = 5 * 60_000;
