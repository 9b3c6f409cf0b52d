/** When links break; how long before that a node may die; how long after that it comes back; for how long it is watched then; in ms. */
export const breakAt = 10_000;
export const killBefore = 6000;
export const backAfter = 6000;
export const watchedMs = 15_000;

/** Everything of a run of broken links takes this long, in ms. */
export const brokenLinksMs = breakAt + backAfter + watchedMs;
