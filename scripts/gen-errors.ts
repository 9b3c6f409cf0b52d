/** Renders docs/ERRORS.md from the catalogue of errors. `npm run docs` writes it. */
import { catalogue, type ErrorKind } from '../src/errors.js';

/** The whole text of docs/ERRORS.md. */
export function errorsMarkdown(): string {
  const kinds = Object.entries(catalogue) as [string, ErrorKind][];
  const byExit = [...new Set(kinds.map(([, kind]) => kind.exit))].sort((a, b) => a - b);
  const exits = byExit.map((exit) => {
    const codes = kinds.filter(([, kind]) => kind.exit === exit).map(([code]) => `\`${code}\``);
    return `| ${exit} | ${exitMeaning[exit] ?? ''} | ${codes.join(', ')} |`;
  });
  const rows = kinds.map(([code, kind]) => {
    const { exit, tookEffect, retryable, hint } = kind;
    return `| \`${code}\` | ${exit} | ${tookEffect} | ${retryable ? 'yes' : 'no'} | ${hint.replaceAll('|', '\\|')} |`;
  });
  return `${[
    '# Errors',
    '<!-- Made by scripts/gen-errors.ts from src/errors.ts: change it there. -->',
    'Every error says what happened, whether the operation took effect, and what to try next. With `--json` it is ' +
      '`{"error": {code, message, tookEffect, hint, details?}}` on stdout; in the library it is a `MusterError` with the same fields.',
    '## Exit codes',
    ['| exit code | meaning | codes |', '| --- | --- | --- |', '| 0 | success | |', ...exits].join('\n'),
    '## Codes',
    '**Took effect** is the default; the error itself may say otherwise. **Retry** says whether the same call may succeed ' +
      'later. A `{…}` in a hint is replaced by a detail of the error.',
    ['| code | exit | took effect | retry | hint |', '| --- | --- | --- | --- | --- |', ...rows].join('\n'),
  ].join('\n\n')}\n`;
}

const exitMeaning: Readonly<Record<number, string>> = {
  1: 'the answer is no',
  2: 'wrong usage; nothing was executed',
  3: 'unreachable',
  4: 'timed out',
  5: 'unavailable',
  6: 'conflict',
  7: 'outcome unknown',
  8: 'safety violation found',
  130: 'interrupted by Ctrl-C',
};
