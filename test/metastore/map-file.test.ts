import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ClusterMap } from '../../src/core/map/types.js';
import { defaultRepairAfterMs } from '../../src/limits.js';
import { decodeMap, encodeMap, mapFileName, mapNumber } from '../../src/metastore/map-file.js';
import { mapOf } from './maps.js';

it.each<[string, number | null]>([
  ['0000000001.json', 1],
  ['0000000007.json', 7],
  ['9999999999.json', 9_999_999_999],
  ['12345678901.json', 12_345_678_901],
  ['9007199254740991.json', Number.MAX_SAFE_INTEGER],
  ['9007199254740992.json', null],
  ['9007199254740993.json', null],
  ['00000000007.json', null],
  ['0000000000.json', null],
  ['000000007.json', null],
  ['7.json', null],
  ['0000000007.jsonx', null],
  ['x0000000007.json', null],
  ['0000000007xjson', null],
  ['000000000a.json', null],
  ['', null],
])('the file %j holds revision %s', (name, revision) => {
  expect(mapNumber(name)).toBe(revision);
  if (revision !== null) expect(mapFileName(revision)).toBe(name);
});

describe('the text of a map', () => {
  it('is one line, with its checksum in eight digits', () => {
    const names = Array.from({ length: 64 }, (_, i) => `name ${i} ü`);
    const sums = names.map((name) => {
      const map = mapOf(3, name);
      const text = JSON.stringify(map);
      const sum = crc32(text).toString(16).padStart(8, '0');
      expect(encodeMap(map)).toBe(`{"crc32":"${sum}","map":${text}}\n`);
      expect(decodeMap(encodeMap(map))).toEqual(map);
      return sum;
    });
    // There are those that begin with a zero.
    expect(sums.some((sum) => sum.startsWith('0'))).toBe(true);
  });

  const whole = encodeMap(mapOf(3));
  const withSum = (body: string, tail = '}\n'): string =>
    `{"crc32":"${crc32(body).toString(16).padStart(8, '0')}","map":${body}${tail}`;
  it.each<[string, string]>([
    ['nothing', ''],
    ['no line break at its end', whole.slice(0, -1)],
    ['something after it', `${whole} `],
    ['something before it', ` ${whole}`],
    ['its last brackets swapped', withSum(JSON.stringify(mapOf(3)), ']\n')],
    ['another checksum', whole.replace(/[0-9a-f]{8}/, '00000000')],
    ['another name', whole.replace('"name":"test"', '"name":"Test"')],
    ['no head', JSON.stringify(mapOf(3))],
    ['another format', withSum(JSON.stringify({ ...mapOf(3), format: 2 }))],
  ])('is none with %s', (_, text) => {
    if (text === whole) throw new Error('nothing was changed');
    expect(decodeMap(text)).toBeNull();
  });

  it('of version 0.1 is read with what it did not know yet', () => {
    const { placement: _, ...map } = mapOf(3);
    const { repairAfterMs: __, ...settings } = map.settings;
    const member = { name: 'a', address: 'x', incarnation: 1 };
    const config = { epoch: 1, inSync: ['n1'] };
    const old = {
      ...map,
      settings,
      members: { n1: member, n2: { ...member, state: 'leaving' } },
      partitions: [config, { ...config, placed: 7, handover: { to: 'n2' } }],
    };
    const read = (value: object) => decodeMap(encodeMap(value as ClusterMap));
    const now = {
      ...old,
      settings: { ...settings, repairAfterMs: defaultRepairAfterMs },
      members: { n1: { ...member, state: 'active' }, n2: { ...member, state: 'leaving' } },
      partitions: [
        { ...config, placed: 1, handover: null },
        { ...config, placed: 7, handover: { to: 'n2' } },
      ],
      placement: null,
    };
    expect(read(old)).toEqual(now);
    const known = { ...old, settings: { ...settings, repairAfterMs: 5000 } };
    expect(read(known)?.settings.repairAfterMs).toBe(5000);
    // One that knows of placement is taken as it is.
    expect(read({ ...old, placement: null })).toEqual({ ...old, placement: null });
  });
});
