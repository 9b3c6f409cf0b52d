import { listClusters } from '../../cluster/folder/registry.js';
import { MusterError } from '../../errors.js';
import { forLocale, type Paint } from '../../render/terminal.js';
import { commandLine } from '../../text/quote.js';
import type { ValueSource } from '../completion/value-source.js';
import type { SignalName } from '../io.js';
import { ask, askYes, type Question } from '../prompts/ask.js';
import { type MenuItem, pick } from '../prompts/menu.js';
import { Session } from '../session.js';
import type { ShellSetting } from '../shell/text.js';
import {
  type Action,
  type ActionQuestion,
  type Answers,
  actionsFor,
  nodeSuggestions,
  wordsOf,
} from './actions.js';
import { LiveCluster } from './live.js';

export interface InteractiveSetting extends ShellSetting {
  readonly paint: Paint;
  readonly unicode: boolean;
  readonly values: ValueSource;
  readonly takeSignals: (handler: (name: SignalName) => void) => void;
}

type Choice = { readonly kind: 'action'; readonly action: Action } | { readonly kind: 'switch' | 'quit' };
type ClusterChoice =
  | { readonly kind: 'cluster'; readonly name: string }
  | { readonly kind: 'new' | 'demo' | 'quit' };

/** Is it what a prompt ends with at Ctrl-C? */
const isExit = (error: unknown): boolean => (error as Error | null)?.name === 'ExitPromptError';

/** The interactive mode: menus for people who do not know the commands yet; each choice prints its command. */
export class Interactive {
  readonly #session: Session;
  #running: AbortController | null = null;
  #ended: number | null = null;

  constructor(readonly setting: InteractiveSetting) {
    this.#session = new Session(setting.program);
    setting.takeSignals((name) => this.#signal(name));
  }

  /** Runs until the person quits. Resolves to the exit code. */
  async run(): Promise<number> {
    const { streams, paint } = this.setting;
    this.#say(
      `${paint.bold('muster')} ${paint.dim('· Ctrl-C exits, Esc goes back; each choice prints its command.')}`,
    );
    try {
      let name = this.setting.cluster;
      while (this.#ended === null) {
        name ??= await this.#chooseCluster();
        if (name === null) break;
        name = await this.#inCluster(name);
      }
    } catch (error) {
      // Ctrl-C exits; any other error is a bug, or the terminal is gone.
      if (!isExit(error)) throw error;
      streams.stderr.write('\n');
    } finally {
      await this.#session.close();
    }
    return this.#ended ?? 0;
  }

  #signal(name: SignalName): void {
    if (name !== 'SIGINT') {
      this.#ended = name === 'SIGTERM' ? 143 : 129;
      this.#running?.abort();
      return;
    }
    if (this.#running?.signal.aborted) this.#session.interrupt();
    this.#running?.abort();
  }

