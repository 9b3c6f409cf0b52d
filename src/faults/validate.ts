import { MusterError } from '../errors.js';
import { limits } from '../limits.js';
import {
  type ArmAction,
  armActions,
  type Failpoint,
  type Fault,
  type FaultPlan,
  type FaultSpec,
  failpoints,
  type Links,
} from './plan.js';

/** A fault plan from JSON. Throws `faults-corrupt`, naming the first field that is not as it must be. Pure. */
export function validatePlan(value: unknown): FaultPlan {
  const { format, revision, faults } = fieldsOf(value, 'the plan', ['format', 'revision', 'faults']);
  if (format !== 1) bad('format', '1');
  if (!Number.isSafeInteger(revision) || (revision as number) < 0) bad('revision', 'a whole number from 0');
  if (!Array.isArray(faults) || faults.length > limits.faults)
    bad('faults', `a list of at most ${limits.faults}`);
  const checked = faults.map((fault, i) => validateFault(fault, `faults[${i}]`));
  if (new Set(checked.map(({ id }) => id)).size < checked.length) bad('faults', 'a list without an id twice');
  return { format: 1, revision: revision as number, faults: checked };
}

function validateFault(value: unknown, where: string): Fault {
  const kind = (value as { kind?: unknown } | null)?.kind;
  if (kind !== 'netsplit' && kind !== 'delay' && kind !== 'drop' && kind !== 'arm')
    bad(`${where}.kind`, 'netsplit, delay, drop or arm');
  const fields = fieldsOf(value, where, ['id', 'kind', ...ownFields[kind]]);
  const { id } = fields;
  if (typeof id !== 'string' || !/^f[1-9]\d{0,15}$/.test(id)) bad(`${where}.id`, 'like f1');
  return { id, ...specs[kind](fields, where) };
}

const ownFields: {
  readonly [K in FaultSpec['kind']]: readonly Exclude<keyof Extract<FaultSpec, { kind: K }>, 'kind'>[];
} = {
  netsplit: ['groups', 'oneWay'],
  delay: ['links', 'delayMs', 'jitterMs'],
  drop: ['links', 'probability'],
  arm: ['failpoint', 'node', 'action'],
};

/** A kind of fault without its validator does not compile. */
const specs: {
  readonly [K in FaultSpec['kind']]: (fields: Fields, where: string) => Extract<FaultSpec, { kind: K }>;
} = {
  netsplit: ({ groups, oneWay }, where) => {
    if (typeof oneWay !== 'boolean') bad(`${where}.oneWay`, 'true or false');
    const sound =
      isList(groups) && groups.length >= 2 && groups.every((group) => isNodes(group) && group.length > 0);
    if (!sound) bad(`${where}.groups`, 'two or more lists of nodes');
    const nodes = groups.flat();
    if (new Set(nodes).size < nodes.length) bad(`${where}.groups`, 'without a node in two groups');
    return { kind: 'netsplit', groups: groups as string[][], oneWay };
  },
  delay: ({ links, delayMs, jitterMs }, where) => {
    if (!isWithin(delayMs, limits.faultDelayMs)) bad(`${where}.delayMs`, `from 0 to ${limits.faultDelayMs}`);
    if (!isWithin(jitterMs, delayMs)) bad(`${where}.jitterMs`, 'from 0 to delayMs');
    return { kind: 'delay', links: linksOf(links, where), delayMs, jitterMs };
  },
  drop: ({ links, probability }, where) => {
    if (!isWithin(probability, 1)) bad(`${where}.probability`, 'from 0 to 1');
    return { kind: 'drop', links: linksOf(links, where), probability };
  },
  arm: ({ failpoint, node, action }, where) => {
    if (typeof failpoint !== 'string' || !Object.hasOwn(failpoints, failpoint))
      bad(`${where}.failpoint`, Object.keys(failpoints).join(', '));
    if (!isNodes([node])) bad(`${where}.node`, 'a node');
    if (!armActions.includes(action as ArmAction)) bad(`${where}.action`, armActions.join(', '));
    return {
      kind: 'arm',
      failpoint: failpoint as Failpoint,
      node: node as string,
      action: action as ArmAction,
    };
  },
};

type Fields = Readonly<Record<string, unknown>>;

function bad(where: string, want: string): never {
  throw new MusterError('faults-corrupt', `${where} must be ${want}`);
}

/** An object's fields; those that are not known are refused, for they may be what a newer muster understands. */
function fieldsOf(value: unknown, where: string, known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || isList(value)) bad(where, 'an object');
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) bad(where, `without the field ${unknown.slice(0, 40)}`);
  return value as Fields;
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

/** As a node may be called: what is shown on terminals has no control characters. */
const name = /^[a-z0-9][a-z0-9._-]*$/i;

const isNodes = (value: unknown): value is readonly string[] =>
  isList(value) &&
  value.every((id) => typeof id === 'string' && id.length <= limits.nameLength && name.test(id));

const isWithin = (value: unknown, most: number): value is number =>
  typeof value === 'number' && value >= 0 && value <= most;

function linksOf(value: unknown, where: string): Links {
  const sound = isNodes(value) && (value.length === 1 || (value.length === 2 && value[0] !== value[1]));
  if (!sound) bad(`${where}.links`, 'one node, or two');
  return value as unknown as Links;
}
