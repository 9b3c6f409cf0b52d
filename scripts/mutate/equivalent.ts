/**
 * Mutants that were reviewed and change nothing that a client, an operator or a test could see: they are not drawn. By id, with the
 * change and the reason. An id changes with the code that is mutated; `npm run mutate -- --stale` lists those that are gone.
 */
export const equivalent: Readonly<Record<string, readonly [change: string, reason: string]>> = {};
