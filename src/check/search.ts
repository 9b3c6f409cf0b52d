/** An operation as the search sees it. */
export interface Step<S> {
  readonly start: number;
  readonly end: number;
  /** It need not have happened; if it did, then not after `end`. */
  readonly optional: boolean;
  /** It never changes the state. */
  readonly pure: boolean;
  /** Steps with a rank are promised to stand in its order; null: nothing is known of its place. */
  readonly rank: number | null;
  /** The state after it; null: it cannot have happened in this state. */
  apply(state: S): S | null;
}

export type Found =
  | { readonly type: 'ok' }
  /** `stuck`: of the order that came furthest, the first step that had to follow and could not. */
  | { readonly type: 'wrong'; readonly stuck: number }
  | { readonly type: 'unknown' };

/** Steps that a search may look at before it is given up: some 100 ms. */
export const searchSteps = 2_000_000;

interface Frame<S> {
  readonly state: S;
  readonly low: number;
  /** The latest start among the steps taken so far. */
  readonly latest: number;
  readonly rankAt: number;
  readonly choices: readonly number[];
  next: number;
  /** The step taken from here. */
  taken: number;
  readonly branches: boolean;
}

export type Promising<S> = (state: S, step: number, next: number) => boolean;

/**
 * Is there an order of the steps that agrees with real time and in which each is possible (Herlihy & Wing 1990)? Searched depth
 * first, as by Wing & Gong (1993), with the memory of Lowe (2017): what was tried from a set of steps and a state is not tried again.
 * A step that changes nothing is taken as soon as it is possible, unless a step that need not have happened would come too late
 * then: that never excludes an order of the others.
 *
 * An order that follows the ranks is looked for first, for that is quick; `promising` says whether a step without a rank may help the
 * next one by rank to become possible. Neither decides: then every order is tried. Where that takes too long, `wrong` means that no order
 * follows the ranks.
 */
export function search<S>(
  steps: readonly Step<S>[],
  initial: S,
  keyOf: (state: S) => string,
  promising: Promising<S> = () => true,
  most = searchSteps,
): Found {
  const quick = walk(steps, initial, keyOf, most / 4, true, promising);
  if (quick.type === 'ok') return quick;
  const found = walk(steps, initial, keyOf, most / 2, false, null);
  if (found.type !== 'unknown') return found;
  const ranked = walk(steps, initial, keyOf, most / 4, true, null);
  return ranked.type === 'wrong' ? ranked : found;
}

function walk<S>(
  steps: readonly Step<S>[],
  initial: S,
  keyOf: (state: S) => string,
  most: number,
  byRank: boolean,
  promising: Promising<S> | null,
): Found {
  const byStart = (a: number, b: number): number => at(a).start - at(b).start;
  const at = (i: number): Step<S> => steps[i] as Step<S>;
  const all = steps.map((_, i) => i);
  const due = all.filter((i) => !at(i).optional).sort(byStart);
  const optional = all.filter((i) => at(i).optional).sort(byStart);
  const ranked = all
    .filter((i) => at(i).rank !== null)
    .sort((a, b) => (at(a).rank as number) - (at(b).rank as number));
  const done = new Uint8Array(steps.length);
  const failed = new Set<string>();
  const frames: Frame<S>[] = [];
  let state = initial;
  let low = 0;
  let latest = Number.NEGATIVE_INFINITY;
  let rankAt = 0;
  let count = 0;
  let looked = 0;
  let deepest = -1;
  let stuck = 0;

  const memoKey = (): string => {
    let key = `${low}`;
    for (let i = low; i < due.length && at(due[i] as number).start <= latest; i++)
      if (done[due[i] as number] === 1) key += `,${due[i]}`;
    for (const i of optional) if (done[i] === 1) key += `,${i}`;
    return `${key}|${keyOf(state)}`;
  };

  /** What may come next; only one that is possible and changes nothing, if there is one. */
  const candidates = (): { choices: number[]; free: boolean } => {
    let minEnd = Number.POSITIVE_INFINITY;
    let first = due[low] as number;
    let high = low;
    for (; high < due.length; high++) {
      const i = due[high] as number;
      if (at(i).start > minEnd) break;
      if (done[i] === 1 || at(i).end >= minEnd) continue;
      minEnd = at(i).end;
      first = i;
    }
    looked += high - low + optional.length + 1;
    if (count > deepest) {
      deepest = count;
      stuck = first;
    }
    while (rankAt < ranked.length && done[ranked[rankAt] as number] === 1) rankAt++;
    const next = ranked[rankAt];
    const helps = (i: number): boolean =>
      promising === null || next === undefined || promising(state, i, next);
    const choices: number[] = [];
    const unranked: number[] = [];
    const others: number[] = [];
    let optionalEnd = Number.POSITIVE_INFINITY;
    for (const i of optional)
      if (done[i] === 0 && at(i).end >= latest) optionalEnd = Math.min(optionalEnd, at(i).end);
    for (let k = low; k < high; k++) {
      const i = due[k] as number;
      const step = at(i);
      if (done[i] === 1 || step.start > minEnd) continue;
      if (step.pure && step.start <= optionalEnd && step.apply(state) !== null)
        return { choices: [i], free: true };
      if (i === next) choices.push(i);
      else if (step.rank === null) {
        if (helps(i)) unranked.push(i);
      } else if (!byRank) others.push(i);
    }
    unranked.sort((a, b) => at(a).end - at(b).end);
    for (const i of optional) {
      const step = at(i);
      if (step.start > minEnd) break;
      if (done[i] === 1 || step.end < latest) continue;
      if (i === next) choices.unshift(i);
      else if (step.rank === null) {
        if (helps(i)) unranked.push(i);
      } else if (!byRank) others.push(i);
    }
    others.sort((a, b) => (at(a).rank as number) - (at(b).rank as number));
    return { choices: [...choices, ...unranked, ...others], free: false };
  };

  const enter = (): boolean => {
    while (low < due.length && done[due[low] as number] === 1) low++;
    if (low === due.length) return true;
    const { choices, free } = candidates();
    const known = !free && failed.size > 0 && failed.has(memoKey());
    frames.push({
      state,
      low,
      latest,
      rankAt,
      choices: known ? [] : choices,
      next: 0,
      taken: -1,
      branches: !free && !known,
    });
    return false;
  };

  if (enter()) return { type: 'ok' };
  for (;;) {
    const frame = frames[frames.length - 1];
    if (frame === undefined) return { type: 'wrong', stuck };
    if (frame.taken >= 0) {
      done[frame.taken] = 0;
      count--;
      frame.taken = -1;
    }
    ({ state, low, latest, rankAt } = frame);
    const i = frame.choices[frame.next++];
    if (i === undefined) {
      if (frame.branches) failed.add(memoKey());
      frames.pop();
      continue;
    }
    const after = at(i).apply(state);
    if (after === null) continue;
    if (looked > most) return { type: 'unknown' };
    frame.taken = i;
    done[i] = 1;
    count++;
    state = after;
    latest = Math.max(latest, at(i).start);
    if (enter()) return { type: 'ok' };
  }
}
