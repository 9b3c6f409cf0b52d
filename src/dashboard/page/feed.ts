import type { FeedEvent } from '../../cluster/observe/observer.js';
import { $, h } from './dom.js';
import { clock } from './words.js';

/** Events that the page shows at once. */
const SHOWN = 200;

const rowOf = ({ at, kind, text }: FeedEvent): HTMLElement =>
  h(
    'li',
    { 'data-kind': kind },
    h('time', { datetime: new Date(at).toISOString() }, clock(at)),
    ' ',
    h('span', { class: 'kind' }, kind),
    ' ',
    h('span', { class: 'text' }, text),
  );

/** The timeline, the newest first. */
export class Feed {
  readonly #list = $('events');

  constructor() {
    // It scrolls, and so it must be reached by keyboard.
    $('log').tabIndex = 0;
  }

  /** All there is, after a connection was made. */
  reset(events: readonly FeedEvent[]): void {
    this.#list.replaceChildren(...events.slice(-SHOWN).reverse().map(rowOf));
    this.#tidy();
  }

  add(events: readonly FeedEvent[]): void {
    for (const event of events) this.#list.prepend(rowOf(event));
    while (this.#list.childElementCount > SHOWN) this.#list.lastElementChild?.remove();
    this.#tidy();
  }

  #tidy(): void {
    $('events-none').hidden = this.#list.childElementCount > 0;
  }
}
