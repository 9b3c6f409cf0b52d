import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../cluster/processes/entry.js';

/** The page, with the policy under which a browser may show it. */
export interface Page {
  readonly html: string;
  /** Of its one style and its one script, as a Content-Security-Policy names them. */
  readonly hashes: { readonly style: string; readonly script: string };
}

/** The page of this text, which has one style and one script, both inline. */
export function pageOf(html: string): Page {
  const hash = (tag: string): string => {
    const text = new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(html)?.[1];
    if (text === undefined) throw new Error(`dashboard page lacks <${tag}>`);
    return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  };
  return { html, hashes: { style: hash('style'), script: hash('script') } };
}

/** The page as built; from sources it is put together now. */
export async function loadPage(from: string = import.meta.url): Promise<Page> {
  const root = packageRoot(from);
  if (!from.endsWith('.ts')) return pageOf(await readFile(join(root, 'dist/dashboard.html'), 'utf8'));
  // Not an import that a bundler could follow: what builds is no part of what is built.
  const { buildPage } = await import(pathToFileURL(join(root, 'scripts/page.mjs')).href);
  return pageOf((await buildPage(root)).html);
}

/** Nothing but what the page brings along, and a connection to where it came from. */
export const policyOf = ({ hashes }: Page, hosts: readonly string[]): string =>
  [
    "default-src 'none'",
    `script-src ${hashes.script}`,
    `style-src ${hashes.style}`,
    `connect-src ${hosts.map((host) => `ws://${host}`).join(' ')}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
