/**
 * The ring's hash: MurmurHash3 x86 32 (Austin Appleby, public domain, `MurmurHash3.cpp`) of a string's UTF-8
 * bytes, without making the bytes. Of the hashes measured for 20-byte strings it is the fastest in plain
 * JavaScript (PEERS.md). Not for secrets: whoever knows the function can choose keys that collide.
 */

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/** The ring has this many points: every hash is in [0, RING). */
export const RING = 2 ** 32;

/** Mixes all bits of a 32-bit integer into all others (murmur3's finalizer); a bijection. Returns a uint32. */
export function mix32(x: number): number {
  let h = x;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * MurmurHash3 x86 32 of the UTF-8 bytes of `text`, as a uint32. Defined for every string: a lone surrogate
 * counts as U+FFFD, just as `TextEncoder` writes it, so any other program can compute the same.
 */
export function murmur3(text: string, seed = 0): number {
  const length = text.length;
  const whole = length & ~3;
  let h = seed | 0;
  let i = 0;
  for (; i < whole; i += 4) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1);
    const c = text.charCodeAt(i + 2);
    const d = text.charCodeAt(i + 3);
    if ((a | b | c | d) > 0x7f) return beyondAscii(text, i, h);
    let k = Math.imul(a | (b << 8) | (c << 16) | (d << 24), C1);
    k = Math.imul((k << 15) | (k >>> 17), C2);
    h ^= k;
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
  }
  let k = 0;
  for (let shift = 0; i < length; i += 1, shift += 8) {
    const a = text.charCodeAt(i);
    if (a > 0x7f) return beyondAscii(text, whole, h);
    k |= a << shift;
  }
  return finish(h, k, length);
}

/** Goes on from character `from`, a multiple of four, all before it being ASCII and hashed into `state`. */
function beyondAscii(text: string, from: number, state: number): number {
  let h = state;
  let block = 0;
  let bytes = from;
  const add = (byte: number): void => {
    block |= byte << ((bytes & 3) << 3);
    bytes += 1;
    if ((bytes & 3) === 0) {
      h ^= scramble(block);
      h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
      block = 0;
    }
  };
  for (let i = from; i < text.length; i += 1) {
    let code = text.codePointAt(i)!;
    if (code > 0xffff) i += 1;
    else if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
    if (code < 0x80) {
      add(code);
      continue;
    }
    if (code < 0x800) add(0xc0 | (code >> 6));
    else {
      if (code < 0x10000) add(0xe0 | (code >> 12));
      else {
        add(0xf0 | (code >> 18));
        add(0x80 | ((code >> 12) & 0x3f));
      }
      add(0x80 | ((code >> 6) & 0x3f));
    }
    add(0x80 | (code & 0x3f));
  }
  return finish(h, block, bytes);
}

function scramble(block: number): number {
  const k = Math.imul(block, C1);
  return Math.imul((k << 15) | (k >>> 17), C2);
}

/** `tail` holds the last 0 to 3 bytes. */
function finish(h: number, tail: number, bytes: number): number {
  return mix32(h ^ scramble(tail) ^ bytes);
}

/** Where a key lies on the ring, in [0, 2^32). Part of the data's format: it may never change. */
export function hashKey(key: string): number {
  return murmur3(key);
}

/** The partition at a point of the ring: `partitions` equal arcs, the first one beginning at 0. */
export function partitionOf(hash: number, partitions: number): number {
  // Exact: the product is below 2^32 × 2^14, far inside a double's 53 bits.
  return Math.floor((hash * partitions) / RING);
}

/** The first point of a partition's arc. */
export function startOf(partition: number, partitions: number): number {
  return Math.ceil((partition * RING) / partitions);
}
