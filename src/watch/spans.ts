import { visible } from '../text/format.js';

type Style = (text: string) => string;

/** A piece of a line: text as it is shown, and how it is painted. */
export type Span = string | readonly [text: string, style: Style];

/** Characters beyond ASCII that we draw with, each one column wide. */
const OURS = new Set('▁▂▃▄▅▆▇█░▘▝▀▖▌▞▛▗▚▐▜▙▟▸●○·…↑↓×–│');

/** Columns of a character: of what we do not know two, so that a line is never wider than said. */
const columnsOf = (char: string): number => (char < '\u0100' || OURS.has(char) ? 1 : 2);

export const widthOf = (text: string): number => {
  let width = 0;
  for (const char of text) width += columnsOf(char);
  return width;
};

/** As much of the text as fits; the last column says that something was left out. */
export function cut(text: string, width: number, ellipsis: string): string {
  if (widthOf(text) <= width) return text;
  const room = width - 1;
  let taken = '';
  let used = 0;
  for (const char of text) {
    used += columnsOf(char);
    if (used > room) break;
    taken += char;
  }
  return width < 1 ? '' : taken + ellipsis;
}

const textOf = (span: Span): string => (typeof span === 'string' ? span : span[0]);

/** The spans one after the other in at most `columns`. What is not ours must be made visible by the caller; control characters are here. */
export function line(spans: readonly Span[], columns: number, ellipsis: string): string {
  let left = columns;
  let out = '';
  for (const [i, span] of spans.entries()) {
    const text = visible(textOf(span));
    const rest = spans.slice(i + 1).some((other) => textOf(other).trim() !== '');
    // The whole of it only when nothing after it would then be lost without a sign.
    const shown =
      widthOf(text) === left && rest ? cut(`${text} `, left, ellipsis) : cut(text, left, ellipsis);
    left -= widthOf(shown);
    out += typeof span === 'string' ? shown : span[1](shown);
    if (shown !== text) break;
  }
  return out;
}

/** Left and right end of one line; the right end stays whole as long as there is room for it alone. */
export function ends(
  left: readonly Span[],
  right: readonly Span[],
  columns: number,
  ellipsis: string,
): string {
  const width = right.reduce((sum, span) => sum + widthOf(visible(textOf(span))), 0);
  if (width >= columns) return line(right, columns, ellipsis);
  const room = columns - width - 1;
  const head = line(left, room, ellipsis);
  const used = Math.min(
    room,
    left.reduce((sum, span) => sum + widthOf(visible(textOf(span))), 0),
  );
  return `${head}${' '.repeat(columns - width - used)}${line(right, width, ellipsis)}`;
}

/** Exactly so wide: cut or filled up. */
export const cell = (text: string, width: number, align: 'left' | 'right', ellipsis: string): string => {
  const shown = cut(visible(text), width, ellipsis);
  const fill = ' '.repeat(Math.max(0, width - widthOf(shown)));
  return align === 'right' ? fill + shown : shown + fill;
};
