import type { NodeId } from '../core/map/types.js';
import type { TxStep } from '../core/messages.js';
import { invalid, MusterError } from '../errors.js';
import { limits } from '../limits.js';
import { either } from '../text/nearest.js';

/**
 * What is wrong with a cluster on purpose, as one value. Nodes interpret it on their real connections
 * (`transport.ts`); anything else that has links between nodes can ask `linkOf` the same questions. Pure.
 */
export interface FaultPlan {
  readonly format: 1;
  /** Rises with every change; 0: there never was a fault. */
  readonly revision: number;
  readonly faults: readonly Fault[];
}

/** One fault, under the name that `muster fault heal` takes; an id is never used again. */
export type Fault = { readonly id: string } & FaultSpec;

export type FaultSpec = NetsplitSpec | DelaySpec | DropSpec | ArmSpec;

/** At the next transaction that comes to this step on the node, once: the node dies, stops, or loses what it was about to send. */
export interface ArmSpec {
  readonly kind: 'arm';
  readonly failpoint: Failpoint;
  readonly node: NodeId;
  readonly action: ArmAction;
}

export const armActions = ['crash', 'pause', 'drop'] as const;
export type ArmAction = (typeof armActions)[number];

/** The steps of two-phase commit by the names that people use; `after`: what the step sends has left. */
export const failpoints = {
  '2pc.after-prepare': 'prepares-sent',
  '2pc.after-vote': 'voted',
  '2pc.before-decide': 'votes-in',
  '2pc.after-answer': 'answered',
  '2pc.deciding': 'deciding',
  '2pc.after-decide': 'decided',
  '2pc.after-finish': 'finishes-sent',
} as const satisfies Record<string, TxStep>;
export type Failpoint = keyof typeof failpoints;

/** The faults armed on a node for a step, those that have struck left out. */
export const armedAt = (
  plan: FaultPlan,
  node: NodeId,
  step: TxStep,
  struck: ReadonlySet<string>,
): (Fault & ArmSpec) | undefined =>
  plan.faults.find(
    (fault): fault is Fault & ArmSpec =>
      fault.kind === 'arm' &&
      fault.node === node &&
      failpoints[fault.failpoint] === step &&
      !struck.has(fault.id),
  );

/** Nodes of different groups do not hear each other; a node that is in no group hears and is heard by everybody. */
export interface NetsplitSpec {
  readonly kind: 'netsplit';
  /** Two or more, none empty, no node in two. */
  readonly groups: readonly (readonly NodeId[])[];
  /** Only what the first group sends to the others is lost. */
  readonly oneWay: boolean;
}

/** Messages arrive `delayMs` ± up to `jitterMs` later, in the order in which they were sent. */
export interface DelaySpec {
  readonly kind: 'delay';
  readonly links: Links;
  readonly delayMs: number;
  /** At most `delayMs`: nothing arrives before it was sent. */
  readonly jitterMs: number;
}

/** Messages are lost, each by itself. */
export interface DropSpec {
  readonly kind: 'drop';
  readonly links: Links;
  /** From 0 to 1. */
  readonly probability: number;
}

/** Both directions of every link of one node, or of the link between two. */
export type Links = readonly [NodeId] | readonly [NodeId, NodeId];

/** What happens to messages from one node to another. */
export interface Link {
  /** Nothing passes. */
  readonly cut: boolean;
  readonly delayMs: number;
  readonly jitterMs: number;
  /** The probability of a message to be lost, from 0 to 1. */
  readonly drop: number;
}

export const soundLink: Link = { cut: false, delayMs: 0, jitterMs: 0, drop: 0 };
export const noFaults: FaultPlan = { format: 1, revision: 0, faults: [] };

/** What the faults together do to a link: one cut is enough, delays add up, and each drop takes its share of what the others left. */
export function linkOf(plan: FaultPlan, from: NodeId, to: NodeId): Link {
  if (plan.faults.length === 0 || from === to) return soundLink;
  let link = soundLink;
  for (const fault of plan.faults) link = worsen(link, fault, from, to);
  return link;
}

function worsen(link: Link, fault: Fault, from: NodeId, to: NodeId): Link {
  switch (fault.kind) {
    case 'netsplit':
      return splits(fault, from, to) ? { ...link, cut: true } : link;
    case 'arm':
      return link;
    case 'delay': {
      if (!isOn(fault.links, from, to)) return link;
      const { delayMs, jitterMs } = fault;
      return { ...link, delayMs: link.delayMs + delayMs, jitterMs: link.jitterMs + jitterMs };
    }
    case 'drop':
      if (!isOn(fault.links, from, to)) return link;
      return { ...link, drop: link.drop + (1 - link.drop) * fault.probability };
  }
}

function splits({ groups, oneWay }: NetsplitSpec, from: NodeId, to: NodeId): boolean {
  const source = groups.findIndex((group) => group.includes(from));
  const target = groups.findIndex((group) => group.includes(to));
  if (source < 0 || target < 0 || source === target) return false;
  return !oneWay || source === 0;
}

function isOn([a, b]: Links, from: NodeId, to: NodeId): boolean {
  return b === undefined ? from === a || to === a : (from === a && to === b) || (from === b && to === a);
}

/** The plan with one more fault, which is the last of its `faults`. Throws `usage` when there are too many. */
export function withFault(plan: FaultPlan, spec: FaultSpec): FaultPlan {
  if (plan.faults.length >= limits.faults) {
    throw new MusterError(
      'usage',
      `too many faults: at most ${limits.faults} can be active, heal some first`,
    );
  }
  const revision = plan.revision + 1;
  return { format: 1, revision, faults: [...plan.faults, { ...spec, id: `f${revision}` }] };
}

/** The plan without these faults, or without any. Throws `usage` when it has no fault of that name. */
export function withoutFaults(plan: FaultPlan, ids: readonly string[] | 'all'): FaultPlan {
  const known = plan.faults.map(({ id }) => id);
  const unknown = ids === 'all' ? undefined : ids.find((id) => !known.includes(id));
  if (unknown !== undefined) {
    const expected = known.length === 0 ? 'an active fault, there are none' : either(known);
    throw invalid('fault', unknown, expected);
  }
  const faults = ids === 'all' ? [] : plan.faults.filter(({ id }) => !ids.includes(id));
  return { format: 1, revision: plan.revision + 1, faults };
}

/** In one line: the words that make this fault, as `parseFault` reads them. */
export function describeFault(fault: FaultSpec): string {
  switch (fault.kind) {
    case 'netsplit': {
      const groups = fault.groups.map((group) => group.join(',')).join('/');
      return `netsplit ${groups}${fault.oneWay ? ' --one-way' : ''}`;
    }
    case 'delay': {
      const jitter = fault.jitterMs === 0 ? '' : `±${fault.jitterMs}ms`;
      return `delay ${fault.links.join('-')} ${fault.delayMs}ms${jitter}`;
    }
    case 'arm':
      return `arm ${fault.failpoint} --node ${fault.node} --action ${fault.action}`;
    case 'drop':
      // Not all that a binary fraction has behind the point: 0.07 × 100 is 7.000000000000001.
      return `drop ${fault.links.join('-')} ${Number((fault.probability * 100).toPrecision(12))}%`;
  }
}

/** A fault as it is shown: with the words that make it. */
export type FaultRow = Fault & { readonly text: string };

export const faultRows = ({ faults }: FaultPlan): FaultRow[] =>
  faults.map((fault) => {
    const { id, ...spec } = fault;
    return { id, ...spec, text: describeFault(fault) };
  });
