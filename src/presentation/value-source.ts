import type { Suggestion } from './prompts/ask.js';
import type { ValueKind } from './value-kind.js';
export interface ValueSource {
  values(
    kind: ValueKind,
    prefix: string,
    context: { readonly cluster?: string },
  ): Promise<readonly Suggestion[]>;
}
export const localValues: ValueSource = { values: async () => [] };
