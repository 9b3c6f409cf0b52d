/** Things to happen in virtual time, earliest first; those at the same instant in the order they were put in. */
export class EventQueue {
  #heap: { at: number; order: number; run: () => void }[] = [];
  #order = 0;
  now = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** Runs `run` after `delay` ms of virtual time. */
  after(delay: number, run: () => void): void {
    const item = { at: this.now + Math.max(0, delay), order: this.#order++, run };
    const heap = this.#heap;
    let i = heap.push(item) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(item, heap[parent] as typeof item)) break;
      heap[i] = heap[parent] as typeof item;
      i = parent;
    }
    heap[i] = item;
  }

  /** Runs the next thing, if it is due by `until`. False when there is none. */
  next(until: number): boolean {
    const heap = this.#heap;
    const top = heap[0];
    if (top === undefined || top.at > until) {
      this.now = Math.max(this.now, until);
      return false;
    }
    const last = heap.pop() as typeof top;
    if (heap.length > 0) {
      let i = 0;
      for (;;) {
        let child = 2 * i + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && before(heap[child + 1] as typeof top, heap[child] as typeof top))
          child++;
        if (!before(heap[child] as typeof top, last)) break;
        heap[i] = heap[child] as typeof top;
        i = child;
      }
      heap[i] = last;
    }
    this.now = top.at;
    top.run();
    return true;
  }
}

function before(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
