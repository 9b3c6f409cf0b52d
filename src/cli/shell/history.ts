import { join } from 'node:path';
import { configHome } from '../../layout/paths.js';
import { openUserFile, readUserFile } from '../settings.js';

/** How many lines are kept. */
export const historyLines = 1000;

export const historyFile = (env: Readonly<Record<string, string | undefined>> = process.env): string =>
  join(configHome(env), 'history.json');

function linesOf(value: unknown): string[] {
  const lines = (value as { lines?: unknown } | null)?.lines;
  if (!Array.isArray(lines)) throw new Error('expected a list of lines');
  return lines.filter((line) => typeof line === 'string').slice(0, historyLines);
}

/** What was typed into `muster shell`, the newest first. A damaged file is moved aside; `warn` is called. */
export const readHistory = (warn: (text: string) => void): string[] =>
  readUserFile(historyFile(), linesOf, warn) ?? [];

/** Adds a line in front of those in the file, which another shell may have written; repeated lines are kept once. Never rejects: `warn` is called. */
export async function addToHistory(line: string, warn: (text: string) => void): Promise<void> {
  try {
    const lines = [...new Set([line, ...readHistory(warn)])].slice(0, historyLines);
    (await openUserFile<{ lines: string[] }>(historyFile())).set('lines', lines);
  } catch (error) {
    warn((error as Error).message);
  }
}
