import { signal, waitGone } from './identity.js';
import type { Launched } from './launch.js';

/** Ends what this very command started; for a start that failed or was interrupted. */
export async function undoLaunch(launched: readonly Launched[]): Promise<void> {
  await Promise.all(
    launched.map(async ({ process }) => {
      if (!process) return;
      signal(process, 'SIGTERM');
      if (await waitGone(process, 2000)) return;
      signal(process, 'SIGKILL');
      await waitGone(process, 2000);
    }),
  );
}
