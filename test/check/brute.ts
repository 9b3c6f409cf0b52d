/** A judge that is too slow for anything but a handful of operations, and too plain to be wrong: it tries every order. */
export interface Plain<S> {
  readonly start: number;
  readonly end: number;
  readonly optional: boolean;
  apply(state: S): S | null;
}

/** Is there an order of all steps, those that are optional left out or not, that respects real time and in which each is possible? */
export function someOrder<S>(steps: readonly Plain<S>[], state: S): boolean {
  if (steps.every(({ optional }) => optional)) return true;
  return steps.some((step) => {
    const others = steps.filter((one) => one !== step);
    if (others.some((one) => !one.optional && one.end < step.start)) return false;
    const after = step.apply(state);
    // What need not have happened, and ended before this one began, did not happen.
    return (
      after !== null &&
      someOrder(
        others.filter((one) => one.end >= step.start),
        after,
      )
    );
  });
}
