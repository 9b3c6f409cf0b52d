import { accessSync, constants, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The programs on the PATH whose names begin like this, each once; none for '' or a path, there would be too many or they are files. */
export function executables(prefix: string, path = process.env.PATH ?? ''): string[] {
  if (prefix === '' || prefix.includes('/')) return [];
  const found = new Set<string>();
  for (const folder of path.split(':').filter((one) => one !== '')) {
    for (const name of namesIn(folder))
      if (name.startsWith(prefix) && !found.has(name) && runs(join(folder, name))) found.add(name);
  }
  return [...found].sort();
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // PATH often names folders that are not there.
    return [];
  }
}

function runs(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
