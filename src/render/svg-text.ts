import { visible } from '../text/format.js';

/** Text and attribute values of XML; what XML cannot hold even escaped becomes visible or U+FFFD. */
export const xml = (text: string): string =>
  visible(text)
    .replace(/[\ud800-\udfff\ufffe\uffff]/gu, '\ufffd')
    .replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** At most two decimals, never `-0`. */
export const num = (value: number): string => String(Math.round(value * 100) / 100 || 0);

/** Numbers of a path, as close together as its grammar allows: large rings have tens of thousands. */
export const packed = (...values: readonly number[]): string =>
  values.map(num).join(' ').replaceAll(' -', '-');

/** Widths of characters in ems: of the monospaced fonts there are; of proportional ones on average, the wide of them. */
const EMS = { mono: 0.605, sans: 0.59, bold: 0.66 } as const;
export type Font = keyof typeof EMS;

/** The width that text takes: an estimate, for what draws the picture chooses the font. */
export function textWidth(text: string, size: number, font: Font = 'mono'): number {
  let ems = 0;
  for (const char of text) ems += char.codePointAt(0)! >= 0x1100 ? 1 : EMS[font];
  return ems * size;
}

/** Breaks text into lines; between words, or within one that is longer than a line. */
export function wrap(text: string, size: number, width: number, font: Font): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    let rest = word;
    if (line !== '' && textWidth(`${line} ${rest}`, size, font) > width) {
      lines.push(line);
      line = '';
    }
    while (textWidth(rest, size, font) > width) {
      const fits = Math.max(1, Math.floor(width / size));
      lines.push(rest.slice(0, fits));
      rest = rest.slice(fits);
    }
    line = line === '' ? rest : `${line} ${rest}`;
  }
  return [...lines, line];
}

/** At most `length` characters: the middle is left out, for names that begin alike end apart. */
export function shortenMiddle(text: string, length: number): string {
  if (text.length <= length) return text;
  const tail = Math.ceil((length - 1) / 2);
  return `${text.slice(0, length - 1 - tail)}…${text.slice(-tail)}`;
}
