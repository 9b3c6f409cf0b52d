/** What a client was told of a transaction: by its answer, by a listing, or by a request to abort it. */
export interface Told {
  readonly tx: string;
  readonly outcome: 'committed' | 'aborted';
  readonly client: number;
  readonly at: number;
}

/** A decision is told alike to everybody, whenever they ask. Gives what is wrong, or null. */
export function checkDecisions(told: readonly Told[]): string | null {
  const first = new Map<string, Told>();
  for (const one of told) {
    const other = first.get(one.tx);
    if (other === undefined) first.set(one.tx, one);
    else if (other.outcome !== one.outcome)
      return `${one.tx}: client ${other.client} was told at ${other.at.toFixed(1)} that it is ${other.outcome}, and client ${one.client} at ${one.at.toFixed(1)} that it is ${one.outcome}`;
  }
  return null;
}
