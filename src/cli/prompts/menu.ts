import type { Paint } from '../../render/terminal.js';
import type { Streams } from '../session.js';

type Core = typeof import('@inquirer/core');

/** Something to pick. */
export interface MenuItem<T> {
  readonly value: T;
  readonly name: string;
  /** Shown when the item is selected. */
  readonly about?: string;
  /** The heading above the item. */
  readonly group?: string;
}

/** Lines above a menu that update while it is open. */
export interface LiveLines {
  lines(columns: number): readonly string[];
  /** Calls `changed` whenever the lines are others, until the returned function is called. */
  subscribe(changed: () => void): () => void;
}

export interface MenuOptions<T> {
  readonly message: string;
  /** The items that match the typed text. */
  readonly items: (typed: string) => readonly MenuItem<T>[] | Promise<readonly MenuItem<T>[]>;
  /** Accepts what was typed as an answer, shown first in the menu. Omitted: only items of the menu are answers. */
  readonly other?: (typed: string) => { readonly value: T } | { readonly problem: string };
  readonly live?: LiveLines;
  readonly paint: Paint;
  readonly unicode: boolean;
}

/** The result of a menu; `back`: Escape. */
export type Picked<T> = { readonly kind: 'picked'; readonly value: T } | { readonly kind: 'back' };

let core: Promise<Core> | null = null;

/**
 * A menu that is filtered by typing, with live lines above it. Resolves to what was picked, or to `back`. Rejects with
 * `ExitPromptError` at Ctrl-C.
 */
export async function pick<T>(options: MenuOptions<T>, streams: Streams): Promise<Picked<T>> {
  core ??= import('@inquirer/core');
  const menu = menuOf<T>(await core, streams);
  return menu(options, {
    input: streams.stdin,
    output: streams.stderr,
    clearPromptOnDone: true,
  });
}

const asTyped = 'use the text as typed; Tab completes the selected item';

/** Lines of the menu besides its items: the question, the description of an item, the keys. */
const otherLines = 5;

function menuOf<T>(core: Core, streams: Streams) {
  const { createPrompt, useState, useRef, useEffect, useKeypress } = core;
  return createPrompt<Picked<T>, MenuOptions<T>>((options, done) => {
    const { paint, unicode } = options;
    const [typed, setTyped] = useState('');
    const [items, setItems] = useState<readonly MenuItem<T>[] | null>(null);
    const [active, setActive] = useState(0);
    const [problem, setProblem] = useState<string | null>(null);
    const [turn, setTurn] = useState(0);
    const turns = useRef(0);
    /** What was typed when the items were last asked for, and which of them was marked. */
    const before = useRef<{ typed: string; name: string | null }>({ typed: '', name: null });

    const redraw = (): void => {
      turns.current++;
      setTurn(turns.current);
    };
    useEffect(() => options.live?.subscribe(redraw) ?? (() => {}), []);
    useEffect(() => {
      const { stderr } = streams;
      stderr.on('resize', redraw);
      return () => stderr.off('resize', redraw);
    }, []);
    useEffect(() => {
      let stale = false;
      void (async () => options.items(typed))().then(
        (found) => {
          if (stale) return;
          const other =
            typed === '' || found.some(({ name }) => name === typed) ? null : options.other?.(typed);
          const shown =
            other && 'value' in other
              ? [{ value: other.value, name: typed, about: asTyped }, ...found]
              : found;
          setItems(shown);
          setActive(markedOf(shown, typed, before.current));
          before.current = { ...before.current, typed };
          if (other && 'problem' in other && found.length === 0) setProblem(other.problem);
        },
        (error: Error) => !stale && setProblem(error.message),
      );
      return () => {
        stale = true;
      };
    }, [typed, turn]);

    useKeypress((key, rl) => {
      const shown = items ?? [];
      if (core.isEnterKey(key)) {
        const chosen = shown[active];
        if (chosen !== undefined) done({ kind: 'picked', value: chosen.value });
        else rl.write(typed);
      } else if (key.name === 'escape') done({ kind: 'back' });
      else if (core.isUpKey(key) || core.isDownKey(key)) {
        rl.clearLine(0);
        rl.write(typed);
        if (shown.length > 0)
          setActive((active + (core.isUpKey(key) ? -1 : 1) + shown.length) % shown.length);
      } else if (core.isTabKey(key)) {
        rl.clearLine(0);
        const name = shown[active]?.name ?? typed;
        rl.write(name);
        setTyped(name);
      } else {
        setProblem(null);
        setTyped(rl.line);
      }
    });

    before.current = { ...before.current, name: (items ?? [])[active]?.name ?? null };
    const columns = Math.max(20, streams.stderr.columns ?? 80);
    const rows = Math.max(8, streams.stderr.rows ?? 24);
    const live = options.live?.lines(columns) ?? [];
    // In a small window the lines above are cut before the items are.
    const head = live.slice(0, Math.max(0, rows - otherLines - 4));
    const room = Math.max(3, Math.min(12, rows - head.length - otherLines - 1));
    const question = `${paint.green('?')} ${paint.bold(options.message)} ${paint.cyan(typed)}`;
    const about = (items ?? [])[active]?.about ?? '';
    const keys = unicode
      ? '↑↓ move · ⏎ select · type to filter · Esc back'
      : 'arrows move, Enter selects, type to filter, Esc back';
    const bottom = [
      ...page(items, active, room, columns, paint, unicode, options.other !== undefined && typed === ''),
      problem === null ? paint.cyan(cut(about, columns)) : paint.red(cut(problem, columns)),
      paint.dim(cut(keys, columns)),
    ];
    return [[...head, question].join('\n'), bottom.join('\n')];
  });
}

/** Which item is selected: the same as before while the text is unchanged; an exact match; else the first. */
function markedOf(
  items: readonly MenuItem<unknown>[],
  typed: string,
  before: { readonly typed: string; readonly name: string | null },
): number {
  const wanted = before.typed === typed ? before.name : typed;
  return Math.max(
    0,
    items.findIndex(({ name }) => name === wanted),
  );
}

const cut = (text: string, columns: number): string =>
  text.length < columns ? text : `${text.slice(0, Math.max(0, columns - 2))}…`;

/** The part of the items around the active one, under their headings. */
function page<T>(
  items: readonly MenuItem<T>[] | null,
  active: number,
  room: number,
  columns: number,
  paint: Paint,
  unicode: boolean,
  mayType: boolean,
): string[] {
  if (items === null) return [paint.dim('…')];
  if (items.length === 0) return [paint.dim(mayType ? 'type a value' : 'no match')];
  const lines: { text: string; item: number }[] = [];
  let group: string | undefined;
  items.forEach(({ name, group: next }, i) => {
    if (next !== undefined && next !== group) lines.push({ text: paint.dim(next), item: -1 });
    group = next;
    const text = cut(name, columns - 4);
    const pointer = unicode ? '❯' : '>';
    lines.push({ text: i === active ? paint.cyan(`${pointer} ${text}`) : `  ${text}`, item: i });
  });
  const at = lines.findIndex(({ item }) => item === active);
  const first = Math.max(0, Math.min(at - Math.floor(room / 2), lines.length - room));
  return lines.slice(first, first + room).map(({ text }) => text);
}
