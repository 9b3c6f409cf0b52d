/** By id of the mutant: the change, and why nothing that a client, an operator or a test could see is different. */
export type Equivalent = Readonly<Record<string, readonly [change: string, reason: string]>>;
