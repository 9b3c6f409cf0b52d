/**
 * A hundred colours for nodes. The first twelve have the hues of the terminal's palette, with a lightness of
 * their own each, so that they stay apart for the colour-blind too (deuteranopia and protanopia). Every further
 * one is, of a grid of hues, chromas and lightnesses, the one farthest from all before it to all those eyes; so
 * the fewer nodes there are, the farther apart they look. None is so dark or so light that it would be lost on
 * a dark or a light ground. A table, not a computation, so that a picture is the same on every machine.
 */
const COLORS = `
  2196f3 f5870f 3fbb8c b51f88 fad84a 6a50d0 bf2414 35d8ea a58460 95acd9 b0c868 bd67b3
  53f6ad 046850 a66378 fe7fc0 f5acc2 435a73 de602f 6938a7 a2a460 6a978d 55669d a1182d
  88e7ec 50afb4 b0a2fe 8c7dd5 83dc97 dec504 b42f52 f98e8f 37911f b8e688 a552b7 7f7494
  3876dd 867958 7ab22c c282d0 7f2c91 b5dfcf 825d68 8b5dce 6e9eef c7af6d cebcdd 8745b0
  b792a3 9fd959 c4b345 545c3c 9bbba1 627031 eaba83 ce677a 719b40 afea6a 8186c2 684e65
  80ac77 13748d a2c5ff df92d8 3884a5 9a839f bb584a 2bc4ea ab8be3 59479a b4cdae 7a6bc1
  056180 c04688 6582f2 8ee3fd 327957 364ab5 967069 a21c10 c94c18 fd9320 bba9c9 77f397
  9fcfcb 4f7715 f4a5ec 9fe7c0 ef7926 b7d341 9d6fe3 ab3276 da5788 5eb749 a7bd58 4e6d83
  7a4aba aedfe1 87c293 e9a8f8
`
  .trim()
  .split(/\s+/)
  .map((hex) => `#${hex}`);

/** How many nodes get a colour of their own; beyond, colours repeat. */
export const DISTINCT_COLORS = COLORS.length;

/** The colour of the i-th node, as `#rrggbb`. */
export const nodeColor = (i: number): string => COLORS[i % COLORS.length]!;

/** Black or white, whichever stands out more on the colour (WCAG's relative luminance). */
export function inkOn(color: string): string {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.1791 ? '#000' : '#fff';
}
