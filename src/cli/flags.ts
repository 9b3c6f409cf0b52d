import * as Flags from '@oclif/core/flags';
import { invalid } from '../errors.js';
import { parseDuration, writeDuration } from '../text/duration.js';

/** The flag that names the cluster; its short form is -c, except in commands where -c passes text to run. */
export const clusterFlag = {
  helpGroup: 'GLOBAL',
  helpValue: 'NAME',
  description:
    'cluster to use (default: MUSTER_CLUSTER, .muster.json, `muster context use`, or the only cluster)',
} as const;

/** A duration in ms as it is typed: `10s`, `24h`, `1500ms`, `0s`. */
export const durationText = (ms: number): string => (ms === 0 ? '0s' : writeDuration(ms));

/** A flag whose value is a duration, such as `500ms`, `10s` or `1m`; its value is in ms. Help shows the default as it is typed. */
export const durationFlag = Flags.custom<number>({
  helpValue: '10s',
  parse: async (text) => parseDuration(text),
  defaultHelp: async ({ options }) =>
    typeof options.default === 'number' ? durationText(options.default) : undefined,
});

/** A flag whose value is an integer within ±(2^53−1); `usage` otherwise. */
export const integerFlag = Flags.custom<number>({
  helpValue: 'N',
  parse: async (text, _context, options) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value))
      throw invalid(`--${options.name}`, text, 'a whole number within ±(2^53−1)');
    return value === 0 ? 0 : value;
  },
});

/** Like `integerFlag`, and not below 0. */
export const countFlag = Flags.custom<number>({
  helpValue: 'N',
  parse: async (text, _context, options) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value)) throw invalid(`--${options.name}`, text, 'a whole number, 0 or more');
    return value;
  },
});

/** Flags shared by `kv list` and `counter list`. */
export const listFlags = {
  prefix: Flags.string({ default: '', description: 'only names that start with this prefix' }),
  after: Flags.string({ helpValue: 'NAME', description: 'only names after this one, in sort order' }),
  limit: countFlag({ description: 'maximum entries (default: all)' }),
  ndjson: Flags.boolean({ exclusive: ['json'], description: 'stream one JSON value per line' }),
};
