import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashKey, mix32, murmur3, partitionOf, startOf } from '../../../src/core/ring/hash.js';

/** Appleby's algorithm once more, over bytes and in the plainest way, to judge the fast one. */
function murmur3Bytes(bytes: Uint8Array, seed: number): number {
  const rotl = (x: number, r: number): number => (x << r) | (x >>> (32 - r));
  let h = seed;
  for (let i = 0; i < bytes.length; i += 4) {
    let k = 0;
    for (let j = Math.min(i + 3, bytes.length - 1); j >= i; j -= 1) k = (k << 8) | bytes[j]!;
    k = Math.imul(rotl(Math.imul(k, 0xcc9e2d51), 15), 0x1b873593);
    h ^= k;
    if (i + 4 <= bytes.length) h = Math.imul(rotl(h, 13), 5) + 0xe6546b64;
  }
  h ^= bytes.length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

describe('the hash', () => {
  it('gives the published values of MurmurHash3 x86 32', () => {
    const published: [text: string, seed: number, hash: number][] = [
      ['', 0, 0],
      ['', 1, 0x514e28b7],
      ['', 0xffffffff, 0x81f16f39],
      ['\0\0\0\0', 0, 0x2362f9de],
      ['aaaa', 0x9747b28c, 0x5a97808a],
      ['aaa', 0x9747b28c, 0x283e0130],
      ['aa', 0x9747b28c, 0x5d211726],
      ['a', 0x9747b28c, 0x7fa09ea6],
      ['abcd', 0x9747b28c, 0xf0478627],
      ['abc', 0x9747b28c, 0xc84a62dd],
      ['ab', 0x9747b28c, 0x74875592],
      ['Hello, world!', 0x9747b28c, 0x24884cba],
      ['ππππππππ', 0x9747b28c, 0xd58063c1],
      ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
      ['test', 0, 0xba6bd213],
      ['Hello, world!', 0, 0xc0363e43],
      ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
    ];
    for (const [text, seed, hash] of published) expect([text, murmur3(text, seed)]).toEqual([text, hash]);
  });

  it('hashes any string as its UTF-8 bytes, lone surrogates as U+FFFD', () => {
    const encoder = new TextEncoder();
    const unit = fc.oneof(
      fc.integer({ min: 0x20, max: 0x7e }),
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: 0xd700, max: 0xe0ff }),
    );
    const anyString = fc.array(unit, { maxLength: 24 }).map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(fc.oneof(anyString, fc.string(), fc.string({ unit: 'binary' })), fc.nat(), (text, seed) => {
        expect(murmur3(text, seed)).toBe(murmur3Bytes(encoder.encode(text), seed));
      }),
      { numRuns: 2000 },
    );
    const edges = ['\u007f', '\u0080', '\u07ff', '\u0800', '\uffff', '\u{10000}', '\u{10ffff}'];
    const within = edges.flatMap((edge) => [edge, `${edge}a`, `ab${edge}cd`, `abcd${edge}${edge}efgh`]);
    for (const text of [
      ...within,
      '\ud800',
      '\udc00',
      'abc\ud83d',
      '\ud83d\ude00',
      '\ude00\ud83d',
      'aaaa\uffff',
      'é',
    ]) {
      expect(hashKey(text)).toBe(murmur3Bytes(encoder.encode(text), 0));
    }
  });

  it('mixes integers one to one', () => {
    const seen = new Set(Array.from({ length: 10_000 }, (_, i) => mix32(i)));
    expect(seen.size).toBe(10_000);
  });
});

describe('a partition', () => {
  it('is one of equal arcs of the ring', () => {
    expect(partitionOf(0, 64)).toBe(0);
    expect(partitionOf(2 ** 26 - 1, 64)).toBe(0);
    expect(partitionOf(2 ** 26, 64)).toBe(1);
    expect(partitionOf(2 ** 32 - 1, 64)).toBe(63);
    expect(partitionOf(2 ** 32 - 1, 16_384)).toBe(16_383);
    expect(partitionOf(2 ** 31, 3)).toBe(1);
  });

  it('begins where its first hash is, for any number of partitions', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16_384 }), fc.nat(), (partitions, n) => {
        const p = n % partitions;
        const start = startOf(p, partitions);
        expect(partitionOf(start, partitions)).toBe(p);
        if (start > 0) expect(partitionOf(start - 1, partitions)).toBe(p - 1);
      }),
    );
  });

  it('gets its share of keys that look alike', () => {
    const counts = new Array<number>(64).fill(0);
    for (let i = 0; i < 64_000; i += 1) counts[partitionOf(hashKey(`user:${i}`), 64)]! += 1;
    // 1,000 each, a standard deviation of 31.
    expect(Math.min(...counts)).toBeGreaterThan(1000 - 6 * 31);
    expect(Math.max(...counts)).toBeLessThan(1000 + 6 * 31);
  });
});

it('half a pair of surrogates is hashed as what replaces it in UTF-8, the first and the last of them, too', () => {
  for (const half of ['\ud800', '\udbff', '\udc00', '\udfff']) expect(hashKey(half)).toBe(hashKey('\ufffd'));
  for (const other of ['\ud7ff', '\ue000']) expect(hashKey(other)).not.toBe(hashKey('\ufffd'));
});
