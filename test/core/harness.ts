/** A node without disk, network and metastore, driven by hand: what it sends is kept, and answered when the test says so. */
import { expect } from 'vitest';
import { emptySnapshot } from '../../src/core/machine/digest.js';
import { applyChange, noChange } from '../../src/core/map/changes.js';
import type { ClusterMap, Member, NodeId, PartitionConfig } from '../../src/core/map/types.js';
import type { PeerMessage } from '../../src/core/messages.js';
import { NodeCore, type NodeEvent, type Ready } from '../../src/core/node.js';
import type { LogRecord, StoredPartition } from '../../src/core/records.js';
import { defaultTimings } from '../../src/limits.js';

/** The clock of every node, in ms. */
export const clock = { now: 0 };

const members = (incarnations: Record<NodeId, number>): Record<NodeId, Member> =>
  Object.fromEntries(
    Object.entries(incarnations).map(([id, incarnation]) => [
      id,
      { id, store: `s${id}`, incarnation, url: `ws://127.0.0.1/${id}`, weight: 1, zone: '', state: 'active' },
    ]),
  );

export const inSync = ['n1/sn1', 'n2/sn2', 'n3/sn3'];
export const config: PartitionConfig = {
  gen: 1,
  epoch: 1,
  primary: 'n1/sn1',
  inSync,
  target: ['n1', 'n2', 'n3'],
  placed: 1,
  handover: null,
};

export function mapOf(incarnations: Record<NodeId, number>, revision = 1, partition = config): ClusterMap {
  return {
    format: 1,
    cluster: 'c',
    name: 'c',
    revision,
    settings: {
      partitions: 1,
      replicas: 3,
      minInSync: 2,
      durability: 'fsync',
      timings: defaultTimings,
      repairAfterMs: 30_000,
    },
    members: members(incarnations),
    partitions: [partition],
    placement: null,
  };
}

/** A node whose disk and metastore answer at once. */
export function start(node: NodeId, map: ClusterMap, stored: StoredPartition[] = [], incarnation = 1) {
  let latest = map;
  const core = new NodeCore({
    node,
    store: `s${node}`,
    incarnation,
    url: 'ws://127.0.0.1/x',
    stored,
    seed: 1,
    now: clock.now,
  });
  const sent: { to: NodeId; message: PeerMessage }[] = [];
  const replies: Ready['reply'][number][] = [];
  /** What is on its disk, in order. */
  const disk: LogRecord[] = [];
  const step = (event: NodeEvent): void => {
    let events: NodeEvent[] = [event];
    while (events.length > 0) {
      for (const next of events) core.step(next, clock.now);
      events = [];
      const ready = core.ready();
      sent.push(...ready.send);
      replies.push(...ready.reply);
      if (ready.write !== null) {
        disk.push(...ready.write);
        events.push({ type: 'written' });
      }
      if (ready.readMap !== null) events.push({ type: 'map', map: latest, read: ready.readMap });
      if (ready.publish !== null) {
        const ok = ready.publish.expected === latest.revision;
        if (ok) latest = ready.publish.map;
        events.push({ type: 'published', outcome: ok ? 'ok' : 'conflict' });
      }
    }
  };
  step({ type: 'tick' });
  const from = (id: NodeId, message: PeerMessage, inc = 1): void =>
    step({ type: 'message', from: { node: id, store: `s${id}`, incarnation: inc }, message });
  /** Answers everything the node has sent to `id` as a healthy backup would, or `only` such messages; its log is the shorter one. */
  const obey = (id: NodeId, only?: readonly PeerMessage['type'][]): void => {
    for (const { to, message } of sent.splice(0)) {
      if (to !== id || only?.includes(message.type) === false) {
        kept.push({ to, message });
      } else if (message.type === 'append') {
        const acks = message.appends.flatMap(({ p, epoch, stream, prevSeq, entries }) => [
          p,
          epoch,
          stream,
          prevSeq + entries.length,
        ]);
        from(id, { type: 'ack', from: message.to, acks });
      } else if (message.type === 'beacon') {
        const { incarnation: inc, sentAt, revision } = message;
        from(id, { type: 'beacon-ack', incarnation: inc, sentAt, revision, denied: [] });
      } else if (message.type === 'tail-ask') {
        const { p, to: asked, question } = message;
        from(id, { type: 'tail', p, from: asked, question, epoch: 0, seq: 0 });
      }
    }
    sent.push(...kept.splice(0));
  };
  const kept: typeof sent = [];
  /** Somebody else has published this. */
  const publish = (map: ClusterMap): void => {
    latest = map;
    step({ type: 'map', map, read: null });
  };
  return { core, sent, replies, disk, step, from, obey, publish, map: () => latest };
}

