import { visible } from '../text/format.js';
import type { Paint } from './terminal.js';

const UUID = /\b([0-9a-f]{4})[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;
/** Said already: the node is before the line, the rest in front. */
const KNOWN = new Set(['level', 'time', 'node', 'msg', 'hint', 'stack']);

/** A word as it is, anything else as JSON. */
const shown = (value: unknown): string =>
  typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : (JSON.stringify(value) ?? '');

/**
 * A line of a node's log for people: time of day (UTC), level, what happened, and its fields as `name=value`; store
 * uuids cut to four digits. A line that is not one of ours stays as it is; nothing in it can steer the terminal.
 */
export function formatLogLine(text: string, paint: Paint): string {
  let line: Record<string, unknown> | null = null;
  try {
    line = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : null;
  } catch {
    // Not one of ours.
  }
  if (line === null || typeof line.msg !== 'string' || typeof line.time !== 'string') return visible(text);
  const level = String(line.level);
  const color = level === 'error' ? paint.red : level === 'warn' ? paint.yellow : paint.dim;
  const fields = Object.entries(line)
    .filter(([name, value]) => !KNOWN.has(name) && JSON.stringify(value) !== '{}')
    .map(([name, value]) => `${name}=${shown(value)}`)
    .join(' ');
  const short = (words: string) => visible(words.replace(UUID, '$1'));
  const head = `${paint.dim(short(line.time.slice(11, 23)))} ${color(short(level).padEnd(5))} ${short(line.msg)}`;
  const stack = typeof line.stack === 'string' ? line.stack.split('\n').slice(1) : [];
  return [fields === '' ? head : `${head} ${paint.dim(short(fields))}`, ...stack.map(visible)].join('\n');
}
