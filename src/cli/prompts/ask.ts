import type { Paint } from '../../render/terminal.js';
import type { Streams } from '../session.js';
import { type LiveLines, type MenuItem, pick } from './menu.js';

/** A possible value with its description. */
export interface Suggestion {
  readonly value: string;
  readonly description: string;
}

/** A prompt for one value. */
export interface Question {
  readonly message: string;
  /** Possible values, given what is typed so far. */
  readonly suggest?: (typed: string) => readonly Suggestion[] | Promise<readonly Suggestion[]>;
  /** Accept only one of the suggestions. */
  readonly closed?: boolean;
  /** The answer when nothing is typed. */
  readonly byDefault?: string;
  /** What is wrong with an answer, or null. */
  readonly check?: (text: string) => string | null;
}

export interface Asking {
  readonly streams: Streams;
  readonly paint: Paint;
  readonly unicode: boolean;
  readonly live?: LiveLines;
}

/** Asks a person for one value. null: Escape. Rejects with `ExitPromptError` at Ctrl-C. */
export async function ask(question: Question, asking: Asking): Promise<string | null> {
  const { message, suggest, byDefault, check } = question;
  const items = async (typed: string): Promise<MenuItem<string>[]> => {
    const found = (await suggest?.(typed)) ?? [];
    const shown = found
      .filter(({ value }) => value.toLowerCase().includes(typed.toLowerCase()))
      .map(({ value, description }) => ({ value, name: value, about: description }));
    if (typed !== '' || byDefault === undefined) return shown;
    return [
      { value: byDefault, name: byDefault, about: 'default' },
      ...shown.filter(({ value }) => value !== byDefault),
    ];
  };
  const other = (typed: string): { value: string } | { problem: string } => {
    const problem = check?.(typed) ?? null;
    return problem === null ? { value: typed } : { problem };
  };
  const { streams, ...shown } = asking;
  const picked = await pick<string>(
    { message, items, ...(question.closed === true ? {} : { other }), ...shown },
    streams,
  );
  return picked.kind === 'back' ? null : picked.value;
}

/** Asks yes or no; no is the first. Escape is no. */
export async function askYes(message: string, asking: Asking): Promise<boolean> {
  const { streams, ...shown } = asking;
  const items: MenuItem<boolean>[] = [
    { value: false, name: 'no', about: 'cancel' },
    { value: true, name: 'yes' },
  ];
  const picked = await pick<boolean>(
    {
      message,
      items: (typed) => items.filter(({ name }) => name.startsWith(typed.toLowerCase())),
      ...shown,
    },
    streams,
  );
  return picked.kind === 'picked' && picked.value;
}
