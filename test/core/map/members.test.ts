import { describe, expect, test } from 'vitest';
import { Liveness, type Opinion } from '../../../src/core/liveness.js';
import { membersWanted, opinionOf } from '../../../src/core/map/caretaking.js';
import type { ClusterMap, Member, NodeId } from '../../../src/core/map/types.js';
import { replicaId } from '../../../src/core/map/types.js';
import { defaultTimings, limits } from '../../../src/limits.js';

const repairAfterMs = 10_000;

interface Known {
  readonly silentMs?: number;
  readonly heardMs?: number;
  /** What the node says, if it is heard. */
  readonly silent?: readonly NodeId[];
  readonly back?: readonly NodeId[];
}

/** What n1 knows of the others, as given. */
class Given extends Liveness {
  readonly #known: Readonly<Record<NodeId, Known>>;
  constructor(known: Readonly<Record<NodeId, Known>>) {
    super();
    this.#known = known;
  }
  override silentMs(node: NodeId): number {
    return this.#known[node]?.silentMs ?? 0;
  }
  override heardMs(node: NodeId): number {
    return this.#known[node]?.heardMs ?? 0;
  }
  override opinionFrom(node: NodeId): Opinion | null {
    const { silent, back } = this.#known[node] ?? {};
    return silent === undefined && back === undefined ? null : { silent: silent ?? [], back: back ?? [] };
  }
}

/** Members n1, n2, …, each active unless said otherwise; one partition, held by the first of them. */
function mapOf(
  count: number,
  change: Readonly<Record<NodeId, Partial<Member>>> = {},
  replicas = 1,
): ClusterMap {
  const ids = Array.from({ length: count }, (_, i) => `n${i + 1}`);
  const members = ids.map((id): Member => {
    const given = {
      id,
      store: `s${id}`,
      incarnation: 1,
      url: '',
      weight: 1,
      zone: '',
      state: 'active',
    } as const;
    return { ...given, ...change[id] };
  });
  const target = ids.slice(0, replicas);
  const inSync = target.map((id) => replicaId(id, `s${id}`));
  const config = {
    gen: 1,
    epoch: 1,
    primary: inSync[0] as string,
    inSync,
    target,
    placed: 1,
    handover: null,
  };
  return {
    format: 1,
    cluster: 'c',
    name: 'c',
    revision: 5,
    settings: {
      partitions: 1,
      replicas,
      minInSync: 1,
      durability: 'fsync',
      timings: defaultTimings,
      repairAfterMs,
    },
    members: Object.fromEntries(members.map((m) => [m.id, m])),
    partitions: [config],
    placement: null,
  };
}

const out = { state: 'out' } as const;
const joining = { state: 'joining' } as const;
const unstarted = { incarnation: 0 } as const;
const draining = { state: 'draining' } as const;

describe('the opinion of a node', () => {
  test.each<[what: string, member: Partial<Member>, known: Known, opinion: Partial<Opinion>]>([
    ['one that is active and heard', {}, { heardMs: 60_000 }, {}],
    ['one that is silent for less than repair-after', {}, { silentMs: repairAfterMs - 1 }, {}],
    ['one that is silent for as long', {}, { silentMs: repairAfterMs }, { silent: ['n2'] }],
    ['one that never started', unstarted, { silentMs: repairAfterMs }, {}],
    [
      'one that joins and never started',
      { ...joining, ...unstarted },
      { heardMs: limits.joinPatienceMs },
      {},
    ],
    ['one that is out and not heard for long', out, { heardMs: limits.returnAfterMs - 1 }, {}],
    ['one that is out and heard', out, { heardMs: limits.returnAfterMs }, { back: ['n2'] }],
    ['one that joins and is not heard for long', joining, { heardMs: limits.joinPatienceMs - 1 }, {}],
    ['one that joins and is heard', joining, { heardMs: limits.joinPatienceMs }, { back: ['n2'] }],
    ['one that is drained and heard', { state: 'draining' }, { heardMs: 60_000 }, {}],
    ['one that is out and silent', out, { silentMs: repairAfterMs }, { silent: ['n2'] }],
  ])('of %s', (_, member, known, opinion) => {
    const map = mapOf(2, { n2: member });
    expect(opinionOf(map, 'n1', new Given({ n2: known }))).toEqual({ silent: [], back: [], ...opinion });
  });

  test('is never of itself', () => {
    const known = new Given({ n1: { silentMs: repairAfterMs, heardMs: 60_000 } });
    expect(opinionOf(mapOf(1, { n1: out }), 'n1', known)).toEqual({ silent: [], back: [] });
  });
});

const heard: Known = { heardMs: 60_000 };
/** Heard, and thinks that n5 is silent. */
const against = { heardMs: 60_000, silent: ['n5'] };
const silent: Known = { silentMs: repairAfterMs };
/** By id, the state that n1 would give members; null: that one leaves. */
const wanted = (map: ClusterMap, known: Readonly<Record<NodeId, Known>>, many?: boolean): unknown => {
  const change = membersWanted(map, 'n1', new Given(known), 'id', many);
  return change && Object.fromEntries([...change.members].map(([id, member]) => [id, member?.state ?? null]));
};

