/**
 * Mutants that were looked at and change nothing which a client, an operator or a test could see: they are not drawn. By id, with the
 * change and the reason. An id ends to exist when the code around the mutant changes; `npm run mutate -- --stale` lists those.
 */
export const equivalent: Readonly<Record<string, readonly [change: string, reason: string]>> = {};
