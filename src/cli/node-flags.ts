import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';

/** Nodes to act on; several are allowed (`strict = false` takes the rest). */
export const nodeArgs = {
  id: Args.string({ description: 'node IDs, such as n1 n2, or all', ignoreStdin: true }),
};

/** Selects a node by its role for a key. */
export const roleFlags = {
  role: Flags.option({
    options: ['primary', 'backup'] as const,
    description: 'select the node with this role for --of KEY',
  })(),
  of: Flags.string({ helpValue: 'KEY', description: 'key that --role refers to' }),
};

/** Keys to look up. */
export const keyArgs = { key: Args.string({ description: 'keys to locate', ignoreStdin: true }) };

/** The links between nodes that a fault is on. */
export const linkArg = Args.string({
  required: true,
  ignoreStdin: true,
  description: 'a node with all its links, such as n1, or one link, such as n1-n2',
});
