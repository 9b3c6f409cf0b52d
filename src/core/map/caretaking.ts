import { limits } from '../../limits.js';
import type { Liveness } from '../liveness.js';
import { type MapChange, noChange } from './changes.js';
import { holdsShare, mayLeave, planPlacement } from './placing.js';
import type { ClusterMap, Member, NodeId } from './types.js';

/**
 * What `me` would like to change of the members, by what it hears: a member silent for too long is out and its replicas are
 * rebuilt elsewhere; one that is heard again, or that joined and was forgotten, gets its share; one that was drained
 * leaves. null: nothing. Any node may ask for it and several may at once: the compare-and-set lets one through, and the others
 * look at the newer map.
 *
 * Only a node in touch with more than half of the members judges others: one that is cut off knows nothing of them. And nobody
 * is put out when too few would be left to hold all replicas, for then nothing could be rebuilt.
 */
export function membersWanted(map: ClusterMap, me: NodeId, liveness: Liveness, id: string): MapChange | null {
  const members = Object.values(map.members);
  const leaving = members.filter((m) => mayLeave(map, m.id)).map((m) => m.id);
  if (leaving.length > 0) {
    const gone: [NodeId, Member | null][] = leaving.map((node) => [node, null]);
    return { ...noChange, members: new Map(gone) };
  }
  const heard = (m: Member): boolean => m.id === me || liveness.heardMs(m.id) > 0;
  const voters = members.filter((m) => m.incarnation > 0 && m.state !== 'joining');
  if (voters.filter(heard).length * 2 <= voters.length) return null;

  const activate = members
    .filter((m) => {
      if (m.incarnation === 0 || (m.state !== 'out' && m.state !== 'joining')) return false;
      const patience = m.state === 'out' ? limits.returnAfterMs : limits.joinPatienceMs;
      return liveness.heardMs(m.id) >= patience;
    })
    .map((m) => m.id);
  const spare = members.filter(holdsShare).length + activate.length - map.settings.replicas;
  const out = members
    .filter((m) => m.id !== me && holdsShare(m) && m.incarnation > 0)
    .filter((m) => liveness.silentMs(m.id) >= map.settings.repairAfterMs)
    .sort((a, b) => liveness.silentMs(b.id) - liveness.silentMs(a.id))
    .slice(0, Math.max(0, spare))
    .map((m) => m.id);
  if (activate.length === 0 && out.length === 0) return null;
  const words = [
    ...(activate.length > 0 ? [`return of ${activate.join(', ')}`] : []),
    ...(out.length > 0 ? [`repair without ${out.join(', ')}`] : []),
  ];
  return planPlacement(map, { activate, out }, { id, cause: words.join(', ') });
}
