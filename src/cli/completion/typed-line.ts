/** A command line while it is typed, quoted as in a POSIX shell. */
export interface TypedLine {
  /** Its words without their quotes; the last one is the one being typed, '' after a space. */
  readonly words: readonly string[];
  /** The last word as it was typed. */
  readonly raw: string;
  /** The quote that is still open in it. */
  readonly quote: Quote;
}

export type Quote = '' | "'" | '"';

/** Splits the typed text into words. Unlike a parser of complete lines it rejects nothing: a quote may be open. */
export function splitTyped(line: string): TypedLine {
  const words: string[] = [];
  let word = '';
  let start = 0;
  let inWord = false;
  let quote: Quote = '';
  for (let at = 0; at < line.length; at++) {
    const c = line[at]!;
    if (quote === '' && /\s/.test(c)) {
      if (inWord) words.push(word);
      word = '';
      inWord = false;
      continue;
    }
    if (!inWord) start = at;
    inWord = true;
    if (c === quote) quote = '';
    else if (quote === '' && (c === "'" || c === '"')) quote = c;
    else if (c === '\\' && quote !== "'" && (quote === '' || /["\\$`]/.test(line[at + 1] ?? ''))) {
      at++;
      word += line[at] ?? '';
    } else word += c;
  }
  return { words: [...words, word], raw: inWord ? line.slice(start) : '', quote };
}

/** A value as it is typed into a shell, inside this quote or, outside of quotes, with backslashes. */
export function typedAs(value: string, quote: Quote): string {
  if (quote === "'") return value.replaceAll("'", `'\\''`);
  if (quote === '"') return value.replace(/["\\$`]/g, '\\$&');
  return value.replace(/[\s"'\\$`&|;<>()*?[\]{}!#~^]/g, '\\$&');
}

/**
 * Where the part begins that readline replaces: behind the quote that is open, else behind the last character of `breaks` that is
 * not escaped. An index into the last word as it was typed.
 */
export function replacedFrom({ raw, quote }: Pick<TypedLine, 'raw' | 'quote'>, breaks: string): number {
  let from = 0;
  let open: Quote = '';
  for (let at = 0; at < raw.length; at++) {
    const c = raw[at]!;
    if (open !== '') {
      if (c === '\\' && open === '"') at++;
      else if (c === open) open = '';
      if (open === '') from = at + 1;
    } else if (c === '\\') at++;
    else if (c === "'" || c === '"') {
      open = c;
      from = at + 1;
    } else if (breaks.includes(c)) from = at + 1;
  }
  return Math.min(from, quote === '' ? raw.length : from);
}
