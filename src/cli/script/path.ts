import { invalid } from '../../errors.js';

/** One step into a value: a field, a place in a list, or the entry of a list whose field has a value. */
type PathStep =
  | { readonly field: string }
  | { readonly index: number }
  | { readonly where: string; readonly is: string };

const STEP = /^(?:\.([A-Za-z_$][\w$-]*)|\[(-?\d+)\]|\[([A-Za-z_$][\w$-]*)=([^\]]*)\])/;

/** Reads a path: `.value`, `[0].id`, `.nodes[id=n1].share`, or "." for all of it. Throws `usage`. */
export function parsePath(text: string): readonly PathStep[] {
  const steps: PathStep[] = [];
  let rest = text === '.' ? '' : text;
  while (rest !== '') {
    const found = STEP.exec(rest);
    if (!found) throw invalid('path', text, 'a path such as .value, .nodes[0].id or .nodes[id=n1].share');
    const [all, field, index, where, is] = found;
    if (field !== undefined) steps.push({ field });
    else if (index !== undefined) steps.push({ index: Number(index) });
    else steps.push({ where: where!, is: is! });
    rest = rest.slice(all.length);
  }
  return steps;
}

/** The value at the path; undefined: nothing. `.length` works on lists and text; [-1] is the last entry. */
export function follow(value: unknown, path: readonly PathStep[]): unknown {
  let here = value;
  for (const step of path) {
    if (here === null || here === undefined) return undefined;
    if ('field' in step) {
      if (step.field === 'length' && (Array.isArray(here) || typeof here === 'string')) here = here.length;
      else
        here = Object.hasOwn(Object(here), step.field)
          ? (here as Record<string, unknown>)[step.field]
          : undefined;
    } else if (!Array.isArray(here)) return undefined;
    else if ('index' in step) here = here.at(step.index);
    else
      here = here.find(
        (entry) => String((entry as Record<string, unknown> | null)?.[step.where]) === step.is,
      );
  }
  return here;
}

/** A value as text, as it is compared and captured: text unchanged, anything else as JSON. */
export const asText = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
