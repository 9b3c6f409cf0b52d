import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandNames } from '../../scripts/gen-commands.js';
import { bannedIn, longLines } from './prose.js';

const root = join(import.meta.dirname, '../..');
const pages = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];
const prose = [...pages, 'examples/README.md'];
const lessons = readdirSync(join(root, 'examples'))
  .filter((file) => file.endsWith('.muster'))
  .map((file) => `examples/${file}`);
const read = (page: string): string => readFileSync(join(root, page), 'utf8');
/** The texts in `…` within a line. */
const quoted = (text: string): string[] =>
  [...text.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] as string);
/** The lines of fenced blocks. */
const blocks = (text: string): string[] =>
  [...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].flatMap((match) => (match[1] as string).split('\n'));

describe('the documentation', () => {
  it('links to pages and headings that exist', () => {
    const broken: string[] = [];
    for (const page of pages) {
      const text = read(page).replace(/^```[\s\S]*?^```/gm, '');
      for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? page : relative(root, join(root, dirname(page), path));
        if (!existsSync(join(root, file))) broken.push(`${page}: ${target}`);
        else if (anchor !== undefined && !anchorsOf(read(file)).includes(anchor))
          broken.push(`${page}: ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it('names only files that exist', () => {
    const missing: string[] = [];
    for (const page of pages) {
      for (const name of quoted(read(page))) {
        if (!/^(src|commands|test|scripts|benchmarks|bin|docs|examples)\/[\w./-]+$/.test(name)) continue;
        if (!existsSync(join(root, name))) missing.push(`${page}: ${name}`);
      }
    }
    expect(missing).toEqual([]);
  });

  it('names only commands that exist', () => {
    const commands = commandNames();
    const topics = new Set(commands.map((name) => name.split(' ')[0]));
    const wrong: string[] = [];
    for (const page of pages) {
      const text = read(page);
      for (const line of [...quoted(text), ...blocks(text)]) {
        const words = /^(?:\$ )?(?:npx )?muster ((?:[a-z][a-z-]* ?)+)/.exec(line)?.[1]?.trim().split(' ');
        if (words === undefined) continue;
        const known = commands.some((name) => name === words.slice(0, name.split(' ').length).join(' '));
        if (!known && !(words.length === 1 && topics.has(words[0]))) wrong.push(`${page}: ${line}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('names only scripts of package.json', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const wrong: string[] = [];
    for (const page of pages) {
      for (const line of [...quoted(read(page)), ...blocks(read(page))]) {
        const name = /^npm run (\w+)/.exec(line)?.[1];
        if (name !== undefined && !Object.hasOwn(scripts, name)) wrong.push(`${page}: ${line}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('has lines of at most 100 characters, outside of tables and code blocks', () => {
    expect(prose.flatMap((page) => longLines(read(page)).map((line) => `${page}:${line}`))).toEqual([]);
  });

  it('uses none of the phrases that readers stumble over', () => {
    const written = [...prose, ...lessons];
    expect(written.flatMap((page) => bannedIn(read(page)).map((line) => `${page}:${line}`))).toEqual([]);
  });

  it('README shows the two commands for a fresh clone within its first screen', () => {
    const first = read('README.md').split('\n').slice(0, 40);
    expect(blocks(first.join('\n')).filter((line) => line.startsWith('npm '))).toEqual([
      expect.stringMatching(/^npm run demo\b/),
      expect.stringMatching(/^npm test\b/),
    ]);
  });

  it('docs/README.md names every page beside it', () => {
    const map = read('docs/README.md');
    const beside = readdirSync(join(root, 'docs')).filter((file) => file !== 'README.md');
    expect(beside.filter((file) => !map.includes(`(${file}`))).toEqual([]);
  });

  it('numbers the decisions without gaps, each listed in its map', () => {
    const files = readdirSync(join(root, 'docs/decisions'))
      .filter((file) => file !== 'README.md')
      .sort();
    expect(files.map((file) => file.slice(0, 4))).toEqual(
      files.map((_, i) => String(i + 1).padStart(4, '0')),
    );
    const map = read('docs/decisions/README.md');
    expect(files.filter((file) => !map.includes(`(${file})`))).toEqual([]);
  });
});

/** The anchors of a page's headings, as code hosts make them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] as string)
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
