import { type Action, commandOf, type NodeAction } from '../../cluster/lifecycle/action.js';
import { $, say } from './dom.js';
import type { Store } from './store.js';

/** What will happen, for those actions that take something away. */
const meaning: Readonly<Record<string, readonly [title: string, text: string, yes: string]>> = {
  kill: ['Kill', 'The process is killed immediately (SIGKILL), as in a power failure.', 'Kill'],
  pause: ['Pause', 'The process is paused (SIGSTOP) until you resume it.', 'Pause'],
  restart: ['Restart', 'The node stops gracefully and starts again.', 'Restart'],
};

/** Asks; resolves to what was answered. Escape says no. */
function ask(title: string, text: string, command: string, yes: string): Promise<boolean> {
  const dialog = $('confirm') as HTMLDialogElement;
  say($('confirm-title'), title);
  say($('confirm-text'), text);
  say($('confirm-command'), command);
  say($('confirm-yes'), yes);
  return new Promise((resolve) => {
    $('confirm-yes').onclick = () => dialog.close('yes');
    $('confirm-no').onclick = () => dialog.close('no');
    dialog.onclose = () => resolve(dialog.returnValue === 'yes');
    dialog.returnValue = 'no';
    dialog.showModal();
  });
}

/** Does it, after asking where it takes something away, and says what came of it. */
export async function perform(store: Store, action: Action): Promise<void> {
  const { named, cluster } = store.state;
  const command = commandOf(action, named ? cluster : null);
  const told = meaning[action.kind];
  if (told !== undefined && 'node' in action) {
    const [title, text, yes] = told;
    if (!(await ask(`${title} ${action.node}?`, text, command, `${yes} ${action.node}`))) return;
  }
  const done = $('done');
  done.classList.remove('bad');
  say(done, `${command} …`);
  const { ok, text } = await store.act(action);
  done.classList.toggle('bad', !ok);
  say(done, `${command}: ${text}`);
}

/** The words of buttons. */
export const buttonWords: Readonly<Record<NodeAction, string>> = {
  kill: 'Kill',
  pause: 'Pause',
  resume: 'Resume',
  start: 'Start',
  restart: 'Restart',
};
