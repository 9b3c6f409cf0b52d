import type { Output } from './io.js';

/** Something that shows progress; every method may be called at any time, also after the end. */
export interface Progress {
  update(text: string): void;
  /** Takes it from the screen until the next update. */
  hide(): void;
  /** Removes it from the screen, leaving nothing. */
  clear(): void;
}

/** A spinner on this terminal. `ora` is loaded while the work runs, and only here; the first text is shown immediately. */
export function startProgress(text: string, terminal: Output): Progress {
  terminal.write(`${text} …`);
  let current = text;
  let over = false;
  let hidden = false;
  let spinner: { text: string; start(): unknown; stop(): unknown } | null = null;
  const wipe = () => terminal.write('\r\u001b[2K');
  void import('ora').then(({ default: ora }) => {
    if (over) return;
    if (!hidden) wipe();
    // Ctrl-C is the command's own affair, so ora must leave standard input alone.
    spinner = ora({ text: current, stream: terminal, discardStdin: false });
    if (!hidden) spinner.start();
  });
  const off = () => {
    if (spinner) spinner.stop();
    else if (!hidden) wipe();
  };
  return {
    update(next) {
      current = next;
      if (over) return;
      if (spinner) spinner.text = next;
      if (hidden && spinner) spinner.start();
      hidden = false;
    },
    hide() {
      if (over || hidden) return;
      off();
      hidden = true;
    },
    clear() {
      if (over) return;
      over = true;
      off();
    },
  };
}
