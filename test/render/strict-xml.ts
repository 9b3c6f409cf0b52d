export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  /** Its own text, without its children's. */
  text: string;
}

const NAME = /^[A-Za-z_][\w.-]*$/;
const REFERENCE = /&(?:#(\d+)|(amp|lt|gt|quot|apos));/g;
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
/** The characters of XML 1.0. */
const CHARACTERS = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

function decoded(text: string): string {
  if (text.replace(REFERENCE, '').includes('&')) throw new Error(`a bare & in "${text.slice(0, 80)}"`);
  return text.replace(REFERENCE, (_, code, name) =>
    code === undefined ? NAMED[name]! : String.fromCodePoint(Number(code)),
  );
}

function attributesOf(source: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  const rest = source.replace(/\s+([^\s=]+)="([^"<]*)"/g, (_, name: string, value: string) => {
    if (!NAME.test(name)) throw new Error(`no name: ${name}`);
    if (name in attributes) throw new Error(`${name} twice in ${source.slice(0, 80)}`);
    attributes[name] = decoded(value);
    return '';
  });
  if (rest.trim() !== '') throw new Error(`no attribute: ${rest.slice(0, 80)}`);
  return attributes;
}

/** Reads an XML document of elements, attributes and text, and throws for whatever is not well-formed. */
export function parseXml(source: string): Element {
  if (!CHARACTERS.test(source)) throw new Error('a character that XML does not allow');
  const root: Element = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  for (const part of source.match(/<[^>]*>|[^<]+|</g) ?? []) {
    const inner = open.at(-1)!;
    const tag = /^<(\/?)([^\s/>]+)([\s\S]*?)(\/?)>$/.exec(part);
    if (!part.startsWith('<')) {
      if (part.includes(']]>')) throw new Error(']]> in text');
      inner.text += decoded(part);
    } else if (!tag || !NAME.test(tag[2]!)) {
      throw new Error(`no tag: ${part.slice(0, 80)}`);
    } else if (tag[1] === '/') {
      if (open.length === 1 || inner.name !== tag[2]) throw new Error(`</${tag[2]}> closes ${inner.name}`);
      open.pop();
    } else {
      const element = { name: tag[2]!, attributes: attributesOf(tag[3]!), children: [], text: '' };
      inner.children.push(element);
      if (tag[4] === '') open.push(element);
    }
  }
  if (open.length > 1) throw new Error(`${open.at(-1)!.name} is not closed`);
  if (root.children.length !== 1 || root.text.trim() !== '') throw new Error('not one root element');
  return root.children[0]!;
}

/** The element and all below it, in the order of the document. */
export const everyElement = (element: Element): Element[] => [
  element,
  ...element.children.flatMap(everyElement),
];

/** Those whose class contains the word. */
export const ofClass = (element: Element, word: string): Element[] =>
  everyElement(element).filter(({ attributes }) => attributes.class?.split(' ').includes(word));

/** Its text and that of all below it. */
export const textOf = (element: Element): string =>
  everyElement(element)
    .map(({ text }) => text)
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim();
