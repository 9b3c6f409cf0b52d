/** Guesses what a mistyped word was meant to be. Layer 0: imports nothing. */

/** How many single edits lie between two words: a letter put in, left out or changed, or two neighbours swapped. */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        next[j] = Math.min(next[j]!, before[j - 2]! + 1);
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}

/** The edits that a word of this length may be away from what was meant. */
const allowed = (length: number): number => Math.min(3, Math.max(1, Math.floor(length / 3)));
/** More equally near candidates than this make no useful guess. */
const most = 3;

/** Of these, what `word` was likely meant to be: the nearest, or what it is the beginning of; none when too many are equally near. */
export function nearest(word: string, candidates: Iterable<string>): string[] {
  const said = word.toLowerCase();
  let best = allowed(said.length);
  let found: string[] = [];
  for (const candidate of new Set(candidates)) {
    const other = candidate.toLowerCase();
    // What is only begun is nearer than what is mistyped.
    const far = said.length > 1 && other.startsWith(said) ? 0.5 : distance(said, other);
    if (far > best) continue;
    if (far < best) found = [];
    best = far;
    found.push(candidate);
  }
  return found.length > most ? [] : found;
}

/** `; did you mean a or b?` for the nearest of these, '' when none is near. */
export function didYouMean(
  word: string,
  candidates: Iterable<string>,
  show = (name: string): string => name,
): string {
  const near = nearest(word, candidates).map(show);
  return near.length === 0 ? '' : `; did you mean ${either(near)}?`;
}

/** `a, b or c`. */
export const either = (names: readonly string[]): string =>
  names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;

/** Names in place of an unknown `word`: a few as they are; of many the first ones, and the nearest. */
export function namesBeside(word: string, names: readonly string[]): string {
  if (names.length <= 5) return names.join(', ');
  return `${names.slice(0, 5).join(', ')} and ${names.length - 5} more${didYouMean(word, names)}`;
}
