import { s } from './dom.js';

const WIDTH = 120;
const HEIGHT = 28;

/** A line of the last two minutes; gaps where nothing is known. Of no use to a screen reader: the figure stands beside it. */
export class Sparkline {
  readonly element = s('svg', {
    class: 'spark',
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
  });
  readonly #area = s('path', { class: 'area' });
  readonly #line = s('path', { class: 'line' });

  constructor() {
    this.element.append(this.#area, this.#line);
  }

  show(values: readonly (number | null)[]): void {
    const most = Math.max(...values.map((value) => value ?? 0), Number.MIN_VALUE);
    const first = WIDTH - values.length;
    let line = '';
    let area = '';
    let from = -1;
    const y = (value: number): string => (HEIGHT - 1 - (value / most) * (HEIGHT - 3)).toFixed(1);
    values.forEach((value, i) => {
      const x = first + i;
      if (value !== null) {
        line += `${from < 0 ? 'M' : 'L'}${x} ${y(value)}`;
        area += from < 0 ? `M${x} ${HEIGHT}L${x} ${y(value)}` : `L${x} ${y(value)}`;
        if (from < 0) from = x;
      }
      if (from >= 0 && (value === null || i === values.length - 1)) {
        area += `L${value === null ? x - 1 : x} ${HEIGHT}Z`;
        from = -1;
      }
    });
    this.#line.setAttribute('d', line);
    this.#area.setAttribute('d', area);
  }
}
