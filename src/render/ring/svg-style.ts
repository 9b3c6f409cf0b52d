/** Light and dark. */
const COLORS = {
  ground: ['#ffffff', '#0d1117'],
  ink: ['#1f2328', '#e6edf3'],
  quiet: ['#59636e', '#9198a1'],
  track: ['#e6eaef', '#262c36'],
  nobody: ['#c4ccd4', '#4a525c'],
  bad: ['#cf222e', '#ff7b72'],
  warn: ['#9a6700', '#d29922'],
  good: ['#0969da', '#58a6ff'],
} as const;
type Color = keyof typeof COLORS;

const MONO = 'ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace';
const SANS = 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Liberation Sans",sans-serif';

/** Above this many nodes the rules to follow one of them would weigh more than they help. */
const FOLLOWED = 200;

/** A variable, with the light colour for programs that know none. */
const paint = (property: 'fill' | 'stroke', color: Color): string =>
  `${property}:${COLORS[color][0]};${property}:var(--${color})`;

const variables = (scheme: 0 | 1): string =>
  Object.entries(COLORS)
    .map(([name, colors]) => `--${name}:${colors[scheme]}`)
    .join(';');

/**
 * The only style there is: colours as variables for light and dark, then shapes and fonts. Every rule is below
 * the picture's class, so that the picture may stand in a page among others. `classes` are the nodes': while the
 * pointer is on one, in the legend or in a ring, the arcs of the others fade.
 */
export function ringStyle(classes: readonly string[]): string {
  const tones = (['bad', 'warn', 'good', 'quiet'] as const).flatMap((tone): [string, string][] => [
    [`.${tone} text`, paint('fill', tone)],
    [`.${tone} rect`, paint('stroke', tone)],
  ]);
  const rules: [string, string][] = [
    ['.title,.subtitle,.note,.head,.figure,.figures', `font-family:${SANS}`],
    ['.ground', paint('fill', 'ground')],
    ['.title', 'font-size:20px;font-weight:600'],
    ['.subtitle', `font-size:14px;${paint('fill', 'quiet')}`],
    ['.note', `text-anchor:middle;${paint('fill', 'quiet')}`],
    ['.ring', 'text-anchor:middle'],
    ['.ring .track', `fill:none;${paint('stroke', 'track')}`],
    ['.arc', 'transition:opacity .1s'],
    ['.calm', 'opacity:.36'],
    ['.nobody', paint('fill', 'nobody')],
    ['.gaps,.notches', `fill:none;${paint('stroke', 'ground')}`],
    ['.gaps', 'stroke-width:1.5'],
    ['.labels', 'pointer-events:none'],
    ['.marks', `font-size:11px;${paint('fill', 'quiet')}`],
    ['.marks path', `fill:none;${paint('stroke', 'quiet')}`],
    ['.marks .head', `stroke:none;${paint('fill', 'quiet')}`],
    ['.figure', 'font-size:22px;font-weight:600'],
    ['.figures', `font-size:14px;${paint('fill', 'quiet')}`],
    ['.legend .head', `font-size:11px;${paint('fill', 'quiet')}`],
    ['.legend .end', 'text-anchor:end'],
    ['.legend .quiet', paint('fill', 'quiet')],
    ['.legend .strong', 'font-weight:700'],
    ['.legend .track', paint('fill', 'track')],
    ['.legend .hit', 'fill:none;pointer-events:all'],
    ['.legend .tick', `stroke-width:2;${paint('stroke', 'ink')}`],
    ['.state text', 'font-size:11px'],
    ['.state rect', 'fill:none'],
    ...tones,
  ];
  const scoped = rules.map(([selector, declarations]) => {
    const all = selector.split(',').map((one) => `.muster-ring ${one}`);
    return `${all.join(',')}{${declarations}}`;
  });
  const follow = classes
    .slice(0, FOLLOWED)
    .map((name) => `.muster-ring:has(.${name}:hover) .arc:not(.${name})`);
  return [
    '<style>',
    `.muster-ring{${variables(0)};max-width:100%;height:auto;background:var(--ground);font-family:${MONO};font-size:13px;${paint('fill', 'ink')}}`,
    `@media (prefers-color-scheme:dark){.muster-ring{${variables(1)}}}`,
    ...scoped,
    ...(follow.length > 0 ? [`${follow.join(',\n')}{opacity:.12}`] : []),
    '</style>',
  ].join('\n');
}
