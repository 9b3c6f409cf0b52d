import type { NodeId } from '../core/map/types.js';
import { invalid, MusterError } from '../errors.js';
import { limits } from '../limits.js';
import { writeDuration } from '../text/duration.js';
import { didYouMean, either, namesBeside } from '../text/nearest.js';
import {
  type ArmAction,
  armActions,
  type Failpoint,
  type FaultSpec,
  failpoints,
  type Links,
} from './plan.js';

/**
 * A fault from the words of a command: `netsplit n1,n2/n3 [--one-way]`, `delay n1 50ms±20ms`, `drop n1-n2 5%`. `nodes` are
 * those there are. Throws `usage`, or `unknown-node`. Pure.
 */
export function parseFault(words: readonly string[], nodes: readonly NodeId[]): FaultSpec {
  const [kind = '', where = '', ...rest] = words;
  switch (kind) {
    case 'netsplit': {
      if (rest.some((word) => word !== '--one-way'))
        throw invalid('netsplit option', rest.join(' '), '--one-way');
      return { kind, groups: parseGroups(where, nodes), oneWay: rest.length > 0 };
    }
    case 'delay': {
      // The nodes first: of two mistakes the one that stands first is told.
      const links = parseLinks(where, nodes);
      return { kind, links, ...parseDelay(rest.join(' ')) };
    }
    case 'drop': {
      const links = parseLinks(where, nodes);
      return { kind, links, probability: parseShare(rest.join(' ')) };
    }
    case 'arm': {
      const names = Object.keys(failpoints);
      if (!Object.hasOwn(failpoints, where))
        throw invalid('failpoint', where, `${either(names)}${didYouMean(where, names)}`);
      const [nodeFlag, node = '', actionFlag, action = ''] = rest;
      if (nodeFlag !== '--node' || actionFlag !== '--action')
        throw invalid('arm options', rest.join(' '), '--node ID --action ACTION');
      if (!armActions.includes(action as ArmAction))
        throw invalid('failpoint action', action, either(armActions));
      return { kind, failpoint: where as Failpoint, node: known(node, nodes), action: action as ArmAction };
    }
    default:
      throw invalid('fault', kind, 'netsplit, delay, drop or arm');
  }
}

const groupsForm = 'groups of nodes such as n1,n2/n3,n4,n5';
const linkForm = 'a node such as n1, or two such as n1-n2';

function known(id: string, nodes: readonly NodeId[]): NodeId {
  if (nodes.includes(id)) return id;
  throw new MusterError('unknown-node', `unknown node "${id}": the nodes are ${namesBeside(id, nodes)}`, {
    details: { node: id },
  });
}

/** `n1,n2/n3`: groups of nodes. */
function parseGroups(text: string, nodes: readonly NodeId[]): NodeId[][] {
  const groups = text.split('/').map((group) => group.split(',').map((id) => id.trim()));
  if (groups.flat().includes('')) {
    throw invalid('netsplit', text, groupsForm);
  }
  const seen = new Set<NodeId>();
  for (const id of groups.flat()) {
    if (seen.has(known(id, nodes)))
      throw invalid('netsplit', text, `each node in one group, ${id} is listed twice`);
    seen.add(id);
  }
  if (groups.length < 2) {
    throw invalid('netsplit', text, `at least two ${groupsForm}`);
  }
  return groups;
}

/** `n1`, or `n1-n2`; a dash may also be part of a name. */
function parseLinks(text: string, nodes: readonly NodeId[]): Links {
  if (nodes.includes(text)) return [text];
  const pairs: Links[] = [];
  for (let at = text.indexOf('-'); at >= 0; at = text.indexOf('-', at + 1)) {
    const [a, b] = [text.slice(0, at), text.slice(at + 1)];
    if (nodes.includes(a) && nodes.includes(b)) pairs.push([a, b]);
  }
  const [pair, another] = pairs;
  if (pair === undefined) {
    const [first = '', second] = text.split('-');
    // Names what is wrong with the likeliest reading.
    known(first, nodes);
    known(second === undefined ? text : text.slice(first.length + 1), nodes);
    throw invalid('link', text, linkForm);
  }
  if (another !== undefined)
    throw invalid('link', text, `one pair of nodes, not both ${pair.join('–')} and ${another.join('–')}`);
  if (pair[0] === pair[1]) throw invalid('link', text, 'two different nodes');
  return pair;
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/** `50ms`, or `50ms±20ms`; `+-` is easier to type than `±`. */
function parseDelay(text: string): { delayMs: number; jitterMs: number } {
  const found = /^(\S+?)(?:\s*(?:±|\+-)\s*(\S+))?$/.exec(text.trim());
  const delayMs = milliseconds(found?.[1]);
  const jitterMs = found?.[2] === undefined ? 0 : milliseconds(found[2]);
  if (Number.isNaN(delayMs) || Number.isNaN(jitterMs)) {
    throw invalid('delay', text, 'a duration such as 50ms, 1.5s or 50ms±20ms');
  }
  if (delayMs < 0 || jitterMs < 0 || delayMs > limits.faultDelayMs) {
    throw invalid('delay', text, `a duration from 0 to ${writeDuration(limits.faultDelayMs)}`);
  }
  if (jitterMs > delayMs) {
    throw invalid('delay', text, 'a jitter (after ±) no larger than the delay');
  }
  return { delayMs, jitterMs };
}

/** In whole ms; NaN when it is none. */
function milliseconds(text: string | undefined): number {
  const found = /^(-?\d+(?:\.\d+)?)(ms|s|m)$/.exec(text ?? '');
  const ms = found === null ? Number.NaN : Number(found[1]) * (units[found[2]!] as number);
  // What is a little below nothing must not be rounded to it.
  return ms < 0 ? ms : Math.round(ms);
}

/** `5%`, as a number from 0 to 1. */
function parseShare(text: string): number {
  const found = /^(-?\d+(?:\.\d+)?)\s*%$/.exec(text.trim());
  if (found === null) throw invalid('drop rate', text, 'a percentage such as 5% or 0.5%');
  const percent = Number(found[1]);
  if (!(percent >= 0 && percent <= 100)) throw invalid('drop rate', text, 'a percentage from 0% to 100%');
  return percent / 100;
}
