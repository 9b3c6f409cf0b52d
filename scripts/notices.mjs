// The licences of the packages whose code is in dist/, which they ask to go along with it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The text for these files (as esbuild's metafiles name them, relative to `root`). */
export function noticesOf(root, inputs) {
  const packages = new Set();
  for (const input of inputs) {
    const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input.replace(/^[\w-]+:/, ''))?.[1];
    if (folder !== undefined) packages.add(folder);
  }
  const parts = [...packages].sort().map((folder) => {
    const path = join(root, folder);
    const { name, version, license, homepage } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    const file = readdirSync(path).find((entry) => /^licen[cs]e/i.test(entry));
    const text =
      file !== undefined && existsSync(join(path, file)) ? readFileSync(join(path, file), 'utf8').trim() : '';
    return `${name} ${version} (${license ?? 'see its home page'}) ${homepage ?? ''}\n\n${text}\n`;
  });
  return `muster contains code of these packages.\n\n${parts.join(`\n${'-'.repeat(78)}\n\n`)}`;
}
