import { limits } from '../../limits.js';
import type { Liveness, Opinion } from '../liveness.js';
import { type MapChange, noChange } from './changes.js';
import { holdsShare, mayLeave, planPlacement } from './placing.js';
import type { ClusterMap, Member, NodeId } from './types.js';

/** Whom `me` would put out, and whom it would give a share, by what it hears itself. */
export function opinionOf(map: ClusterMap, me: NodeId, liveness: Liveness): Opinion {
  const silent: NodeId[] = [];
  const back: NodeId[] = [];
  for (const { id, incarnation, state } of Object.values(map.members)) {
    if (id === me || incarnation === 0) continue;
    if (liveness.silentMs(id) >= map.settings.repairAfterMs) silent.push(id);
    if (state !== 'out' && state !== 'joining') continue;
    const patience = state === 'out' ? limits.returnAfterMs : limits.joinPatienceMs;
    if (liveness.heardMs(id) >= patience) back.push(id);
  }
  return { silent, back };
}

/**
 * What `me` would like to change of the members: one that is silent for too long is out and its replicas are
 * rebuilt elsewhere; one that is heard again, or that joined and was forgotten, gets its share; one that was drained
 * leaves. null: nothing. Any node may ask for it and several may at once: the compare-and-set lets one through, and the others
 * look at the newer map.
 *
 * Only a node in touch with more than half of the members judges others: one that is cut off knows nothing of them. And more than
 * half of the others must think so too: where some hear a member and some do not, it would else be put out by the
 * latter and brought back by the former, for as long as that lasts. Nobody is put out when too few would be left to hold all replicas, for
 * then nothing could be rebuilt. `many`: false only for the variant in which one node's word is enough.
 */
export function membersWanted(
  map: ClusterMap,
  me: NodeId,
  liveness: Liveness,
  id: string,
  many = true,
): MapChange | null {
  const members = Object.values(map.members);
  const leaving = members.filter((m) => mayLeave(map, m.id)).map((m) => m.id);
  if (leaving.length > 0) {
    const gone: [NodeId, Member | null][] = leaving.map((node) => [node, null]);
    return { ...noChange, members: new Map(gone) };
  }
  const heard = (m: Member): boolean => m.id === me || liveness.heardMs(m.id) > 0;
  const voters = members.filter((m) => m.incarnation > 0 && m.state !== 'joining');
  if (voters.filter(heard).length * 2 <= voters.length) return null;

  const mine = opinionOf(map, me, liveness);
  const agreed = (of: keyof Opinion, node: NodeId): boolean => {
    if (!many) return true;
    const judges = voters.filter((m) => m.id !== node);
    const agreeing = judges.filter(
      (m) => m.id === me || liveness.opinionFrom(m.id)?.[of].includes(node) === true,
    );
    return agreeing.length * 2 > judges.length;
  };
  const activate = mine.back.filter((node) => agreed('back', node));
  const spare = members.filter(holdsShare).length + activate.length - map.settings.replicas;
  const out = mine.silent
    .filter((node) => holdsShare(map.members[node] as Member) && agreed('silent', node))
    .sort((a, b) => liveness.silentMs(b) - liveness.silentMs(a))
    .slice(0, Math.max(0, spare));
  if (activate.length === 0 && out.length === 0) return null;
  const words = [
    ...(activate.length > 0 ? [`return of ${activate.join(', ')}`] : []),
    ...(out.length > 0 ? [`repair without ${out.join(', ')}`] : []),
  ];
  return planPlacement(map, { activate, out }, { id, cause: words.join(', ') });
}
