import type { Paint } from '../render/terminal.js';

/** How things are shown: the size of the screen, and what it can show. */
export interface Canvas {
  readonly columns: number;
  readonly rows: number;
  readonly paint: Paint;
  /** Paints text in the colour of the i-th node (below 0: no primary); null without colour. */
  readonly owner: ((i: number, text: string) => string) | null;
  readonly unicode: boolean;
}

export const ellipsisOf = ({ unicode }: Canvas): string => (unicode ? '…' : '~');
