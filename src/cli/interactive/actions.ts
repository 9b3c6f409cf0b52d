import type { NodeRow } from '../../cluster/observe/status.js';
import { strategyNames } from '../../router/balancers/index.js';
import type { ValueKind } from '../completion/value-kind.js';
import type { Question, Suggestion } from '../prompts/ask.js';
import type { Situation } from './live.js';

/** A question of an action, and what it is about. */
export interface ActionQuestion extends Question {
  readonly name: string;
  /** What kind of value is asked for; its values are suggested. */
  readonly kind?: ValueKind;
  /** Nodes that make sense, when a node is asked for. */
  readonly nodes?: (node: NodeRow) => boolean;
}

export type Answers = Readonly<Record<string, string>>;

/** Something that a person can do now. */
export interface Action {
  readonly group: string;
  readonly name: string;
  readonly about: string;
  readonly questions: readonly ActionQuestion[];
  /** The words of the command that does it. */
  readonly words: (answers: Answers, now: View) => readonly string[];
  /** Asked before it is done, for it destroys something. */
  readonly danger?: (answers: Answers) => string;
  /** Does it make sense now? */
  readonly when: (now: View) => boolean;
}

/** What actions depend on. */
interface View {
  readonly nodes: readonly NodeRow[];
  readonly running: boolean;
  readonly faults: number;
  readonly inDoubt: number;
}

const isUp = (node: NodeRow): boolean => node.pid !== null && node.state !== 'paused';
const isPaused = (node: NodeRow): boolean => node.state === 'paused';
const isDown = (node: NodeRow): boolean => node.pid === null;
const some =
  (test: (node: NodeRow) => boolean) =>
  ({ nodes }: View): boolean =>
    nodes.some(test);
const running = ({ running }: View): boolean => running;

const node = (message: string, nodes: (node: NodeRow) => boolean): ActionQuestion => ({
  name: 'node',
  message,
  kind: 'node',
  nodes,
  closed: true,
});
const number = (name: string, message: string, byDefault: string): ActionQuestion => ({
  name,
  message,
  byDefault,
  check: (text) => (/^-?\d+$/.test(text) ? null : 'a whole number is wanted'),
});
const text = (name: string, message: string, byDefault?: string): ActionQuestion => ({
  name,
  message,
  ...(byDefault === undefined ? {} : { byDefault }),
});
const of = (kind: ValueKind, name: string, message: string): ActionQuestion => ({ name, message, kind });
const strategies: readonly Suggestion[] = strategyNames.map((value) => ({ value, description: '' }));

