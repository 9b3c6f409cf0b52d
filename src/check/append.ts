/** A transaction that appended unique numbers to lists and read whole lists (Elle's list-append, VLDB 2020). */
export interface AppendTx {
  readonly client: number;
  readonly start: number;
  /** Infinity: its outcome is unknown. */
  readonly end: number;
  readonly outcome: 'ok' | 'failed' | 'unknown';
  readonly reads: readonly (readonly [list: string, values: readonly number[]])[];
  readonly appends: readonly (readonly [list: string, value: number])[];
}

/**
 * Is the history strictly serializable? The longest read of a list gives the order of its appends; every other read must be a
 * beginning of it. Then each transaction stands after those it saw, before those it did not see, and after those that had ended
 * when it began: a cycle among them contradicts every serial order. (Adya's dependencies with real time, as in Elle.) Gives what is wrong, or null.
 * O(n log n + edges).
 */
export function checkAppends(history: readonly AppendTx[]): string | null {
  const txs = history.filter((tx) => tx.outcome !== 'failed');
  const writer = new Map<string, number>();
  txs.forEach((tx, i) => {
    for (const [list, value] of tx.appends) writer.set(`${list}/${value}`, i);
  });
  const failed = new Set(
    history
      .filter((tx) => tx.outcome === 'failed')
      .flatMap((tx) => tx.appends.map(([list, value]) => `${list}/${value}`)),
  );
  const longest = new Map<string, readonly number[]>();
  for (const { reads, outcome } of txs) {
    if (outcome !== 'ok') continue;
    for (const [list, values] of reads)
      if (values.length > (longest.get(list)?.length ?? -1)) longest.set(list, values);
  }
  for (const { reads, outcome, client } of txs) {
    if (outcome !== 'ok') continue;
    for (const [list, values] of reads) {
      const order = longest.get(list) as readonly number[];
      if (new Set(values).size !== values.length) return `${list} holds a value twice: ${values.join(' ')}`;
      if (values.some((value, i) => order[i] !== value))
        return `c${client} read ${list} as ${values.join(' ')}, another as ${order.join(' ')}`;
      const never = values.find((value) => failed.has(`${list}/${value}`) || !writer.has(`${list}/${value}`));
      if (never !== undefined) return `c${client} read ${never} in ${list}, which was never appended`;
    }
  }
  const after: Set<number>[] = txs.map(() => new Set());
  const edge = (from: number | undefined, to: number | undefined): void => {
    if (from !== undefined && to !== undefined && from !== to) after[from]?.add(to);
  };
  const indexIn = new Map<string, Map<number, number>>();
  for (const [list, order] of longest) {
    indexIn.set(list, new Map(order.map((value, i) => [value, i])));
    for (let i = 1; i < order.length; i++)
      edge(writer.get(`${list}/${order[i - 1]}`), writer.get(`${list}/${order[i]}`));
  }
  txs.forEach((tx, i) => {
    if (tx.outcome !== 'ok') return;
    for (const [list, values] of tx.reads) {
      const order = longest.get(list) as readonly number[];
      edge(writer.get(`${list}/${values.at(-1)}`), i);
      edge(i, writer.get(`${list}/${order[values.length]}`));
    }
    // An append that was acknowledged and that no later read shows.
    for (const [list, value] of tx.appends) {
      const seen = indexIn.get(list)?.has(value) === true;
      if (seen) continue;
      txs.forEach((reader, r) => {
        if (reader.outcome === 'ok' && reader.reads.some(([name]) => name === list)) edge(r, i);
      });
    }
  });
  return findCycle(txs, after);
}

/** Real time is a chain of instants: each transaction points at the instant of its end, each instant at whoever begins after it. */
function findCycle(txs: readonly AppendTx[], after: readonly Set<number>[]): string | null {
  const n = txs.length;
  const ends = txs
    .map((tx, i) => ({ i, end: tx.end }))
    .filter(({ end }) => Number.isFinite(end))
    .sort((a, b) => a.end - b.end);
  const next: number[][] = Array.from({ length: n + ends.length }, (_, v) =>
    v < n ? [...(after[v] as Set<number>)] : [],
  );
  ends.forEach(({ i }, k) => {
    next[i]?.push(n + k);
    if (k + 1 < ends.length) next[n + k]?.push(n + k + 1);
  });
  txs.forEach((tx, i) => {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ends[middle] as { end: number }).end < tx.start) low = middle + 1;
      else high = middle;
    }
    if (low > 0) next[n + low - 1]?.push(i);
  });
  const state = new Uint8Array(next.length);
  for (let root = 0; root < next.length; root++) {
    if (state[root] !== 0) continue;
    const stack: { v: number; at: number }[] = [{ v: root, at: 0 }];
    state[root] = 1;
    while (stack.length > 0) {
      const top = stack[stack.length - 1] as { v: number; at: number };
      const to = next[top.v]?.[top.at++];
      if (to === undefined) {
        state[top.v] = 2;
        stack.pop();
      } else if (state[to] === 1) {
        const cycle = stack.slice(stack.findIndex(({ v }) => v === to)).map(({ v }) => v);
        return `a cycle: ${cycle
          .filter((v) => v < n)
          .map((v) => describe(txs[v] as AppendTx))
          .join(' → ')}`;
      } else if (state[to] === 0) {
        state[to] = 1;
        stack.push({ v: to, at: 0 });
      }
    }
  }
  return null;
}

const describe = (tx: AppendTx): string =>
  `c${tx.client} [${tx.start.toFixed(1)}, ${tx.end.toFixed(1)}] ${tx.reads.map(([list, v]) => `read ${list}=${v.join(',')}`).join(' ')} ${tx.appends.map(([list, v]) => `append ${list} ${v}`).join(' ')}`;
