import type { NodeRow } from '../../cluster/observe/status.js';
import { strategyNames } from '../../router/balancers/index.js';
import type { ValueKind } from '../completion/value-kind.js';
import type { Question, Suggestion } from '../prompts/ask.js';
import type { Situation } from './situation.js';

/** A question that an action asks. */
export interface ActionQuestion extends Question {
  readonly name: string;
  /** What kind of value is asked for; its values are suggested. */
  readonly kind?: ValueKind;
  /** The nodes to offer, when a node is asked for. */
  readonly nodes?: (node: NodeRow) => boolean;
}

export type Answers = Readonly<Record<string, string>>;

/** An action in the menu. */
export interface Action {
  readonly group: string;
  readonly name: string;
  readonly about: string;
  readonly questions: readonly ActionQuestion[];
  /** The words of the command that does it. */
  readonly words: (answers: Answers, now: View) => readonly string[];
  /** The confirmation to ask for, because the action is disruptive. */
  readonly danger?: (answers: Answers) => string;
  /** Does the action apply now? */
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
  check: (text) => (/^-?\d+$/.test(text) ? null : 'expected a whole number'),
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
    about: 'increment a counter, exactly once',
    questions: [of('counter', 'name', 'Which counter?'), number('by', 'How much to add?', '1')],
    words: ({ name = '', by = '1' }) => ['counter', 'incr', name, ...(by === '1' ? [] : ['--by', by])],
    when: running,
  },
  {
    group: 'Data',
    name: 'Read a counter',
    about: 'print its current value',
    questions: [of('counter', 'name', 'Which counter?')],
    words: ({ name = '' }) => ['counter', 'get', name],
    when: running,
  },
  {
    group: 'Data',
    name: 'Store a value',
    about: 'store a value under a key, replicated before it is acknowledged',
    questions: [of('key', 'key', 'Which key?'), text('value', 'Which value?')],
    words: ({ key = '', value = '' }) => ['kv', 'put', key, value],
    when: running,
  },
  {
    group: 'Data',
    name: 'Read a value',
    about: 'print the value of a key',
    questions: [of('key', 'key', 'Which key?')],
    words: ({ key = '' }) => ['kv', 'get', key],
    when: running,
  },
  {
    group: 'Data',
    name: 'Delete a value',
    about: 'remove a key and its value',
    questions: [of('key', 'key', 'Which key?')],
    words: ({ key = '' }) => ['kv', 'delete', key],
    danger: ({ key }) => `Delete ${key}?`,
    when: running,
  },
  {
    group: 'Data',
    name: 'List values',
    about: 'list keys with their values',
    questions: [],
    words: () => ['kv', 'list', '--limit', '20'],
    when: running,
  },
  {
    group: 'Data',
    name: 'List counters',
    about: 'list counters with their values',
    questions: [],
    words: () => ['counter', 'list', '--limit', '20'],
    when: running,
  },
  {
    group: 'Nodes',
    name: 'Kill a node',
    about: 'SIGKILL, as in a power loss',
    questions: [node('Which node?', (row) => !isDown(row))],
    words: ({ node = '' }) => ['node', 'kill', node],
    danger: ({ node }) => `Kill ${node}?`,
    when: some((row) => !isDown(row)),
  },
  {
    group: 'Nodes',
    name: 'Kill the primary of a key',
    about: 'kill the node that is its primary now',
    questions: [of('name', 'key', 'Which key?')],
    words: ({ key = '' }) => ['node', 'kill', '--role', 'primary', '--of', key],
    danger: ({ key }) => `Kill the primary of ${key}?`,
    when: running,
  },
  {
    group: 'Nodes',
    name: 'Start a node',
    about: 'restart it with its data; it then catches up',
    questions: [node('Which node?', isDown)],
    words: ({ node = '' }) => ['node', 'start', node],
    when: (now) => now.running && now.nodes.some(isDown),
  },
  {
    group: 'Nodes',
    name: 'Pause a node',
    about: 'SIGSTOP: the process stays alive but does not answer',
    questions: [node('Which node?', isUp)],
    words: ({ node = '' }) => ['node', 'pause', node],
    when: some(isUp),
  },
  {
    group: 'Nodes',
    name: 'Resume a node',
    about: 'SIGCONT: continue a paused node',
    questions: [node('Which node?', isPaused)],
    words: ({ node = '' }) => ['node', 'resume', node],
    when: some(isPaused),
  },
  {
    group: 'Nodes',
    name: 'Restart a node',
    about: 'stop a node gracefully, then start it',
    questions: [node('Which node?', isUp)],
    words: ({ node = '' }) => ['node', 'restart', node],
    danger: ({ node }) => `Restart ${node}?`,
    when: some(isUp),
  },
  {
    group: 'Nodes',
    name: 'Inspect a node',
    about: 'show what it reports about itself and its partitions',
    questions: [node('Which node?', isUp)],
    words: ({ node = '' }) => ['node', 'inspect', node],
    when: some(isUp),
  },
  {
    group: 'Ring',
    name: 'Show the ring',
    about: 'show which node owns each part of the key space',
    questions: [],
    words: () => ['ring', 'show'],
    when: running,
  },
  {
    group: 'Ring',
    name: 'Locate a key',
    about: 'show its partition, primary and backups',
    questions: [of('name', 'key', 'Which key?')],
    words: ({ key = '' }) => ['ring', 'locate', key],
    when: running,
  },
  {
    group: 'Ring',
    name: 'Plan a new node',
    about: 'show what adding a node would move, without changing anything',
    questions: [],
    words: (_answers, now) => ['ring', 'plan', '--add', nextNode(now)],
    when: running,
  },
  {
    group: 'Requests',
    name: 'Route requests',
    about: 'send requests to a service, spread over the nodes',
    questions: [
      { ...of('method', 'method', 'Which method?'), byDefault: 'demo.echo' },
      {
        name: 'strategy',
        message: 'Which strategy?',
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
    about: 'measure them with one node four times slower than the others',
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
    about: 'list services and their methods',
    questions: [],
    words: () => ['service', 'list'],
    when: running,
  },
  {
    group: 'Transactions',
    name: 'Run a transaction',
    about: 'write several keys, all or nothing',
    questions: [text('statements', 'Which statements?', 'decr alice 5; incr bob 5')],
    words: ({ statements = '' }) => ['tx', 'run', '--command', statements, '--trace'],
    when: running,
  },
  {
    group: 'Transactions',
    name: 'List transactions in doubt',
    about: 'prepared transactions that wait for a decision',
    questions: [],
    words: () => ['tx', 'list', '--in-doubt'],
    when: (now) => now.running && now.inDoubt > 0,
  },
  {
    group: 'Transactions',
    name: 'Abort a transaction',
    about: 'abort a transaction that has no decision yet',
    questions: [of('tx', 'id', 'Which transaction?')],
    words: ({ id = '' }) => ['tx', 'resolve', id, '--abort'],
    danger: ({ id }) => `Abort ${id}?`,
    when: (now) => now.running && now.inDoubt > 0,
  },
  {
    group: 'Locks',
    name: 'List locks',
    about: 'list locks with their holders and waiting clients',
    questions: [],
    words: () => ['lock', 'list'],
    when: running,
  },
  {
    group: 'Locks',
    name: 'Acquire a lock',
    about: 'hold a lock for a limited time and get its fencing token',
    questions: [of('lock', 'name', 'Which lock?'), text('ttl', 'For how long?', '30s')],
    words: ({ name = '', ttl = '' }) => ['lock', 'acquire', name, '--ttl', ttl],
    when: running,
  },
  {
    group: 'Faults',
    name: 'Cut the network',
    about: 'netsplit: nodes in different groups cannot reach each other',
    questions: [text('sides', 'Which groups, such as n1,n2/n3?')],
    words: ({ sides = '' }) => ['fault', 'netsplit', sides],
    danger: ({ sides }) => `Cut the network between ${sides}?`,
    when: (now) => now.running && now.nodes.length > 1,
  },
  {
    group: 'Faults',
    name: 'Delay the network of a node',
    about: 'delay every message to and from a node',
    questions: [node('Which node?', isUp), text('delay', 'Delay of each message?', '50ms')],
    words: ({ node = '', delay = '' }) => ['fault', 'delay', node, delay],
    when: (now) => now.running && now.nodes.length > 1,
  },
  {
    group: 'Faults',
    name: 'Heal all faults',
    about: 'remove every fault',
    questions: [],
    words: () => ['fault', 'heal'],
    when: ({ faults }) => faults > 0,
  },
  {
    group: 'Cluster',
    name: 'Status',
    about: 'show nodes, their state and the health of partitions',
    questions: [],
    words: () => ['cluster', 'status'],
    when: () => true,
  },
  {
    group: 'Cluster',
    name: 'Change the number of nodes',
    about: 'scale up or down without downtime',
    questions: [number('count', 'How many nodes?', '4')],
    words: ({ count = '' }) => ['cluster', 'scale', count],
    danger: ({ count }) => `Scale to ${count} nodes?`,
    when: running,
  },
  {
    group: 'Cluster',
    name: 'Read the logs',
    about: 'print the last log lines of every node',
    questions: [],
    words: () => ['cluster', 'logs', '--lines', '5'],
    when: () => true,
  },
  {
    group: 'Cluster',
    name: 'Start the cluster',
    about: 'start all nodes with their data',
    questions: [],
    words: () => ['cluster', 'start'],
    when: (now) => !now.running,
  },
  {
    group: 'Cluster',
    name: 'Stop the cluster',
    about: 'stop all nodes and keep their data',
    questions: [],
    words: () => ['cluster', 'stop'],
    danger: () => 'Stop all nodes?',
    when: running,
  },
  {
    group: 'Cluster',
    name: 'Destroy the cluster',
    about: 'stop the cluster and delete all its data',
    questions: [],
    words: () => ['cluster', 'destroy', '--yes'],
    danger: () => 'Delete the cluster and all its data?',
    when: () => true,
  },
  {
    group: 'More',
    name: 'Watch',
    about: 'watch the cluster live, full screen',
    questions: [],
    words: () => ['watch'],
    when: running,
  },
  {
    group: 'More',
    name: 'Dashboard',
    about: 'watch the cluster in a browser; Ctrl-C stops the server',
    questions: [],
    words: () => ['dashboard'],
    when: running,
  },
  {
    group: 'More',
    name: 'Open a shell',
    about: 'type commands line by line',
    questions: [],
    words: () => ['shell'],
    when: () => true,
  },
];

/** The name that the next node would get. */
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

/** The actions that apply to a cluster in its current state. */
export function actionsFor(situation: Situation): Action[] {
  const view = viewOf(situation);
  return everything.filter(({ when }) => when(view));
}

/** The command line of an action. */
export const wordsOf = (action: Action, answers: Answers, situation: Situation): readonly string[] =>
  action.words(answers, viewOf(situation));

/** The nodes to offer for an action, with their state. */
export const nodeSuggestions = ({ status }: Situation, nodes: (node: NodeRow) => boolean): Suggestion[] =>
  (status?.nodes ?? []).filter(nodes).map((row) => ({
    value: row.id,
    description: `${row.state}, primary of ${row.primaries}, backup of ${row.backups}`,
  }));
