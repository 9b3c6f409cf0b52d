import type { Suggestion } from '../prompts/ask.js';
import type { PlainKind, ShapedKind } from './value-kind.js';

/** Looks up the values of a kind that begin like this. */
export type LookUp = (kind: PlainKind, prefix: string) => Promise<readonly Suggestion[]>;

/** Splits typed text at the last separator into the finished part and the part still being typed. */
function splitAt(typed: string, separators: RegExp): [stands: string, rest: string] {
  const at = Math.max(...[...typed.matchAll(separators)].map(({ index }) => index + 1), 0);
  return [typed.slice(0, at), typed.slice(at)];
}

const around = (before: string, found: readonly Suggestion[], after = ''): Suggestion[] =>
  found.map(({ value, description }) => ({ value: `${before}${value}${after}`, description }));

/** The next values of a list without repetitions. */
async function nextOf(typed: string, kind: PlainKind, lookUp: LookUp, separators: RegExp, after = '') {
  const [stands, rest] = splitAt(typed, separators);
  const said = new Set(stands.split(separators).map((part) => part.replace(/=.*$/s, '')));
  const found = await lookUp(kind, rest);
  return around(
    stands,
    found.filter(({ value }) => !said.has(value)),
    after,
  );
}

/** Full values of a composite kind that continue the typed text. */
export async function shapedValues(kind: ShapedKind, typed: string, lookUp: LookUp): Promise<Suggestion[]> {
  switch (kind) {
    case 'strategies':
      return nextOf(typed, 'strategy', lookUp, /,/g);
    case 'node-value':
      return typed.includes('=') ? [] : around('', await lookUp('node', typed), '=');
    case 'node-values':
      return splitAt(typed, /,/g)[1].includes('=') ? [] : nextOf(typed, 'node', lookUp, /,/g, '=');
    case 'groups':
      return nextOf(typed, 'node', lookUp, /[,/]/g);
    case 'fence':
      return typed.includes(':') ? [] : around('', await lookUp('lock', typed), ':');
    case 'link': {
      const nodes = await lookUp('node', '');
      const first = nodes.find(({ value }) => typed.startsWith(`${value}-`))?.value;
      const others = nodes.filter(({ value }) => value !== first);
      // A name may hold a dash, too.
      return first === undefined ? [...nodes] : [...around(`${first}-`, others), ...nodes];
    }
    case 'condition': {
      const nodes = await lookUp('node', '');
      return [
        { value: 'ready', description: 'every partition is available' },
        { value: 'in-sync', description: 'every replica is up to date' },
        { value: 'rebalanced', description: 'every partition has reached its target nodes' },
        { value: `members=${Math.max(nodes.length, 1)}`, description: 'this number of nodes is up' },
        ...nodes.map(({ value }) => ({
          value: `primary=${value}`,
          description: 'this node is the primary (for the key in --of)',
        })),
      ];
    }
  }
}
