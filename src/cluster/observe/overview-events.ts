import { type NodeId, nodeOf } from '../../core/map/types.js';
import { plural } from '../../text/format.js';
import type { Sample } from './overview.js';
import type { NodeRow } from './status.js';

export type EventKind =
  | 'up'
  | 'down'
  | 'paused'
  | 'silent'
  | 'member'
  | 'primary'
  | 'in-sync'
  | 'serving'
  | 'fault'
  | 'healed'
  | 'tx'
  /** An action of this program's user, or a change of the cluster as a whole: stopped, removed. */
  | 'action'
  | 'cluster'
  | 'problem';

/** Something that happened, in one line. */
export interface Event {
  /** Wall clock, ms since 1970. */
  readonly at: number;
  readonly kind: EventKind;
  readonly node?: NodeId;
  readonly text: string;
}

/** A transaction in doubt for this long, in ms, is worth telling: under load many are so for an instant. */
const IN_DOUBT_MS = 2000;

/** `silent`: a live process that does not answer. */
export const stateOf = (row: NodeRow): NodeRow['state'] | 'silent' =>
  row.state === 'up' && !row.reachable ? 'silent' : row.state;

type Told = Omit<Event, 'at'>;

function nodeChange(id: NodeId, was: NodeRow, is: NodeRow): Told | null {
  const [before, after] = [stateOf(was), stateOf(is)];
  const told = (kind: EventKind, text: string): Told => ({ kind, node: id, text: `${id} ${text}` });
  if (before === after)
    return after === 'up' && was.incarnation !== is.incarnation ? told('up', 'restarted') : null;
  switch (after) {
    case 'up':
      if (before === 'paused') return told('up', 'resumed');
      return told(
        'up',
        before === 'silent' && was.incarnation === is.incarnation ? 'is responding again' : 'is up',
      );
    case 'down': {
      const why = is.problem === null || is.problem === 'no process' ? '' : `: ${is.problem}`;
      return told('down', `is down${why}`);
    }
    case 'paused':
      return told('paused', 'is paused');
    case 'silent':
      if (before === 'down') return told('silent', 'started, not responding yet');
      return told('silent', `is not responding${is.problem === null ? '' : `: ${is.problem}`}`);
    default:
      return told('member', `is ${after}`);
  }
}

function nodeEvents(before: Sample, after: Sample): Told[] {
  const rows = new Map(before.status.nodes.map((row) => [row.id, row]));
  const events = after.status.nodes.flatMap((row): Told[] => {
    const was = rows.get(row.id);
    if (was === undefined) return [{ kind: 'member', node: row.id, text: `${row.id} joined` }];
    const event = nodeChange(row.id, was, row);
    return event === null ? [] : [event];
  });
  const now = new Set(after.status.nodes.map(({ id }) => id));
  for (const { id } of before.status.nodes)
    if (!now.has(id)) events.push({ kind: 'member', node: id, text: `${id} left` });
  return events;
}

const byName = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

/** One event for each node that lost primaries: a node that dies loses dozens together. */
function primaryEvents(before: Sample, after: Sample): Told[] {
  const lost = new Map<NodeId, { count: number; to: Set<NodeId> }>();
  after.map.partitions.forEach(({ primary }, p) => {
    const was = before.map.partitions[p]?.primary ?? '';
    if (was === '' || primary === '' || nodeOf(was) === nodeOf(primary)) return;
    const entry = lost.get(nodeOf(was)) ?? { count: 0, to: new Set() };
    entry.count++;
    entry.to.add(nodeOf(primary));
    lost.set(nodeOf(was), entry);
  });
  return [...lost]
    .sort(([a], [b]) => byName(a, b))
    .map(([node, { count, to }]) => ({
      kind: 'primary',
      node,
      text: `${node} lost ${plural(count, 'primary', 'primaries')} to ${[...to].sort(byName).join(', ')}`,
    }));
}

