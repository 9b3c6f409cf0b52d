import type { ReadStream, WriteStream } from 'node:tty';

/** The streams of a terminal, as far as a screen needs them. */
export interface Terminal {
  readonly out: Pick<WriteStream, 'write' | 'columns' | 'rows' | 'on' | 'off' | 'writableNeedDrain'>;
  readonly input: Pick<ReadStream, 'setRawMode' | 'setEncoding' | 'resume' | 'pause' | 'on' | 'off'>;
}

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[2J';
const LEAVE = '\u001b[?25h\u001b[?1049l';

/**
 * A terminal that is taken over whole: its own screen, no cursor, every key at once. `close` gives it back as it was, also
 * when the process ends by itself meanwhile.
 */
export class Screen {
  readonly #terminal: Terminal;
  readonly #resized: () => void;
  readonly #typed: (data: string) => void;
  #shown: string[] = [];
  #open = false;

  constructor(
    terminal: Terminal,
    on: { readonly resized: () => void; readonly typed: (data: string) => void },
  ) {
    this.#terminal = terminal;
    this.#typed = on.typed;
    this.#resized = () => {
      this.#shown = [];
      this.#write('\u001b[2J');
      on.resized();
    };
  }

  get columns(): number {
    return this.#terminal.out.columns || 80;
  }

  get rows(): number {
    return this.#terminal.out.rows || 24;
  }

  open(): void {
    const { out, input } = this.#terminal;
    this.#open = true;
    this.#write(ENTER);
    input.setRawMode(true);
    input.setEncoding('utf8');
    input.on('data', this.#typed);
    input.resume();
    out.on('resize', this.#resized);
    process.on('exit', this.close);
  }

  /** Shows these lines; only those that changed are written. A terminal that cannot keep up is spared a picture. */
  draw(lines: readonly string[]): void {
    if (!this.#open || this.#terminal.out.writableNeedDrain) return;
    let text = '';
    for (const [i, line] of lines.entries())
      if (line !== this.#shown[i]) text += `\u001b[${i + 1};1H${line}\u001b[K`;
    for (let i = lines.length; i < this.#shown.length; i++) text += `\u001b[${i + 1};1H\u001b[K`;
    this.#shown = [...lines];
    // As one write, between marks that newer terminals take for one picture.
    if (text !== '') this.#write(`\u001b[?2026h${text}\u001b[?2026l`);
  }

  readonly close = (): void => {
    if (!this.#open) return;
    this.#open = false;
    const { out, input } = this.#terminal;
    process.off('exit', this.close);
    out.off('resize', this.#resized);
    input.off('data', this.#typed);
    try {
      input.setRawMode(false);
    } catch {
      // The terminal has gone away.
    }
    input.pause();
    this.#write(LEAVE);
  };

  #write(text: string): void {
    this.#terminal.out.write(text);
  }
}
