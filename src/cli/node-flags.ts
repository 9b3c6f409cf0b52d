import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';

/** The nodes a command is about; several are allowed (`strict = false` takes the rest). */
export const nodeArgs = { id: Args.string({ description: 'Nodes, like n1 n2, or all.', ignoreStdin: true }) };

/** Picks a node by the role it plays for a key. */
export const roleFlags = {
  role: Flags.option({
    options: ['primary', 'backup'] as const,
    description: 'The node that plays this role for --of KEY.',
  })(),
  of: Flags.string({ helpValue: 'KEY', description: 'The key that --role is about.' }),
};

/** The keys a command is about. */
export const keyArgs = { key: Args.string({ description: 'Keys.', ignoreStdin: true }) };

/** The links between nodes that a fault is on. */
export const linkArg = Args.string({
  required: true,
  ignoreStdin: true,
  description: 'A node, for all its links, like n1; or the link between two, like n1-n2.',
});
