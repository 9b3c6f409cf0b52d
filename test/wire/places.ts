/** Every place of a JSON value that holds another value. */
export function places(value: unknown): [Record<string, unknown>, string][] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap(
    (name) => [[holder, name], ...places(holder[name])] as [Record<string, unknown>, string][],
  );
}
