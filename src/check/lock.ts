/** One client's time with a lock. */
export interface Holding {
  readonly client: number;
  readonly lock: string;
  /** How many may hold it at a time. */
  readonly permits: number;
  readonly token: number;
  /** When it asked, when it knew, and until when it could prove that it held: in ms on one clock. */
  readonly asked: number;
  readonly from: number;
  readonly until: number;
}

/** A write under a fencing token. */
export interface FencedWrite {
  readonly client: number;
  readonly key: string;
  readonly token: number;
  readonly start: number;
  readonly end: number;
  readonly outcome: 'ok' | 'fenced' | 'unknown';
  /** Orders those of one key that took effect. */
  readonly version: number;
}

/** No more hold a lock at a time, provably, than it has permits; tokens are unique and grow with time. Gives what is wrong, or null. */
export function checkHoldings(holdings: readonly Holding[]): string | null {
  const byLock = new Map<string, Holding[]>();
  for (const holding of holdings) byLock.set(holding.lock, [...(byLock.get(holding.lock) ?? []), holding]);
  for (const [lock, list] of byLock) {
    const events = list.flatMap((h) => [
      { at: h.from, change: 1, h },
      { at: Math.max(h.from, h.until), change: -1, h },
    ]);
    events.sort((a, b) => a.at - b.at || a.change - b.change);
    let held = 0;
    for (const { change, h } of events) {
      held += change;
      if (held > h.permits)
        return `${lock}: c${h.client} can prove from ${h.from.toFixed(1)} on that it holds token ${h.token}, and so can ${held - 1} others`;
    }
    const tokens = new Map<number, Holding>();
    for (const h of list) {
      const other = tokens.get(h.token);
      if (other !== undefined && other.client !== h.client)
        return `${lock}: c${h.client} and c${other.client} both got token ${h.token}`;
      tokens.set(h.token, h);
    }
    const byEnd = [...list].sort((a, b) => a.from - b.from);
    let greatest: Holding | null = null;
    let next = 0;
    for (const h of [...list].sort((a, b) => a.asked - b.asked)) {
      // Whatever was known when this one was asked for must have a smaller token.
      while (next < byEnd.length && (byEnd[next] as Holding).from < h.asked) {
        const known = byEnd[next++] as Holding;
        if (greatest === null || known.token > greatest.token) greatest = known;
      }
      if (greatest !== null && greatest.token >= h.token)
        return `${lock}: token ${h.token} was granted after token ${greatest.token}`;
    }
  }
  return null;
}

/** Under a fence a register never goes back to an older token, and nobody is refused without a greater one. */
export function checkFenced(writes: readonly FencedWrite[]): string | null {
  const last = new Map<string, FencedWrite>();
  for (const write of [...writes].sort((a, b) => a.version - b.version)) {
    if (write.outcome !== 'ok') continue;
    const before = last.get(write.key);
    if (before !== undefined && write.token < before.token)
      return `${write.key}: token ${write.token} wrote (version ${write.version}) after token ${before.token} (version ${before.version})`;
    last.set(write.key, write);
  }
  for (const { outcome, key, token, start, end, client } of writes) {
    if (outcome === 'unknown') continue;
    const greater = writes.filter((w) => w.key === key && w.token > token && w.outcome !== 'fenced');
    if (outcome === 'fenced' && greater.every((w) => w.start > end))
      return `${key}: c${client} was refused under token ${token}, and no greater one had come`;
    if (outcome === 'ok' && greater.some((w) => w.outcome === 'ok' && w.end < start))
      return `${key}: c${client} wrote under token ${token} when a greater one had written`;
  }
  return null;
}