const everything: readonly Action[] = [
  {
    group: 'Data',
    name: 'Count',
    about: 'adds to a counter, exactly once',
    questions: [of('counter', 'name', 'Which counter?'), number('by', 'By how much?', '1')],
    words: ({ name = '', by = '1' }) => ['counter', 'incr', name, ...(by === '1' ? [] : ['--by', by])],
    when: running,
  },
  {
    group: 'Data',
    name: 'Read a counter',
    about: 'its value now',
    questions: [of('counter', 'name', 'Which counter?')],
    words: ({ name = '' }) => ['counter', 'get', name],
    when: running,
  },
  {
    group: 'Data',
    name: 'Store a value',
    about: 'under a key, on several disks before it is acknowledged',
    questions: [of('key', 'key', 'Which key?'), text('value', 'Which value?')],
    words: ({ key = '', value = '' }) => ['kv', 'put', key, value],
    when: running,
  },
  {
    group: 'Data',
    name: 'Read a value',
    about: 'what a key holds',
    questions: [of('key', 'key', 'Which key?')],
    words: ({ key = '' }) => ['kv', 'get', key],
    when: running,
  },
  {
    group: 'Data',
    name: 'Delete a value',
    about: 'removes a key',
    questions: [of('key', 'key', 'Which key?')],
    words: ({ key = '' }) => ['kv', 'delete', key],
    danger: ({ key }) => `Delete ${key}?`,
    when: running,
  },
  {
    group: 'Data',
    name: 'List values',
    about: 'keys and what they hold',
    questions: [],
    words: () => ['kv', 'list', '--limit', '20'],
    when: running,
  },
  {
    group: 'Data',
    name: 'List counters',
    about: 'their names and values',
    questions: [],
    words: () => ['counter', 'list', '--limit', '20'],
    when: running,
  },
  {
    group: 'Nodes',
    name: 'Kill a node',
    about: 'as if its machine lost power',
    questions: [node('Which node?', (row) => !isDown(row))],
    words: ({ node = '' }) => ['node', 'kill', node],
    danger: ({ node }) => `Kill ${node}?`,
    when: some((row) => !isDown(row)),
  },
  {
    group: 'Nodes',
    name: 'Kill the primary of a key',
    about: 'whoever serves it now',
    questions: [of('name', 'key', 'Of which key?')],
    words: ({ key = '' }) => ['node', 'kill', '--role', 'primary', '--of', key],
    danger: ({ key }) => `Kill the node that serves ${key}?`,
    when: running,
  },
  {
    group: 'Nodes',
    name: 'Start a node',
    about: 'it comes back with its data and catches up',
    questions: [node('Which node?', isDown)],
    words: ({ node = '' }) => ['node', 'start', node],
    when: (now) => now.running && now.nodes.some(isDown),
  },
  {
    group: 'Nodes',
    name: 'Pause a node',
    about: 'it hangs: alive, and answering nobody',
    questions: [node('Which node?', isUp)],
    words: ({ node = '' }) => ['node', 'pause', node],
    when: some(isUp),
  },
  {
    group: 'Nodes',
    name: 'Resume a node',
    about: 'it goes on where it hung',
    questions: [node('Which node?', isPaused)],
    words: ({ node = '' }) => ['node', 'resume', node],
    when: some(isPaused),
  },
  {
    group: 'Nodes',
    name: 'Restart a node',
    about: 'stops it gracefully and starts it',
    questions: [node('Which node?', isUp)],
    words: ({ node = '' }) => ['node', 'restart', node],
    danger: ({ node }) => `Restart ${node}?`,
    when: some(isUp),
  },
  {
    group: 'Nodes',
    name: 'Inspect a node',
    about: 'what it knows of itself and its partitions',
    questions: [node('Which node?', isUp)],
    words: ({ node = '' }) => ['node', 'inspect', node],
    when: some(isUp),
  },
  {
    group: 'Ring',
    name: 'Show the ring',
    about: 'which node owns what',
    questions: [],
    words: () => ['ring', 'show'],
    when: running,
  },
  {
    group: 'Ring',
    name: 'Where is a key?',
    about: 'its partition, primary and backups',
    questions: [of('name', 'key', 'Which key?')],
    words: ({ key = '' }) => ['ring', 'locate', key],
    when: running,
  },
  {
    group: 'Ring',
    name: 'What would a new node move?',
    about: 'changes nothing',
    questions: [],
    words: (_answers, now) => ['ring', 'plan', '--add', nextNode(now)],
    when: running,
  },
  {
    group: 'Requests',
    name: 'Route requests',
    about: 'sends requests to a service, spread over the nodes',
    questions: [
      { ...of('method', 'method', 'To which method?'), byDefault: 'demo.echo' },
      {
        name: 'strategy',
        message: 'By which strategy?',
        suggest: () => strategies,
        byDefault: 'two-choices',
        closed: true,
      },
      number('count', 'How many requests?', '1000'),
    ],
    words: ({ method = '', strategy = '', count = '' }) => [
      'route',
      method,
      '--strategy',
      strategy,
      '--count',
      count,
    ],
    when: running,
  },
  {
    group: 'Requests',
    name: 'Compare strategies',
    about: 'when one node is four times slower than the others',
    questions: [node('Which node is slow?', isUp)],
    words: ({ node = '' }) => [
      'route',
      'demo.sleep',
      JSON.stringify({ ms: 5, slow: { [node]: 4 } }),
      '--count',
      '1000',
      '--compare',
      'random,round-robin,two-choices',
    ],
    when: some(isUp),
  },
  {
    group: 'Requests',
    name: 'List services',
    about: 'the handlers that the nodes run',
    questions: [],
    words: () => ['service', 'list'],
    when: running,
  },
  {
    group: 'Transactions',
    name: 'Run a transaction',
    about: 'all of it or nothing, over any keys',
    questions: [text('statements', 'Which statements?', 'decr alice 5; incr bob 5')],
    words: ({ statements = '' }) => ['tx', 'run', '--command', statements, '--trace'],
    when: running,
  },
  {
    group: 'Transactions',
    name: 'What is in doubt?',
    about: 'transactions that wait for their decision',
    questions: [],
    words: () => ['tx', 'list', '--in-doubt'],
    when: (now) => now.running && now.inDoubt > 0,
  },
  {
    group: 'Transactions',
    name: 'Abort a transaction',
    about: 'never overrides a decision',
    questions: [of('tx', 'id', 'Which transaction?')],
    words: ({ id = '' }) => ['tx', 'resolve', id, '--abort'],
    danger: ({ id }) => `Abort ${id}?`,
    when: (now) => now.running && now.inDoubt > 0,
  },
  {
    group: 'Locks',
    name: 'List locks',
    about: 'who holds them, and how many wait',
    questions: [],
    words: () => ['lock', 'list'],
    when: running,
  },
  {
    group: 'Locks',
    name: 'Acquire a lock',
    about: 'for as long as you say; its token protects what you write',
    questions: [of('lock', 'name', 'Which lock?'), text('ttl', 'For how long?', '30s')],
    words: ({ name = '', ttl = '' }) => ['lock', 'acquire', name, '--ttl', ttl],
    when: running,
  },
  {
    group: 'Faults',
    name: 'Cut the network',
    about: 'a netsplit: nodes of different sides hear nothing of one another',
    questions: [text('sides', 'Which sides? Like n1,n2/n3')],
    words: ({ sides = '' }) => ['fault', 'netsplit', sides],
    danger: ({ sides }) => `Cut the network ${sides}?`,
    when: (now) => now.running && now.nodes.length > 1,
  },
  {
    group: 'Faults',
    name: 'Slow a node’s network down',
    about: 'every message takes longer',
    questions: [node('Which node?', isUp), text('delay', 'By how much?', '50ms')],
    words: ({ node = '', delay = '' }) => ['fault', 'delay', node, delay],
    when: (now) => now.running && now.nodes.length > 1,
  },
  {
    group: 'Faults',
    name: 'Heal all faults',
    about: 'the network is whole again',
    questions: [],
    words: () => ['fault', 'heal'],
    when: ({ faults }) => faults > 0,
  },
  {
    group: 'Cluster',
    name: 'Status',
    about: 'members, who is up, how well the partitions are replicated',
    questions: [],
    words: () => ['cluster', 'status'],
    when: () => true,
  },
  {
    group: 'Cluster',
    name: 'Change the number of nodes',
    about: 'partitions move while the cluster serves',
    questions: [number('count', 'How many nodes?', '4')],
    words: ({ count = '' }) => ['cluster', 'scale', count],
    danger: ({ count }) => `Scale to ${count} nodes?`,
    when: running,
  },
  {
    group: 'Cluster',
    name: 'Read the logs',
    about: 'the last lines of every node',
    questions: [],
    words: () => ['cluster', 'logs', '--lines', '5'],
    when: () => true,
  },
  {
    group: 'Cluster',
    name: 'Start the cluster',
    about: 'it comes back with its data',
    questions: [],
    words: () => ['cluster', 'start'],
    when: (now) => !now.running,
  },
  {
    group: 'Cluster',
    name: 'Stop the cluster',
    about: 'its data stays',
    questions: [],
    words: () => ['cluster', 'stop'],
    danger: () => 'Stop all nodes?',
    when: running,
  },
  {
    group: 'Cluster',
    name: 'Destroy the cluster',
    about: 'stops it and removes all its data',
    questions: [],
    words: () => ['cluster', 'destroy', '--yes'],
    danger: () => 'Remove the cluster and all its data?',
    when: () => true,
  },
  {
    group: 'More',
    name: 'Watch',
    about: 'the cluster live, on the whole screen',
    questions: [],
    words: () => ['watch'],
    when: running,
  },
  {
    group: 'More',
    name: 'Dashboard',
    about: 'the same as a page for your browser; Ctrl-C ends it',
    questions: [],
    words: () => ['dashboard'],
    when: running,
  },
  {
    group: 'More',
    name: 'Type commands',
    about: 'the shell: the same commands, line by line',
    questions: [],
    words: () => ['shell'],
    when: () => true,
  },
];

/** The name that a node would get that joined now. */
const nextNode = ({ nodes }: View): string =>
  `n${1 + Math.max(0, ...nodes.map(({ id }) => Number(/^n(\d+)$/.exec(id)?.[1] ?? 0)))}`;

function viewOf({ status, inDoubt }: Situation): View {
  const nodes = status?.nodes ?? [];
  return {
    nodes,
    running: nodes.some((row) => !isDown(row)),
    faults: status?.faults.length ?? 0,
    inDoubt,
  };
}

/** What a person can do with a cluster as it is now. */
export function actionsFor(situation: Situation): Action[] {
  const view = viewOf(situation);
  return everything.filter(({ when }) => when(view));
}

/** The words of the command that an action comes to. */
export const wordsOf = (action: Action, answers: Answers, situation: Situation): readonly string[] =>
  action.words(answers, viewOf(situation));

/** What is said of a node where one is asked for. */
export const nodeSuggestions = ({ status }: Situation, nodes: (node: NodeRow) => boolean): Suggestion[] =>
  (status?.nodes ?? []).filter(nodes).map((row) => ({
    value: row.id,
    description: `${row.state}, primary of ${row.primaries}, backup of ${row.backups}`,
  }));
