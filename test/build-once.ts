import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Builds dist/ when it is missing or was made from other sources (told by content, in some ten milliseconds). */
export default function setup(): void {
  const script = join(import.meta.dirname, '../scripts/ensure.mjs');
  const { status } = spawnSync(process.execPath, [script], { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('the build failed, and the tests of the commands need it; see above');
}