  #say(text: string): void {
    this.setting.streams.stderr.write(`${forLocale(text, this.setting.unicode)}\n`);
  }

  /** null: the person quits. */
  async #chooseCluster(): Promise<string | null> {
    for (;;) {
      const clusters = listClusters();
      const items: MenuItem<ClusterChoice>[] = [
        ...clusters.map(
          ({ name, state, nodes, up }): MenuItem<ClusterChoice> => ({
            value: { kind: 'cluster', name },
            name,
            group: 'Clusters',
            about: `${state}, ${up} of ${nodes} nodes up`,
          }),
        ),
        {
          value: { kind: 'new' },
          name: 'Start a new cluster',
          group: 'Or',
          about: 'run node processes on this machine',
        },
        {
          value: { kind: 'demo' },
          name: 'Run the demo',
          group: 'Or',
          about: 'start five nodes, kill some under load, verify the result',
        },
        { value: { kind: 'quit' }, name: 'Quit', group: 'Or' },
      ];
      const choice = await this.#menu(clusters.length > 0 ? 'Which cluster?' : 'No clusters found.', items);
      if (choice === null || choice.kind === 'quit') return null;
      if (choice.kind === 'cluster') return choice.name;
      if (choice.kind === 'demo') await this.#command(['demo']);
      else {
        const name = await this.#newCluster();
        if (name !== null) return name;
      }
    }
  }

  async #newCluster(): Promise<string | null> {
    const taken = new Set(listClusters().map(({ name }) => name));
    const name = await this.#ask({
      message: 'Cluster name?',
      byDefault: taken.has('default') ? `cluster${taken.size + 1}` : 'default',
      check: (text) => (taken.has(text) ? 'a cluster with this name already exists' : null),
    });
    if (name === null) return null;
    const nodes = await this.#ask({
      message: 'How many nodes?',
      byDefault: '3',
      check: (text) => (/^[1-9]\d*$/.test(text) ? null : 'expected a whole number, 1 or more'),
    });
    if (nodes === null) return null;
    return (await this.#command(['cluster', 'start', name, '-n', nodes])) === 0 ? name : null;
  }

  /** The menu of one cluster, until the person switches (null) or quits. */
  async #inCluster(name: string): Promise<string | null> {
    const { paint, unicode } = this.setting;
    this.#session.cluster = name;
    const live = new LiveCluster(name, paint, unicode);
    try {
      while (this.#ended === null) {
        await live.look();
        if (listClusters().every((row) => row.name !== name)) return null;
        const items = (): MenuItem<Choice>[] => [
          ...actionsFor(live.now).map(
            (action): MenuItem<Choice> => ({ value: { kind: 'action', action }, ...action }),
          ),
          { value: { kind: 'switch' }, name: 'Switch cluster', group: 'More' },
          { value: { kind: 'quit' }, name: 'Quit', group: 'More', about: 'the cluster keeps running' },
        ];
        const choice = await this.#menu('What next?', items, live);
        if (choice === null) return null;
        if (choice.kind === 'quit') {
          this.#ended = 0;
          return null;
        }
        if (choice.kind === 'switch') return null;
        if (choice.kind === 'action') await this.#act(choice.action, live);
      }
      return null;
    } finally {
      await live.close();
    }
  }

  async #act(action: Action, live: LiveCluster): Promise<void> {
    const answers: Record<string, string> = {};
    for (const question of action.questions) {
      const answer = await this.#ask(this.#questionOf(question, live), live);
      if (answer === null) return;
      answers[question.name] = answer;
    }
    const words = wordsOf(action, answers as Answers, live.now);
    const question = action.danger?.(answers as Answers);
    if (question !== undefined && !(await askYes(question, this.#asking(live)))) return;
    await this.#command(words);
  }

  #questionOf(question: ActionQuestion, live: LiveCluster): Question {
    const { kind, nodes } = question;
    if (nodes !== undefined) return { ...question, suggest: () => nodeSuggestions(live.now, nodes) };
    if (kind === undefined) return question;
    const context = { cluster: live.cluster };
    return { ...question, suggest: (typed) => this.setting.values.values(kind, typed, context) };
  }

  #asking(live?: LiveCluster) {
    const { streams, paint, unicode } = this.setting;
    return { streams, paint, unicode, ...(live === undefined ? {} : { live }) };
  }

  #ask(question: Question, live?: LiveCluster): Promise<string | null> {
    return ask(question, this.#asking(live));
  }

  /** null: Escape. `items` may change while the menu is open. */
  async #menu<T>(
    message: string,
    items: readonly MenuItem<T>[] | (() => readonly MenuItem<T>[]),
    live?: LiveCluster,
  ): Promise<T | null> {
    const { streams, ...shown } = this.#asking(live);
    const suits = (typed: string) => {
      // At the beginning of a word: "start" is not meant to find "Restart".
      const wanted = ` ${typed.toLowerCase()}`;
      const all = typeof items === 'function' ? items() : items;
      return all.filter(({ name, about = '', group = '' }) =>
        ` ${name} ${about} ${group}`.toLowerCase().includes(wanted),
      );
    };
    const picked = await pick<T>({ message, items: suits, ...shown }, streams);
    return picked.kind === 'back' ? null : picked.value;
  }

  /** Prints a command as it would be typed, and runs it. */
  async #command(words: readonly string[]): Promise<number> {
    const { streams, paint } = this.setting;
    this.#say(
      `\n${paint.dim('$')} ${paint.bold(commandLine(['muster', ...words, ...this.#clusterWords(words)]))}`,
    );
    this.#running = new AbortController();
    const { code } = await this.#session.run(words, streams, this.#running.signal);
    this.#running = null;
    if (code !== 0) this.#say(paint.dim(`exit code ${code}`));
    return code;
  }

  /** The --cluster flag that a person outside this session would need, if there are several clusters. */
  #clusterWords(words: readonly string[]): string[] {
    const { cluster } = this.#session;
    if (cluster === null || cluster === 'default' || words.includes(cluster)) return [];
    return listClusters().length === 1 ? [] : ['--cluster', cluster];
  }
}

/** `muster` on a terminal. Resolves to the exit code. */
export async function runInteractive(setting: InteractiveSetting): Promise<number> {
  if (setting.cluster !== null && listClusters().every(({ name }) => name !== setting.cluster)) {
    throw new MusterError('unknown-cluster', `unknown cluster "${setting.cluster}"`, {
      details: { cluster: setting.cluster },
    });
  }
  return new Interactive(setting).run();
}
