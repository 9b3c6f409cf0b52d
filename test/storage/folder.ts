import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Folder {
  readonly path: string;
  remove(): void;
}

/** A fresh temporary folder. */
export function temporaryFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'muster-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
