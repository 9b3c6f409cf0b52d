import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { completionScripts, type Shell } from '../../src/cli/completion/scripts.js';
import { program } from './run.js';

/** A busy machine may not answer within the 0.3 s that a Tab waits. */
export const patient = { MUSTER_TAB_TIMEOUT: '30s' };

/** Is this shell here? Loud when it is not; CI has all of them. */
export function hasShell(shell: Shell): boolean {
  if (spawnSync(shell, ['--version']).status === 0) return true;
  const why = `${shell} is not installed, so completion in it is NOT tested (apt-get install ${shell})`;
  if (process.env.CI) throw new Error(why);
  console.warn(`SKIPPED: ${why}`);
  return false;
}

/** Runs bash on readline and zsh on its editor in a pseudo-terminal: types each line, presses Tab, and shows what stands there then. */
const driver = `
zmodload zsh/zpty
zpty shell "$@[1]"
zpty -w shell "$@[2]"
zpty -r shell out $'*\\nREADY*'
for line in "\${(@)@[3,-1]}"; do
  zpty -w -n shell "$line"$'\\t\\x14'
  zpty -r shell out '*SHOWN<*>SHOWN*'
  print -r -- "\${\${out##*SHOWN<}%%>SHOWN*}"
done
zpty -d shell
`;

const setups = {
  // Ctrl-T shows the line instead of swapping letters.
  bash: `show() { printf '\\nSHOWN<%s>SHOWN\\n' "$READLINE_LINE"; READLINE_LINE=; }
bind -x '"\\C-t": show'
bind 'set bell-style none'
`,
  zsh: `autoload -Uz compinit; compinit -u -D
show() { print -r -- $'\\n'"SHOWN<$BUFFER>SHOWN"; BUFFER=; zle .accept-line }
zle -N show; bindkey '^T' show; bindkey '^I' complete-word
LISTMAX=1000
`,
};

/** A world in which shells find muster, and its completion. */
export class Shells {
  constructor(readonly home: string) {
    mkdirSync(join(home, 'bin'));
    symlinkSync(program, join(home, 'bin/muster'));
    for (const [shell, script] of Object.entries(completionScripts))
      writeFileSync(join(home, `muster.${shell}`), script);
    writeFileSync(join(home, 'driver.zsh'), driver);
    for (const [shell, setup] of Object.entries(setups))
      writeFileSync(
        join(home, `setup.${shell}`),
        `PS1=; PS2=\n${setup}source ${home}/muster.${shell}\necho; echo READY\n`,
      );
  }

  /** What a shell's program writes to stdout; fails when it writes anything to stderr. */
  async run(file: string, ...args: string[]): Promise<string> {
    const env = {
      ...process.env,
      ...patient,
      PATH: `${this.home}/bin:${process.env.PATH}`,
      MUSTER_HOME: this.home,
    };
    const child = spawn(file, args, {
      cwd: this.home,
      env: { ...env, HOME: this.home, TERM: 'dumb', LC_ALL: 'C.UTF-8', ZDOTDIR: this.home },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    });
    const [out, err] = await Promise.all([textOf(child.stdout), textOf(child.stderr)]);
    if (err !== '') throw new Error(`${file} says: ${err}`);
    return out;
  }

  /** The line as it stands after Tab, for each line. */
  async tabbed(shell: 'bash' | 'zsh', lines: readonly string[]): Promise<string[]> {
    const command = shell === 'bash' ? 'bash --norc --noprofile -i' : 'zsh -f -i';
    const out = await this.run(
      'zsh',
      '-f',
      join(this.home, 'driver.zsh'),
      command,
      `source ${this.home}/setup.${shell}`,
      ...lines,
    );
    return out.split('\n').slice(0, -1);
  }

  /** What bash's completion function puts into COMPREPLY, and the options that it sets. */
  async bashReplies(line: string): Promise<string[]> {
    const script = `source ${this.home}/muster.bash
compopt() { printf '%s\\n' "$*"; }
COMP_LINE=$1 COMP_POINT=\${#1} COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
_muster
printf '%s\\n' "\${COMPREPLY[@]}"`;
    const out = await this.run('bash', '--norc', '-c', script, 'bash', line);
    return out.split('\n').filter((reply) => reply !== '');
  }

  /** What fish offers, with its description behind a tab. */
  async fishReplies(line: string): Promise<string[]> {
    const script = `source ${this.home}/muster.fish; complete -C $argv[1]`;
    const out = await this.run('fish', '--no-config', '-c', script, line);
    return out.split('\n').filter((reply) => reply !== '');
  }
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}
