/** A word as it is typed into a shell: quoted only where that is needed. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./±-]+$/u.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** A command line as it is typed into a shell. */
export const commandLine = (words: readonly string[]): string => words.map(quoted).join(' ');
