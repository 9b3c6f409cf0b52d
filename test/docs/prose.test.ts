import { describe, expect, it } from 'vitest';
import { wrapMarkdown } from '../../scripts/wrap.js';
import { bannedIn, longLines } from './prose.js';

describe('the check of lines', () => {
  it('finds long lines of prose, and allows long tables and code', () => {
    const long = 'word '.repeat(21);
    const text = ['short', long, `| ${long} |`, '```sh', long, '```', long].join('\n');
    expect(longLines(text).map((line) => line.split(':')[0])).toEqual(['2', '7']);
  });

  it('counts characters, not bytes', () => {
    expect(longLines('’'.repeat(100))).toEqual([]);
    expect(longLines('’'.repeat(101))).toHaveLength(1);
  });
});

describe('the check of phrases', () => {
  it.each([
    ['in-sync: so it is, after 52 ms', 'so it is'],
    ['Whoever has not ended is killed.', 'Whoever'],
    ['n1 is put out by the others.', 'put out'],
    ['| they go on | a table |', 'go on'],
    ['A beacon is sent.', 'beacon'],
    ['It works!', '!'],
  ])('finds the phrase in %s', (text, phrase) => {
    expect(bannedIn(text)).toEqual([expect.stringContaining(`1: “${phrase}”`)]);
  });

  it('leaves code alone', () => {
    expect(bannedIn('The field `beacon` is sent.\n```\nbeacon\n```\nA `!` negates.')).toEqual([]);
  });
});

describe('wrapMarkdown', () => {
  it('breaks prose and list items at the width, and keeps the rest', () => {
    const item = `- ${'item '.repeat(30).trim()}`;
    const text = `# ${'title '.repeat(30)}\n\n${'word '.repeat(30).trim()}\n\n${item}\n\n| ${'cell '.repeat(30)} |\n`;
    const wrapped = wrapMarkdown(text);
    expect(longLines(wrapped.replace(/^# .*/, ''))).toEqual([]);
    expect(wrapped).toContain(`| ${'cell '.repeat(30)} |`);
    expect(wrapped).toMatch(/^ {2}item/m);
    expect(wrapMarkdown(wrapped)).toBe(wrapped);
  });

  it('keeps code in a line, and a number with its unit, in one piece', () => {
    const wrapped = wrapMarkdown('aa `muster counter incr` bb 10 ms cc', 12);
    expect(wrapped.split('\n')).toEqual(['aa', '`muster counter incr`', 'bb 10 ms cc']);
  });

  it('never begins a line with what would open a list', () => {
    expect(wrapMarkdown('one two - three', 8)).not.toMatch(/^- /m);
  });
});