describe('members are judged', () => {
  const five = mapOf(5);

  test.each<[what: string, known: Readonly<Record<NodeId, Known>>, changes: boolean]>([
    ['by two of the four others: not', { n2: against, n3: heard, n4: heard, n5: silent }, false],
    ['by three of the four others', { n2: against, n3: against, n4: heard, n5: silent }, true],
    ['by all others', { n2: against, n3: against, n4: against, n5: silent }, true],
    ['by itself and not by this node', { n2: against, n3: against, n4: against, n5: heard }, false],
    ['with one that is silent', { n2: against, n3: against, n4: silent, n5: silent }, true],
  ])('%s', (_, known, changes) => {
    expect(wanted(five, known)).toEqual(changes ? { n5: 'out' } : null);
  });

  test('only by a node that hears more than half of those that vote', () => {
    const known = { n2: against, n5: silent };
    // n1 and n2: half of four; more than half of the three that have started and do not only join.
    expect(wanted(mapOf(4), { n2: { ...heard, silent: ['n4'] }, n3: silent, n4: silent })).toBeNull();
    for (const change of [unstarted, joining])
      expect(wanted(mapOf(5, { n3: change, n4: change }), known)).toEqual({ n5: 'out' });
    expect(wanted(mapOf(5, { n3: draining }, 3), known)).toBeNull();
  });

  test('by those that have started and hold or held a share, and not by the one that is judged', () => {
    const back = { heardMs: 60_000, back: ['n4'] };
    // Three vote: n2 and n1 are two of the two others.
    expect(wanted(mapOf(4, { n4: out, n3: joining }), { n2: back, n3: heard, n4: heard })).toEqual({
      n4: 'active',
    });
    // n1 alone is half of the two others.
    expect(wanted(mapOf(3, { n3: out }), { n2: heard, n3: { heardMs: 60_000, back: ['n3'] } })).toBeNull();
    // One that says so of another list, or of another node, does not agree.
    for (const said of [{ silent: ['n3'] }, { back: ['n1'] }])
      expect(wanted(mapOf(3, { n3: out }), { n2: { ...heard, ...said }, n3: heard })).toBeNull();
  });

  test('by one alone only in the variant that lets it', () => {
    const known = { n2: heard, n3: heard, n4: heard, n5: silent };
    expect([wanted(five, known), wanted(five, known, false)]).toEqual([null, { n5: 'out' }]);
  });
});

test('one that was heard for a millisecond is heard', () => {
  const known = { n2: { heardMs: 1, silent: ['n5'] }, n3: { heardMs: 1, silent: ['n5'] }, n5: silent };
  expect(wanted(mapOf(5), known)).toEqual({ n5: 'out' });
});

describe('members that are put out', () => {
  const agreed = { heardMs: 60_000, silent: ['n4', 'n5', 'n6', 'n7'] };
  const others = { n2: agreed, n3: agreed };

  test('are those that hold a share, and no others', () => {
    const map = mapOf(5, { n4: out, n5: draining });
    const partitions = map.partitions.map((config) => ({ ...config, target: ['n5'] }));
    expect(wanted({ ...map, partitions }, { ...others, n4: silent, n5: silent })).toBeNull();
  });

  test.each<[replicas: number, expected: unknown]>([
    [3, { n5: 'out', n4: 'out' }],
    [4, { n5: 'out' }],
    [5, null],
    [6, null],
  ])(
    'leave %d that hold the replicas; the one that is silent for longest goes first',
    (replicas, expected) => {
      const known = { ...others, n4: silent, n5: { silentMs: repairAfterMs + 1 } };
      expect(wanted(mapOf(5, {}, replicas), known)).toEqual(expected);
      const swapped = { ...others, n5: silent, n4: { silentMs: repairAfterMs + 1 } };
      if (replicas === 4) expect(wanted(mapOf(5, {}, replicas), swapped)).toEqual({ n4: 'out' });
    },
  );

  test('may be as many as come back, and both are named in the cause', () => {
    const back = { heardMs: 60_000, silent: ['n4', 'n5'], back: ['n6', 'n7'] };
    const map = mapOf(7, { n6: out, n7: joining }, 5);
    const known = { n2: back, n3: back, n4: silent, n5: silent, n6: back, n7: heard };
    const change = membersWanted(map, 'n1', new Given(known), 'id');
    expect(change?.placement).toMatchObject({
      id: 'id',
      cause: 'return of n6, n7, repair without n4, n5',
    });
    expect(wanted(map, known)).toEqual({ n6: 'active', n7: 'active', n4: 'out', n5: 'out' });
  });

  test('are named alone when nobody comes back', () => {
    const change = membersWanted(mapOf(4), 'n1', new Given({ ...others, n4: silent }), 'id');
    expect(change?.placement?.cause).toBe('repair without n4');
  });
});

describe('members that were drained', () => {
  test('leave together, before anybody is judged, and nothing else changes', () => {
    const map = mapOf(5, { n4: draining, n5: draining });
    const change = membersWanted(map, 'n1', new Given({}), 'id');
    expect(change).toEqual({
      members: new Map([
        ['n4', null],
        ['n5', null],
      ]),
      partitions: new Map(),
      targets: new Map(),
      placement: undefined,
    });
    expect(wanted(mapOf(5, { n1: draining }), {})).toBeNull();
  });
});