/** n1 as the serving primary of epoch 2. */
export function primary(map = mapOf({ n1: 0, n2: 1, n3: 1 })) {
  const node = start('n1', map);
  for (let i = 0; i < 6; i++) {
    node.obey('n2');
    node.obey('n3');
  }
  // The first heartbeat only asked who is there; the next one asks for leases, as of now.
  clock.now += defaultTimings.beaconMs;
  node.step({ type: 'tick' });
  node.obey('n2');
  node.obey('n3');
  const lead = node.core.replicas.get(0)?.lead;
  expect(lead?.serving).toBe(true);
  return { ...node, lead: lead as NonNullable<typeof lead> };
}

/** The others answer heartbeats and questions, and acknowledge nothing. */
export function answered(node: ReturnType<typeof start>): void {
  for (let i = 0; i < 2; i++) {
    for (const id of ['n2', 'n3']) node.obey(id, ['beacon', 'tail-ask']);
    node.step({ type: 'tick' });
  }
}

/** A disk with so many entries of epoch 1, which is promised. */
export function storedBarriers(count: number): StoredPartition[] {
  const command = { type: 'barrier' } as const;
  const entries = Array.from({ length: count }, (_, i) => ({ epoch: 1, seq: i + 1, command }));
  const snapshot = emptySnapshot();
  return [{ partition: 0, promised: 1, snapshot, checkpointed: true, entries }];
}

type Beacon = Extract<PeerMessage, { type: 'beacon' }>;

/** A heartbeat of the first start of a node. */
export const beacon = (change: Partial<Beacon> = {}): Beacon => ({
  type: 'beacon',
  incarnation: 1,
  sentAt: 5,
  revision: 1,
  claims: [],
  silent: [],
  back: [],
  ...change,
});

/** The next map, in which a member is changed so, or (null) has left. */
export const withMember = (map: ClusterMap, id: string, change: Partial<Member> | null): ClusterMap =>
  applyChange(map, {
    ...noChange,
    members: new Map([[id, change === null ? null : { ...(map.members[id] as Member), ...change }]]),
  });

/** The next map, in which the first partition is changed so. */
export const withPartition = (map: ClusterMap, change: Partial<PartitionConfig>): ClusterMap =>
  applyChange(map, {
    ...noChange,
    partitions: new Map([[0, { ...(map.partitions[0] as PartitionConfig), ...change }]]),
  });

/** A node alone with its events: nothing is answered unless the test does. */
export function bare(node = 'n2', incarnation = 1): { core: NodeCore; step: (event: NodeEvent) => Ready } {
  const core = new NodeCore({
    node,
    store: `s${node}`,
    incarnation,
    url: 'ws://127.0.0.1/x',
    stored: [],
    seed: 1,
    now: clock.now,
  });
  const step = (event: NodeEvent): Ready => {
    core.step(event, clock.now);
    return core.ready();
  };
  return { core, step };
}

/** A message comes from a node. */
export const from = (node: string, message: PeerMessage, incarnation = 1): NodeEvent => ({
  type: 'message',
  from: { node, store: `s${node}`, incarnation },
  message,
});
