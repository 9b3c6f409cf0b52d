type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>;
type Child = Node | string;

function fill(element: Element, attributes: Attributes, children: readonly Child[]): void {
  for (const [name, value] of Object.entries(attributes))
    if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? '' : String(value));
  element.append(...children);
}

/** An element of HTML. Text is always text: nothing is ever read as HTML. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  fill(element, attributes, children);
  return element;
}

/** An element of SVG. */
export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  fill(element, attributes, children);
  return element;
}

/** The element of this id, which the page is known to have. */
export function $(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`page lacks #${id}`);
  return found;
}

/** Sets text only when it is another, so that a selection and a screen reader are not disturbed. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Keeps one child for each key, in this order: made once, updated each time, so that the focus stays where it is.
 */
export class Keyed<T> {
  readonly #children = new Map<string, { element: Element; update: (item: T) => void }>();

  constructor(
    readonly parent: Element,
    readonly make: (item: T) => { element: Element; update: (item: T) => void },
  ) {}

  show(items: readonly (readonly [key: string, item: T])[]): void {
    const wanted = new Set(items.map(([key]) => key));
    for (const [key, { element }] of this.#children)
      if (!wanted.has(key)) {
        element.remove();
        this.#children.delete(key);
      }
    let before: Element | null = this.parent.firstElementChild;
    for (const [key, item] of items) {
      let child = this.#children.get(key);
      if (child === undefined) {
        child = this.make(item);
        this.#children.set(key, child);
      }
      child.update(item);
      // Moving an element takes the focus away, so only what stands elsewhere is moved.
      if (child.element === before) before = before.nextElementSibling;
      else this.parent.insertBefore(child.element, before);
    }
  }
}
