import { type ErrorCode, MusterError, type TookEffect } from '../errors.js';
import { dataHome } from '../layout/paths.js';
import { unknownFlags } from '../text/command-words.js';

/** An error as text and as JSON, and its exit code. */
export interface RenderedError {
  readonly error: MusterError;
  readonly exit: number;
  readonly json: {
    readonly error: {
      readonly code: ErrorCode;
      readonly message: string;
      readonly tookEffect: TookEffect;
      readonly hint: string;
    };
  };
  readonly text: string;
}

interface OclifError extends Error {
  readonly oclif?: { readonly exit?: number };
  /** Errors of oclif's parser carry what they parsed. */
  readonly parse?: { readonly input?: { readonly flags?: object } };
  /** Of the error for flags that the command does not have: those, as they were typed. */
  readonly flags?: readonly string[];
}

const EFFECT: Readonly<Record<TookEffect, string>> = {
  yes: 'Took effect: yes.',
  no: 'Took effect: no.',
  unknown: 'Took effect: unknown.',
};

/** oclif wraps what a flag's own parser said in "Parsing --flag", a tab and a pointer to the help; and words some things oddly. */
const plain = (message: string): string =>
  message
    .replace(/^Parsing --\S+ \n\t/, '')
    .replace(/\nSee more help with --help$/, '')
    .replace(/^The following errors? occurred:\n/, '')
    .replace(/^\s*Missing required flag (\S+)$/m, '--$1 is required')
    .replace(/^\s*All of the following must be provided when using (--\S+): (.+)$/m, '$1 requires $2')
    .replace(/^Missing (\d+) required args?:\n/, (_, n: string) =>
      n === '1' ? 'missing argument: ' : `missing ${n} arguments:\n`,
    )
    .trim();

/** Turns whatever was thrown into a `MusterError`: oclif's parser errors are `usage`, all else is `internal`. */
export function toMusterError(error: unknown, command: string): MusterError {
  if (error instanceof MusterError) {
    error.message = plain(error.message);
    // A usage error knows of no command; the command that met it does.
    if (error.code !== 'usage' || error.details.command !== undefined) return error;
    return new MusterError('usage', error.message, { details: { ...error.details, command }, cause: error });
  }
  const oclif = error as OclifError;
  if (oclif?.parse !== undefined || oclif?.oclif?.exit === 2) {
    const known = [...Object.keys(oclif.parse?.input?.flags ?? {}), 'help'];
    const unknown = Array.isArray(oclif.flags) && oclif.message.startsWith('Nonexistent flag');
    const message = unknown ? unknownFlags(oclif.flags, known) : plain(oclif.message);
    return new MusterError('usage', message, { details: { command }, cause: error });
  }
  const code = (error as NodeJS.ErrnoException)?.code;
  const path = (error as NodeJS.ErrnoException)?.path ?? dataHome();
  if (code === 'ENOSPC')
    return new MusterError('storage-full', 'the disk is full', { details: { path }, cause: error });
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
    return new MusterError('metastore-unavailable', (error as Error).message, {
      details: { path },
      tookEffect: 'no',
      cause: error,
    });
  }
  return new MusterError('internal', error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}

export interface RenderOptions {
  /** Colors the start of the first line. */
  readonly red?: (text: string) => string;
  /** The command only reads: whether it took effect is not worth saying. JSON always has it. */
  readonly readOnly?: boolean;
}

/** Renders an error that `command` ended with. */
export function renderError(
  error: unknown,
  command: string,
  { red = (text) => text, readOnly = false }: RenderOptions = {},
): RenderedError {
  const known = toMusterError(error, command);
  const { code, message, tookEffect, hint } = known;
  const effect = readOnly ? '' : `${EFFECT[tookEffect]} `;
  const lines = [`${red('Error:')} ${message}`, `${effect}${hint}`];
  if (code === 'internal' && error instanceof Error && error.stack) lines.push(error.stack);
  const details = Object.keys(known.details).length > 0 ? { details: known.details } : {};
  return {
    error: known,
    exit: known.exit,
    json: { error: { code, message, tookEffect, hint, ...details } },
    text: `${lines.join('\n')}\n`,
  };
}
