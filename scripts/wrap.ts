/** Breaks the prose of a Markdown page into lines of at most `width` characters. Tables, code blocks and headings stay as they are. */
export function wrapMarkdown(text: string, width = 100): string {
  const output: string[] = [];
  let inCode = false;
  let block: Block | null = null;
  const flush = (): void => {
    if (block !== null) output.push(...wrapBlock(block, width));
    block = null;
  };
  for (const line of text.split('\n')) {
    if (/^\s*```/.test(line)) {
      flush();
      inCode = !inCode;
      output.push(line);
    } else if (inCode || line === '' || isVerbatim(line)) {
      flush();
      output.push(line);
    } else {
      const item = /^(\s*)([-*] |\d+\. )(.*)$/.exec(line);
      if (item !== null || block === null) {
        flush();
        const [, indent = '', marker = '', rest = line] = item ?? [];
        const own = item === null ? (/^\s*/.exec(line)?.[0] ?? '') : indent;
        block = { first: own + marker, next: own + ' '.repeat(marker.length), words: rest.trim() };
      } else block.words += ` ${line.trim()}`;
    }
  }
  flush();
  return output.join('\n');
}

interface Block {
  /** What the first line begins with. */
  readonly first: string;
  /** What the lines after it begin with. */
  readonly next: string;
  words: string;
}

const isVerbatim = (line: string): boolean => /^(#|\||<!--|>|={3}|-{3})/.test(line);

/** Code in a line stays in one piece, unless it is long: a reader searches for it, and so do the tests of the pages. */
const unbreakable = /`[^`]{1,60}`/g;
/** A number and its unit stay together. */
const measure = /(\d) (?=(?:%|×|ms|s|µs|min|minutes|h|MB|MiB|KiB|bytes)(?![\p{L}\d]))/gu;
/** A line that begins with one of these would be a list item, a heading or a quote. */
const opensBlock = /^([-+*>|]|#+|\d+[.)])$/;

function wrapBlock({ first, next, words }: Block, width: number): string[] {
  const glued = words.replace(unbreakable, (code) => code.replaceAll(' ', '\0')).replace(measure, '$1\0');
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of glued.split(/ +/)) {
    if (!isEmpty && line.length + 1 + word.length > width && !opensBlock.test(word)) {
      lines.push(line);
      line = next;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line].map((it) => it.replaceAll('\0', ' '));
}
