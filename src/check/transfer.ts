/** A look at all accounts at once, in one transaction. */
export interface Balances {
  readonly client: number;
  readonly start: number;
  readonly end: number;
  readonly values: readonly (number | null)[];
}

/** Money is neither made nor lost: whoever looks at all accounts sees the same total. Gives what is wrong, or null. */
export function checkTransfers(looks: readonly Balances[], total: number): string | null {
  for (const { client, start, end, values } of looks) {
    // On the way two accounts may come to more than a number can hold exactly.
    const sum = values.reduce((a, b) => a + BigInt(b ?? 0), 0n);
    if (sum !== BigInt(total))
      return `c${client} saw a total of ${sum} instead of ${total} between ${start.toFixed(1)} and ${end.toFixed(1)}: ${values.join(' ')}`;
  }
  return null;
}
