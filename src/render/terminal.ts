type Env = Readonly<Record<string, string | undefined>>;
type Stream = { readonly isTTY?: boolean; readonly columns?: number };

/** May this stream be coloured? Only on a terminal, and NO_COLOR (no-color.org), TERM=dumb and the flag forbid it. */
export function mayColor(stream: Stream, forbidden: boolean, env: Env = process.env): boolean {
  if (forbidden || (env.NO_COLOR !== undefined && env.NO_COLOR !== '') || env.TERM === 'dumb') return false;
  return stream.isTTY === true;
}

/** May this stream show something that moves? Not on a terminal that says it is 0 wide (`script`, `expect`): `ora` never ends there. */
export const mayAnimate = (stream: Stream, env: Env = process.env): boolean =>
  stream.isTTY === true && stream.columns !== 0 && env.TERM !== 'dumb' && !env.CI;

/** The few styles that output uses, each a function of text; plain text when colour is off. */
export interface Paint {
  readonly on: boolean;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly blue: (text: string) => string;
  readonly cyan: (text: string) => string;
  readonly magenta: (text: string) => string;
}

const same = (text: string): string => text;

export const plainPaint: Paint = {
  on: false,
  bold: same,
  dim: same,
  red: same,
  green: same,
  yellow: same,
  blue: same,
  cyan: same,
  magenta: same,
};

/** The styles, by `ansis` (loaded only when there is something to colour). */
export async function loadPaint(on: boolean): Promise<Paint> {
  if (!on) return plainPaint;
  const { Ansis } = await import('ansis');
  const a = new Ansis(2);
  const { bold, dim, red, green, yellow, blue, cyan, magenta } = a;
  return { on, bold, dim, red, green, yellow, blue, cyan, magenta };
}

/** One of six colours for the i-th of several things (nodes in a log, say). */
export function colorOf(paint: Paint, i: number): (text: string) => string {
  const colors = [paint.cyan, paint.yellow, paint.green, paint.magenta, paint.blue, paint.red];
  return colors[i % colors.length]!;
}

/** Does the locale say that characters beyond ASCII are shown? */
export function unicodeOn(env: Env = process.env): boolean {
  if (env.TERM === 'dumb' || env.TERM === 'linux') return false;
  // POSIX: the first of these that is set decides.
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return locale === '' || /utf-?8/i.test(locale);
}

const plainer: Readonly<Record<string, string>> = {
  '·': '-',
  '…': '...',
  '×': 'x',
  '±': '+-',
  '–': '-',
  '’': "'",
  '●': '*',
  '○': '-',
  '◌': '-',
  '─': '-',
  '│': '|',
  '❯': '>',
};

/** What muster says of its own, for a locale that shows nothing beyond ASCII; never for a user's data. */
export const forLocale = (text: string, unicode = unicodeOn()): string =>
  unicode ? text : text.replace(/[·…×±–’●○◌─│❯]/g, (c) => plainer[c] ?? c);
