/** What a page says to a reader: checks of its lines and phrases. Code blocks, tables and code in a line are left out where said. */

export const maxLine = 100;

/** Lines longer than `maxLine` characters, as `number: line`. Tables and code blocks may be longer: they cannot be broken. */
export const longLines = (text: string): string[] =>
  withoutBlocks(text)
    .filter(({ line }) => !line.startsWith('|') && [...line].length > maxLine)
    .map(({ number, line }) => `${number}: ${line}`);

/** Phrases that readers stumble over, each with what to write. */
export const banned: readonly (readonly [phrase: RegExp, instead: string])[] = [
  [/\bso it is\b/i, 'state the result'],
  [/\bstill not so\b/i, 'timed out after …'],
  [/\bthere (?:is|are) no \w+ of that name\b/i, 'unknown …'],
  [/\bis no (?:number|name|node|word|duration)\b/i, 'invalid …: expected …'],
  [/\bwho(?:ever|soever)\b/i, 'name the process or person'],
  [/\bwhom\b/i, 'rewrite'],
  [/\bnobody says\b/i, 'unknown'],
  [/\b(?:puts?|putting) (?:\w+ )?out\b/i, 'evict'],
  [/\bmend(?:s|ed)?\b/i, 'fix'],
  [/\bbeside it\b/i, 'baseline'],
  [/\bat once\b/i, 'immediately, or concurrently'],
  [/\bby itself\b/i, 'alone, or automatically'],
  [/\bone[’']s own\b/i, 'your own, or its own'],
  [/\bgo(?:es)? on\b/i, 'continue'],
  [/\bunder way\b/i, 'in flight, or in progress'],
  [/\ball the while\b/i, 'throughout, or meanwhile'],
  [/\bof before\b/i, 'earlier'],
  [/\bin vain\b/i, 'without success'],
  [/\bwhat is over\b/i, 'what has ended'],
  [/\bthere (?:is|are) to be\b/i, 'target …'],
  [/\bstands? (?:above|below|beside|behind|in)\b/i, 'is'],
  [/\bso many\b/i, 'N, or the number'],
  [/\bmade anew\b/i, 'regenerated, or recreated'],
  [/\btakes? it (?:that|for)\b/i, 'assume'],
  [/\bfor it (?:has|is|was|would|can|may)\b/i, 'because'],
  [/\bwe\b/i, 'name the component'],
  [/\bbeacons?\b/i, 'heartbeat'],
  [/!(?=\s|$)/, 'full stop'],
];

/** Banned phrases in the prose of a page, tables included, as `number: phrase (instead)`. */
export function bannedIn(text: string): string[] {
  const lines = withoutBlocks(text).map((it) => ({ ...it, line: it.line.replace(/`[^`]*`/g, '…') }));
  return lines.flatMap(({ number, line }) =>
    banned.flatMap(([phrase, instead]) => {
      const found = phrase.exec(line);
      return found === null ? [] : [`${number}: “${found[0]}” (${instead})`];
    }),
  );
}

/** The lines outside of fenced blocks and comments, numbered from 1. */
function withoutBlocks(text: string): { number: number; line: string }[] {
  let inBlock = false;
  return text.split('\n').flatMap((line, i) => {
    if (/^\s*```/.test(line)) {
      inBlock = !inBlock;
      return [];
    }
    return inBlock || line.startsWith('<!--') ? [] : [{ number: i + 1, line }];
  });
}
