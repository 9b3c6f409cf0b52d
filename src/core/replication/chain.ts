const prime = 0x9e3779b1;

/**
 * The running checksum of a log: that of an entry covers the entry and, by that of the entry before, all before it. Two logs that
 * agree at an entry by epoch and number, and differ in their checksums, have different histories, which no rule of the protocol
 * allows: a disk or a memory is damaged. 32 bits, by the mixing of MurmurHash3 (Appleby); no defence against forgery.
 */
export function chainOf(before: number, epoch: number, json: string): number {
  const { length } = json;
  let h = Math.imul(before ^ epoch, prime) ^ length;
  for (let i = 1; i < length; i += 2) {
    h = Math.imul(h ^ json.charCodeAt(i - 1) ^ (json.charCodeAt(i) << 16), prime);
    h = (h << 15) | (h >>> 17);
  }
  if (length % 2 === 1) h ^= json.charCodeAt(length - 1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
