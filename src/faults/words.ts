import type { NodeId } from '../core/map/types.js';
import { MusterError } from '../errors.js';
import { limits } from '../limits.js';
import { didYouMean, namesBeside } from '../text/nearest.js';
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
        throw usage(`"${rest.join(' ')}" is none of netsplit's words`);
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
        throw usage(`"${where}" is no failpoint: they are ${names.join(', ')}${didYouMean(where, names)}`);
      const [nodeFlag, node = '', actionFlag, action = ''] = rest;
      if (nodeFlag !== '--node' || actionFlag !== '--action') throw usage('arm needs --node and --action');
      if (!armActions.includes(action as ArmAction))
        throw usage(`"${action}" is no action: it is ${armActions.join(', ')}`);
      return { kind, failpoint: where as Failpoint, node: known(node, nodes), action: action as ArmAction };
    }
    default:
      throw usage(`"${kind}" is no fault: it is netsplit, delay, drop or arm`);
  }
}

const usage = (message: string): MusterError => new MusterError('usage', message);

function known(id: string, nodes: readonly NodeId[]): NodeId {
  if (nodes.includes(id)) return id;
  throw new MusterError('unknown-node', `there is no node "${id}"; there are ${namesBeside(id, nodes)}`, {
    details: { node: id },
  });
}

/** `n1,n2/n3`: groups of nodes. */
function parseGroups(text: string, nodes: readonly NodeId[]): NodeId[][] {
  const groups = text.split('/').map((group) => group.split(',').map((id) => id.trim()));
  if (groups.flat().includes('')) {
    throw usage(`"${text}" is no netsplit: write the groups like n1,n2/n3,n4,n5`);
  }
  const seen = new Set<NodeId>();
  for (const id of groups.flat()) {
    if (seen.has(known(id, nodes))) throw usage(`${id} is named twice: a node is in one group`);
    seen.add(id);
  }
  if (groups.length < 2) {
    throw usage(`"${text}" is one group, and a netsplit has two or more: write them like n1,n2/n3,n4,n5`);
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
    throw usage(`"${text}" is no link: write a node like n1, or two like n1-n2`);
  }
  if (another !== undefined)
    throw usage(`"${text}" can be read as ${pair.join(' and ')}, or ${another.join(' and ')}`);
  if (pair[0] === pair[1]) throw usage(`"${text}" is no link: a node has none to itself`);
  return pair;
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/** `50ms`, or `50ms±20ms`; `+-` is easier to type than `±`. */
function parseDelay(text: string): { delayMs: number; jitterMs: number } {
  const found = /^(\S+?)(?:\s*(?:±|\+-)\s*(\S+))?$/.exec(text.trim());
  const delayMs = milliseconds(found?.[1]);
  const jitterMs = found?.[2] === undefined ? 0 : milliseconds(found[2]);
  if (Number.isNaN(delayMs) || Number.isNaN(jitterMs)) {
    throw usage(`"${text}" is no delay: write it like 50ms, 1.5s or 50ms±20ms`);
  }
  if (delayMs < 0 || jitterMs < 0 || delayMs > limits.faultDelayMs) {
    throw usage(`a delay is from 0 to ${limits.faultDelayMs / 60_000}m, not ${text}`);
  }
  if (jitterMs > delayMs) {
    throw usage(
      `${text} could be less than nothing: what comes after the ± is at most what stands before it`,
    );
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
  if (found === null) throw usage(`"${text}" is no share of the messages: write it like 5% or 0.5%`);
  const percent = Number(found[1]);
  if (!(percent >= 0 && percent <= 100)) throw usage(`a share is from 0% to 100%, not ${text}`);
  return percent / 100;
}
