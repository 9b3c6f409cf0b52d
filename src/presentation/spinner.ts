import type { Output } from './io.js';

/** Something that shows progress; every method may be called at any time, also after the end. */
export interface Progress {
  update(text: string): void;
  /** Removes it from the screen, leaving nothing. */
  clear(): void;
}

/** A spinner on this terminal. `ora` is loaded beside the work and only there; the first text is on the screen at once. */
export function startProgress(text: string, terminal: Output): Progress {
  terminal.write(`${text} …`);
  let current = text;
  let over = false;
  let spinner: { text: string; stop(): unknown } | null = null;
  const wipe = () => terminal.write('\r\u001b[2K');
  void import('ora').then(({ default: ora }) => {
    if (over) return;
    wipe();
    // Ctrl-C is the command's own affair, so ora must leave standard input alone.
    spinner = ora({ text: current, stream: terminal, discardStdin: false }).start();
  });
  return {
    update(next) {
      current = next;
      if (spinner) spinner.text = next;
    },
    clear() {
      if (over) return;
      over = true;
      if (spinner) spinner.stop();
      else wipe();
    },
  };
}
