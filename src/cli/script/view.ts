import type { Paint } from '../../render/terminal.js';
import { formatDuration } from '../../text/duration.js';
import { plural, shorten, visible } from '../../text/format.js';
import type { Progress } from '../spinner.js';
import type { ScenarioReport, ScenarioView, StepRow } from './run.js';

export interface ViewOptions {
  readonly paint: Paint;
  readonly unicode: boolean;
  readonly columns: number;
  /** Show what commands print, too. */
  readonly outputs: boolean;
  readonly out: (text: string) => void;
  readonly progress: Progress;
}

/** How many lines of a command's output are shown. */
const shownLines = 12;

/** Prints one line for each step when it ends. */
export function scenarioView(options: ViewOptions): ScenarioView {
  const { paint, unicode, out, progress } = options;
  const width = Math.max(40, Math.min(options.columns, 100));
  const mark = (ok: boolean): string =>
    ok ? paint.green(unicode ? '✓' : 'ok') : paint.red(unicode ? '✗' : 'NO');
  return {
    began: (step) => progress.update(shorten(`line ${step.line}: ${step.text}`, width - 4)),
    say: (text) => {
      progress.hide();
      out(`\n${paint.bold(wrap(visible(text), width))}\n`);
    },
    ended: (_step, where, row) => {
      progress.hide();
      const time = row.ms < 1 ? '' : formatDuration(row.ms);
      const rounds = row.rounds === undefined ? '' : ` (${row.rounds} ×)`;
      const indent = '  '.repeat(where.depth);
      const room = width - 5 - indent.length - time.length - rounds.length;
      const text = shorten(`${visible(row.text.replace(/\s*\n\s*/g, ' … '))}`, room) + rounds;
      out(`${indent}${mark(row.ok)} ${text.padEnd(room + rounds.length)}  ${paint.dim(time)}\n`);
      if (options.outputs) out(outputOf(row, width, paint));
      if (row.error !== undefined)
        out(`${indent}  ${paint.red(`line ${row.line}: ${visible(row.error.message)}`)}\n`);
    },
  };
}

/** The output of a command, indented; its messages on stderr if there is no output. */
function outputOf(row: StepRow, width: number, paint: Paint): string {
  // An error is printed in red below.
  const text = (row.out ?? (row.ok ? row.err : '') ?? '').trimEnd();
  if (text === '') return '';
  const lines = text.split('\n');
  const shown = lines.slice(0, shownLines).map((line) => `    ${shorten(visible(line), width - 4)}`);
  if (lines.length > shownLines) shown.push(`    ${plural(lines.length - shownLines, 'more line')}`);
  return `${paint.dim(shown.join('\n'))}\n`;
}

function wrap(text: string, width: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}

/** The result of a scenario in one line. */
export function scenarioSummary({ scenario, ok, steps, ms }: ScenarioReport, paint: Paint): string {
  const failed = steps.filter((row) => !row.ok).length;
  const verdict = ok ? paint.green('passed') : paint.red(`failed (${plural(failed, 'step')})`);
  return `${scenario}: ${verdict}, ${plural(steps.length, 'step')} in ${formatDuration(ms)}`;
}
