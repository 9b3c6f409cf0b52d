/** Renders docs/COMMANDS.md from the command classes, as `--help` shows them. `npm run docs` writes it. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BaseCommand } from '../src/cli/base-command.js';

const folder = fileURLToPath(new URL('../commands', import.meta.url));

interface CommandClass {
  readonly summary?: string;
  readonly description?: string;
  readonly hidden?: boolean;
  readonly strict?: boolean;
  readonly examples?: readonly Example[];
  readonly args?: Readonly<Record<string, { description?: string; required?: boolean }>>;
  readonly flags?: Readonly<Record<string, Flag>>;
}

type Example = string | { readonly description?: string; readonly command: string };

interface Flag {
  readonly char?: string;
  readonly description?: string;
  readonly summary?: string;
  readonly helpValue?: string | readonly string[];
  readonly options?: readonly string[];
  readonly type?: string;
  readonly required?: boolean;
  readonly hidden?: boolean;
  readonly multiple?: boolean;
  readonly default?: unknown;
  /** The default as help shows it. */
  readonly defaultHelp?: unknown;
}

/** Every command's words, in order: `cluster start`, … */
export function commandNames(): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) =>
      file
        .slice(0, -3)
        .split(/[\\/]/)
        .filter((word) => word !== 'index')
        .join(' '),
    )
    .sort();
}

/** The whole text of docs/COMMANDS.md. */
export async function commandsMarkdown(): Promise<string> {
  const topics = JSON.parse(readFileSync(fileURLToPath(new URL('../package.json', import.meta.url)), 'utf8'))
    .oclif.topics as Record<string, { description: string }>;
  const parts: string[] = [];
  let topic = '';
  for (const name of orderOf(commandNames(), Object.keys(topics))) {
    const command = await load(name);
    if (command.hidden) continue;
    const of = name.includes(' ') ? (name.split(' ')[0] as string) : '';
    if (of !== topic && of !== '') parts.push(`## ${of}`, topics[of]?.description ?? '');
    topic = of;
    parts.push(await section(name, command));
  }
  return `${[
    '# Commands',
    '<!-- Made by scripts/gen-commands.ts from commands/: change it there. -->',
    'Data goes to stdout, everything else to stderr. `--json` prints exactly one JSON value, also for an error. [ERRORS.md](ERRORS.md) lists the exit codes.',
    '## Flags of every command',
    [
      ...(await flagLines(BaseCommand.baseFlags as Readonly<Record<string, Flag>>)),
      '- `--json`: print one JSON value on stdout',
    ].join('\n'),
    ...parts.filter((part) => part !== ''),
  ].join('\n\n')}\n`;
}

/** Commands without a topic first, then the topics in the order of the help. */
function orderOf(names: readonly string[], topics: readonly string[]): string[] {
  const rank = (name: string): number => {
    if (!name.includes(' ')) return -1;
    const at = topics.indexOf(name.split(' ')[0] as string);
    return at < 0 ? topics.length : at;
  };
  return [...names].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

async function load(name: string): Promise<CommandClass> {
  const file = `${folder}/${name.replaceAll(' ', '/')}.ts`;
  const module = (await import(pathToFileURL(file).href)) as { default: CommandClass };
  return module.default;
}

async function section(name: string, command: CommandClass): Promise<string> {
  const { summary = '', description = '', args = {}, flags = {}, examples = [] } = command;
  const words = Object.entries(args).map(([arg, { required }]) =>
    required ? arg.toUpperCase() : `[${arg.toUpperCase()}]`,
  );
  const more = command.strict === false ? '…' : '';
  const argLines = Object.entries(args).map(
    ([arg, { description: text = '' }]) => `- \`${arg.toUpperCase()}\`: ${plain(text)}`,
  );
  const lines = [...argLines, ...(await flagLines(flags))];
  return [
    `### \`muster ${[name, ...words].join(' ')}${more}\``,
    [sentence(plain(summary)), fenced(plain(description))].filter((text) => text !== '').join('\n\n'),
    lines.join('\n'),
    examples.length === 0 ? '' : `\`\`\`sh\n${examples.map(exampleLine).join('\n')}\n\`\`\``,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

const exampleLine = (example: Example): string =>
  plain(
    typeof example === 'string'
      ? example
      : `${example.command}${example.description ? `   # ${example.description}` : ''}`,
  );

function flagLines(flags: Readonly<Record<string, Flag>>): Promise<string[]> {
  const shown = Object.entries(flags).filter(([, { hidden }]) => hidden !== true);
  return Promise.all(
    shown.map(async ([name, flag]) => {
      const value = flag.type === 'boolean' ? '' : ` ${placeholder(name, flag)}`;
      const short = flag.char ? `-${flag.char}, ` : '';
      const byDefault = await defaultOf(flag);
      const note = flag.required ? ' (required)' : byDefault === '' ? '' : ` (default: ${byDefault})`;
      return `- \`${short}--${name}${value}\`: ${plain(flag.summary ?? flag.description ?? '')}${note}`;
    }),
  );
}

/** The default of a flag as help shows it; '' for none. */
async function defaultOf(flag: Flag): Promise<string> {
  const { defaultHelp, type } = flag;
  if (type === 'boolean') return '';
  const shown: unknown =
    typeof defaultHelp === 'function' ? await defaultHelp({ options: flag, flags: {} }) : flag.default;
  return shown === undefined ? '' : String(shown);
}

function placeholder(name: string, { helpValue, options }: Flag): string {
  if (options !== undefined) return options.join('|');
  if (helpValue !== undefined) return typeof helpValue === 'string' ? helpValue : helpValue.join(' ');
  return name.toUpperCase();
}

/** Indented lines become a code block. */
const fenced = (text: string): string =>
  text.replace(/\n*(?:\n {2,}.*)+/g, (lines) => {
    const code = lines.replace(/^\n+/, '\n').replace(/\n {2}/g, '\n');
    return `\n\n\`\`\`text${code}\n\`\`\``;
  });

/** A summary has no full stop in the help. */
const sentence = (text: string): string => (text === '' || /[.!?:]$/.test(text) ? text : `${text}.`);

const plain = (text: string): string => text.replaceAll('<%= config.bin %>', 'muster').trim();
