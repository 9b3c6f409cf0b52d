import { complete } from '../completion/complete.js';
import { splitTyped, typedAs } from '../completion/typed-line.js';
import { valuesOf } from '../completion/value-source.js';
import type { Program } from '../dispatch.js';
import type { Suggestion } from '../prompts/ask.js';
import { scriptWords } from '../script/steps.js';
import type { Session } from '../session.js';
import type { Completer } from './prompt.js';

/** Where the command begins that is being typed: behind the last semicolon that is not quoted. */
function begin(line: string): number {
  let from = 0;
  for (let at = line.indexOf(';'); at >= 0; at = line.indexOf(';', at + 1)) {
    const { quote, raw } = splitTyped(line.slice(0, at));
    if (quote === '' && !/\\$/.test(raw)) from = at + 1;
  }
  return from;
}

/** Values that are continued after completion: no space is added. */
const goesOn = /[/,=:]$/;

/** Tab completion in `muster shell`: as in other shells, over the connection that is already open. */
export function completerOf(program: Program, session: Session): Completer {
  return async (line) => {
    const typed = splitTyped(line.slice(begin(line)));
    // People paste commands from the docs, with `muster` in front.
    const words = typed.words[0] === 'muster' && typed.words.length > 1 ? typed.words.slice(1) : typed.words;
    const values = valuesOf(session.lookingUp);
    let candidates: readonly Suggestion[];
    if (words[0] === 'use' && words.length === 2) candidates = await values.values('cluster', words[1]!, {});
    else ({ candidates } = await complete(words, program, values));
    const own = words.length === 1 ? Object.keys(scriptWords).map((value) => ({ value })) : [];
    const shown = [...new Set([...candidates, ...own].map(({ value }) => value))]
      .map((value) => typed.quote + typedAs(value, typed.quote))
      .filter((value) => value.startsWith(typed.raw))
      .sort();
    const [only] = shown;
    if (shown.length === 1 && !goesOn.test(only!)) return [[`${only}${typed.quote} `], typed.raw];
    return [shown, typed.raw];
  };
}
