import { describe, expect, it } from 'vitest';
import { DISTINCT_COLORS, inkOn, nodeColor } from '../../src/render/node-colors.js';

type Triple = readonly [number, number, number];
type Matrix = readonly [Triple, Triple, Triple];

const linear = (color: string): Triple => {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return [red!, green!, blue!];
};
const times = (matrix: Matrix, v: Triple): Triple => {
  const [a, b, c] = matrix.map((row) => row[0] * v[0] + row[1] * v[1] + row[2] * v[2]);
  return [a!, b!, c!];
};

const SAME: Matrix = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];
/** Machado, Oliveira and Fernandes 2009, at full severity. */
const DEUTERANOPIA: Matrix = [
  [0.367322, 0.860646, -0.227968],
  [0.280085, 0.672501, 0.047413],
  [-0.01182, 0.04294, 0.968881],
];
const PROTANOPIA: Matrix = [
  [0.152286, 1.052583, -0.204868],
  [0.114503, 0.786281, 0.099216],
  [-0.003882, -0.048116, 1.051998],
];

/** How a color looks to an eye, in OKLab (Ottosson 2020), where distances are about those that are seen. */
function seen(color: string, eye: Matrix): Triple {
  const [red, green, blue] = times(eye, linear(color)).map((part) => Math.min(1, Math.max(0, part))) as [
    number,
    number,
    number,
  ];
  const l = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const m = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const s = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function closest(count: number, eye: Matrix): number {
  const looks = Array.from({ length: count }, (_, i) => seen(nodeColor(i), eye));
  let least = Number.POSITIVE_INFINITY;
  for (const [i, a] of looks.entries()) {
    for (const b of looks.slice(0, i)) {
      least = Math.min(least, Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]));
    }
  }
  return least;
}

function contrast(a: string, b: string): number {
  const [light, dark] = [a, b]
    .map((color) => {
      const [red, green, blue] = linear(color);
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
    })
    .sort((x, y) => y - x);
  return light! / dark!;
}

describe('the colors of nodes', () => {
  it('are a hundred, no two of them alike, and begin anew after that', () => {
    expect(DISTINCT_COLORS).toBe(100);
    expect(new Set(Array.from({ length: 100 }, (_, i) => nodeColor(i))).size).toBe(100);
    expect(nodeColor(100)).toBe(nodeColor(0));
    expect(closest(100, SAME)).toBeGreaterThan(0.02);
  });

  it('are the farther apart the fewer nodes there are, for the color-blind too', () => {
    for (const eye of [SAME, DEUTERANOPIA, PROTANOPIA]) {
      expect(closest(5, eye)).toBeGreaterThan(0.1);
      expect(closest(12, eye)).toBeGreaterThan(0.06);
      expect(closest(24, eye)).toBeGreaterThan(0.04);
    }
  });

  it('bear text in black or white that is easy to read', () => {
    for (let i = 0; i < DISTINCT_COLORS; i += 1) {
      const color = nodeColor(i);
      const ink = inkOn(color) === '#000' ? '#000000' : '#ffffff';
      expect(contrast(color, ink), color).toBeGreaterThanOrEqual(4.5);
    }
  });

  it('stand out from a dark ground, and from a light one', () => {
    for (let i = 0; i < DISTINCT_COLORS; i += 1) {
      expect(contrast(nodeColor(i), '#0d1117'), nodeColor(i)).toBeGreaterThan(2);
      expect(contrast(nodeColor(i), '#ffffff'), nodeColor(i)).toBeGreaterThan(1.25);
    }
  });
});
