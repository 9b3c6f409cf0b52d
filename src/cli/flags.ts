import * as Flags from '@oclif/core/flags';
import { MusterError } from '../errors.js';
import { parseDuration } from '../text/duration.js';

/** The flag that names the cluster; its letter is `c`, save where a command's own text has that. */
export const clusterFlag = {
  helpGroup: 'GLOBAL',
  helpValue: 'NAME',
  description:
    'The cluster (MUSTER_CLUSTER, .muster.json, `muster context use`; else the only one there is).',
} as const;

/** A flag whose value is a time, like `500ms`, `10s`, `1m`; its value is in ms. */
export const durationFlag = Flags.custom<number>({ parse: async (text) => parseDuration(text) });

/** A flag whose value is an integer within ±(2^53−1); `usage` otherwise. */
export const integerFlag = Flags.custom<number>({
  parse: async (text, _context, options) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value)) {
      throw new MusterError(
        'usage',
        `--${options.name} takes a whole number within ±(2^53−1), not "${text}"`,
      );
    }
    return value === 0 ? 0 : value;
  },
});

/** Like `integerFlag`, and not below 0. */
export const countFlag = Flags.custom<number>({
  parse: async (text, _context, options) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value))
      throw new MusterError('usage', `--${options.name} takes a whole number from 0 on, not "${text}"`);
    return value;
  },
});

/** What `kv list` and `counter list` have in common. */
export const listFlags = {
  prefix: Flags.string({ default: '', description: 'Only names that begin like this.' }),
  after: Flags.string({ description: 'Only names after this one.' }),
  limit: countFlag({ description: 'At most so many.' }),
  ndjson: Flags.boolean({ exclusive: ['json'], description: 'One JSON value a line, as they come.' }),
};
