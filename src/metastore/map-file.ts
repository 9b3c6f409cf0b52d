import { crc32 } from 'node:zlib';
import type { ClusterMap } from '../core/map/types.js';
import { defaultRepairAfterMs } from '../limits.js';

export const mapFileName = (revision: number): string => `${String(revision).padStart(10, '0')}.json`;

/** The revision a file name stands for, or null. */
export function mapNumber(name: string): number | null {
  if (!/^\d{10,}\.json$/.test(name)) return null;
  const number = Number(name.slice(0, -5));
  // Not every run of digits is a number that can be counted on from, nor is 0 a revision.
  return number > 0 && Number.isSafeInteger(number) && mapFileName(number) === name ? number : null;
}

const hex = (text: string): string => crc32(text).toString(16).padStart(8, '0');
const HEAD = /^\{"crc32":"([0-9a-f]{8})","map":/;

/** One line of JSON: `{"crc32": of the map's text, "map": …}`. */
export function encodeMap(map: ClusterMap): string {
  const text = JSON.stringify(map);
  return `{"crc32":"${hex(text)}","map":${text}}\n`;
}

/** The map, or null when the text is not what `encodeMap` gave. */
export function decodeMap(text: string): ClusterMap | null {
  const head = HEAD.exec(text);
  if (head === null || !text.endsWith('}\n')) return null;
  const body = text.slice(head[0].length, -2);
  if (hex(body) !== head[1]) return null;
  const map = JSON.parse(body) as ClusterMap;
  return map.format === 1 ? upgraded(map) : null;
}

/** A map of version 0.1 knew neither placement nor the state of members. */
function upgraded(map: ClusterMap): ClusterMap {
  if (map.placement !== undefined) return map;
  const members = Object.entries(map.members).map(([id, m]) => [id, { ...m, state: m.state ?? 'active' }]);
  return {
    ...map,
    settings: { ...map.settings, repairAfterMs: map.settings.repairAfterMs ?? defaultRepairAfterMs },
    members: Object.fromEntries(members),
    partitions: map.partitions.map((config) => ({
      ...config,
      placed: config.placed ?? 1,
      handover: config.handover ?? null,
    })),
    placement: null,
  };
}
