import { expect, test } from 'vitest';
import { DigestSum, digestOf } from '../../../src/core/machine/digest.js';
import type { Cell, OpResult, Row, SessionId } from '../../../src/core/machine/types.js';
import { chainOf } from '../../../src/core/replication/chain.js';

/**
 * Digests are stored in checkpoints and compared between nodes: a version that computes others would take every store of an
 * earlier one for damaged. These values may never change.
 */
const hashOf = (contents: {
  cells?: (readonly [string, Cell])[];
  sessions?: (readonly [SessionId, { first: number; results: (readonly [number, OpResult])[] }])[];
  rows?: (readonly [string, Row])[];
}): string => digestOf({ cells: [], sessions: [], rows: [], ...contents }).hash;

test('the digest of a cell is what stores hold', () => {
  const cells: [string, Cell['kind'], Cell['value'], number][] = [
    ['', 'text', '', 0],
    ['a', 'text', 'b', 1],
    ['b', 'text', 'a', 1],
    ['ab', 'text', 'xyz', 7],
    ['key:1', 'text', 'Zoë 🦊 \u0000\u2028', 2 ** 40],
    ['c', 'counter', 0, 1],
    ['c', 'counter', -1, 1],
    ['c', 'counter', 2 ** 31, 1],
    ['c', 'counter', Number.MAX_SAFE_INTEGER, 2 ** 53 - 1],
    ['c', 'counter', Number.MIN_SAFE_INTEGER, 1],
  ];
  expect(
    cells.map(([key, kind, value, version]) => hashOf({ cells: [[key, { kind, value, version }]] })),
  ).toEqual([
    'a93dfc7b42f7ade1',
    'fc3458a0f6cb0741',
    '91f4a74bad920f66',
    '783851c1185ecda8',
    '39c7119311726fdf',
    '2c10e854fb793f09',
    '7df2ded3f36e41ea',
    '870961edf53c47ca',
    '5b3de786eeb18012',
    '4272b7b3f224a722',
  ]);
});

test('the digest of a session and its results is what stores hold', () => {
  const results: OpResult[] = [
    { ok: true, value: 'text', version: 3 },
    { ok: true, value: 5, version: 3 },
    { ok: true, value: 0.5, version: 3 },
    { ok: true, value: null, version: 0 },
    { ok: true, value: true, version: 1 } as unknown as OpResult,
    { ok: true, value: false, version: 1 } as unknown as OpResult,
    { ok: false, code: 'overflow', message: 'too much' },
  ];
  expect([
    hashOf({ sessions: [['1.1', { first: 1, results: [] }]] }),
    hashOf({ sessions: [['1.2', { first: 9, results: [] }]] }),
    ...results.map((result) => hashOf({ sessions: [['1.1', { first: 1, results: [[4, result]] }]] })),
  ]).toEqual([
    '45e5b4f23fae4e58',
    'edc4a24f4ce1f98f',
    '03c829bbda293b2c',
    '8404d0bc5bf03325',
    '363c72055496621a',
    'aeab549517bc2e45',
    '6d1e6f8dd85ee033',
    'ce1f83dac000412a',
    'a8a6db204fef7a57',
  ]);
});

test('the digest of each kind of row is what stores hold', () => {
  const items = [
    { type: 'check', key: 'a', equals: null },
    { type: 'check', key: 'a', equals: 'x' },
    { type: 'version', key: 'b', version: 3 },
    { type: 'get', key: 'c' },
    { type: 'put', key: 'd', value: 'v' },
    { type: 'delete', key: 'e' },
    { type: 'incr', key: 'f', by: -2 },
  ] as const;
  const reads = [
    ['c', null, 0],
    ['g', 7, 4],
  ] as const;
  const holder = { ticket: '0.1.5', token: 5, ttl: 1000, renewed: 6 };
  const rows: [string, Row][] = [
    ['lock/a', { kind: 'lock', permits: 1, holders: [], queue: [] }],
    ['lock/a', { kind: 'lock', permits: 2, holders: [holder], queue: [{ ticket: '0.1.6', ttl: 100 }] }],
    ['fence/a', { kind: 'fence', token: 2 ** 53 - 1 }],
    ['prepared/3:0.1:7', { kind: 'prepared', tx: '3:0.1:7', anchor: 3, at: 1.5, seq: 9, items, reads }],
    ['staged/0:0.1:9', { kind: 'staged', tx: '0:0.1:9', at: 2, seq: 8, items, reads, others: [3, 5] }],
    [
      'record/0:0.1:8',
      {
        kind: 'record',
        tx: '0:0.1:8',
        keys: ['c', 'd'],
        prepared: [
          [3, 9],
          [5, 11],
        ],
      },
    ],
  ];
  expect(rows.map((row) => hashOf({ rows: [row] }))).toEqual([
    '1de39d92e12c5c8e',
    '717e22046166ebc2',
    'fd3d5d8fc44e74c5',
    '600db9383f7c7edc',
    'e15352c224ec2e41',
    '877688a646b02aeb',
  ]);
});

test('a digest adds up, whatever the order, and is less by what goes', () => {
  const sum = new DigestSum();
  sum.texts('a', 'b', 1);
  const one = sum.with();
  sum.texts('c', 'd', 1);
  const both = sum.with();
  sum.texts('a', 'b', -1);
  const other = new DigestSum();
  other.texts('a', 'b', 1);
  expect([one, both, sum.with(other), other.with(sum)]).toEqual([other.with(), both, both, both]);
  sum.texts('c', 'd', -1);
  expect([one, both, sum.with()]).toEqual(['28b839384a9af159', '20c8fef3ff033d54', '0000000000000000']);
});

test('the checksum of a log is what stores hold', () => {
  expect([
    chainOf(0, 1, ''),
    chainOf(0, 1, 'a'),
    chainOf(0, 1, 'ab'),
    chainOf(7, 1, 'ab'),
    chainOf(7, 2, 'ab'),
    chainOf(0xffff_ffff, 3, '{"type":"barrier"}'),
    chainOf(1, 3, 'Zoë 🦊!'),
  ]).toEqual([301794027, 1778346610, 3407502012, 3932069173, 910479006, 793282720, 887972213]);
});
