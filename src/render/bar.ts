/** A bar of `width` cells, `done` of `total` filled; full when there is nothing to do. */
export function bar(done: number, total: number, width: number, unicode: boolean): string {
  const share = total === 0 ? 1 : Math.min(1, Math.max(0, done / total));
  const filled = Math.round(share * width);
  const [full, empty] = unicode ? ['█', '░'] : ['#', '-'];
  return full.repeat(filled) + empty.repeat(width - filled);
}