/** A replica that placement removed was moved; one that is in the target and not in sync fell behind. */
function inSyncEvents(before: Sample, after: Sample): Told[] {
  const changes = ['lost', 'handed', 'regained'] as const;
  const counts = new Map<NodeId, Record<(typeof changes)[number], number>>();
  const count = (node: NodeId, what: (typeof changes)[number]): void => {
    const entry = counts.get(node) ?? { lost: 0, handed: 0, regained: 0 };
    entry[what]++;
    counts.set(node, entry);
  };
  after.map.partitions.forEach(({ inSync, target }, p) => {
    const was = before.map.partitions[p]?.inSync;
    if (was === undefined || was === inSync) return;
    const [old, now] = [new Set(was.map(nodeOf)), new Set(inSync.map(nodeOf))];
    for (const node of old) if (!now.has(node)) count(node, target.includes(node) ? 'lost' : 'handed');
    for (const node of now) if (!old.has(node)) count(node, 'regained');
  });
  const words = {
    lost: (n: number) => `fell out of sync for ${plural(n, 'partition')}`,
    handed: (n: number) => `moved ${plural(n, 'replica')} to other nodes`,
    regained: (n: number) => `is in sync for ${plural(n, 'partition')}`,
  };
  return [...counts]
    .sort(([a], [b]) => byName(a, b))
    .flatMap(([node, entry]) =>
      changes
        .filter((what) => entry[what] > 0)
        .map((what): Told => ({ kind: 'in-sync', node, text: `${node} ${words[what](entry[what])}` })),
    );
}

function servingEvents(before: Sample, after: Sample): Told[] {
  const [was, is] = [before.status.partitions, after.status.partitions];
  if (was.serving === is.serving) return [];
  const missing = is.total - is.serving;
  if (missing === 0) return [{ kind: 'serving', text: `all ${is.total} partitions available again` }];
  if (is.serving > was.serving) return [];
  return [
    {
      kind: 'serving',
      text: `${missing} of ${plural(is.total, 'partition')} unavailable`,
    },
  ];
}

function faultEvents(before: Sample, after: Sample): Told[] {
  const ids = (sample: Sample) => new Set(sample.status.faults.map(({ id }) => id));
  const [was, is] = [ids(before), ids(after)];
  return [
    ...after.status.faults
      .filter(({ id }) => !was.has(id))
      .map(({ id, text }): Told => ({ kind: 'fault', text: `fault ${id}: ${text}` })),
    ...before.status.faults
      .filter(({ id }) => !is.has(id))
      .map(({ id, text }): Told => ({ kind: 'healed', text: `healed ${id}: ${text}` })),
  ];
}

const stuck = ({ inDoubtSince, clock }: Sample): string[] =>
  [...inDoubtSince].filter(([, since]) => clock - since >= IN_DOUBT_MS).map(([id]) => id);

function txEvents(before: Sample, after: Sample): Told[] {
  const [was, is] = [new Set(stuck(before)), new Set(stuck(after))];
  const where = (id: string): string => {
    const parts = after.transactions.filter((part) => part.id === id && part.state === 'in-doubt');
    return parts.map(({ partition }) => partition).join(', ');
  };
  return [
    ...[...is]
      .filter((id) => !was.has(id))
      .map((id): Told => ({ kind: 'tx', text: `transaction ${id} is in doubt in partition ${where(id)}` })),
    ...[...was]
      .filter((id) => !is.has(id))
      .map((id): Told => ({ kind: 'tx', text: `transaction ${id} is no longer in doubt` })),
  ];
}

/** What happened between two looks, in the order in which one explains the other. Pure. */
export function eventsBetween(before: Sample, after: Sample): Event[] {
  return [
    ...faultEvents(before, after),
    ...nodeEvents(before, after),
    ...servingEvents(before, after),
    ...primaryEvents(before, after),
    ...inSyncEvents(before, after),
    ...txEvents(before, after),
  ].map((event) => ({ at: after.at, ...event }));
}
