import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTx, printTx } from '../../src/cli/tx-text.js';
import type { TxItem } from '../../src/core/machine/types.js';
import { limits } from '../../src/limits.js';

/** What is said of this text; fails when nothing is. */
function said(text: string): string {
  try {
    parseTx(text);
  } catch (error) {
    expect(error).toMatchObject({ tookEffect: 'no', exit: 2 });
    return (error as Error).message;
  }
  throw new Error(`taken: ${text}`);
}

describe('the text of a transaction', () => {
  it('has a statement for each item', () => {
    expect(
      parseTx(
        'check c = 3; check n = nothing; check m = none\ncheck v @7; get g; put a 1\ndelete d; incr i; incr j 5; decr k; decr l 2',
      ),
    ).toEqual([
      { type: 'check', key: 'c', equals: 3 },
      { type: 'check', key: 'n', equals: null },
      { type: 'check', key: 'm', equals: null },
      { type: 'version', key: 'v', version: 7 },
      { type: 'get', key: 'g' },
      { type: 'put', key: 'a', value: '1' },
      { type: 'delete', key: 'd' },
      { type: 'incr', key: 'i', by: 1 },
      { type: 'incr', key: 'j', by: 5 },
      { type: 'incr', key: 'k', by: -1 },
      { type: 'incr', key: 'l', by: -2 },
    ]);
  });

  it.each([
    ['3', 3],
    ['-3', -3],
    ['+3', 3],
    ['"3"', '3'],
    ["'3'", '3'],
    ['\\3', '3'],
    ['3.5', '3.5'],
    ['"nothing"', 'nothing'],
    ["'none'", 'none'],
    ['""', ''],
    ['9007199254740991', 9007199254740991],
  ])('compares with %s as %j', (value, equals) => {
    expect(parseTx(`check c = ${value}`)).toEqual([{ type: 'check', key: 'c', equals }]);
  });

  it('quotes as a shell does, over lines too', () => {
    const value = (text: string) => (parseTx(`put a ${text}`)[0] as { value: string }).value;
    expect(value('\'a; b # \\n "c"\'')).toBe('a; b # \\n "c"');
    expect(value('"a\\n\\t\\"\\\\\\u{1f600}"')).toBe('a\n\t"\\😀');
    expect(value('a\\ b\\;c')).toBe('a b;c');
    expect(value('pre"mid dle"\'end\'')).toBe('premid dleend');
    expect(value('"two\nlines"')).toBe('two\nlines');
    expect(value('a#b')).toBe('a#b');
    expect(parseTx('put "get" \'#\'')).toEqual([{ type: 'put', key: 'get', value: '#' }]);
  });

  it('may be commented, continued, spaced and empty between', () => {
    expect(parseTx('\ufeff# what; it does\r\n\r\n ;; get a # read it\r\nput \\\n b \t c;\n#')).toEqual([
      { type: 'get', key: 'a' },
      { type: 'put', key: 'b', value: 'c' },
    ]);
  });

  it('may read and check what it writes, and as often as it likes', () => {
    expect(parseTx('get a; get a; check a = 1; incr a')).toHaveLength(4);
  });

  it.each([
    ['', 'line 1, column 1: expected a statement'],
    [' # nothing\n;\n', 'line 3, column 1: expected a statement'],
    [
      'put a 1\nptu b 2',
      'line 2, column 1: invalid statement "ptu": expected one of check, get, put, delete, incr, decr; did you mean "put"?',
    ],
    ['GET a', 'did you mean "get"?'],
    ['set a 1', 'did you mean "put"?'],
    ['frobnicate a', 'expected one of check, get, put, delete, incr, decr'],
    ['"put" a 1', 'line 1, column 1: invalid statement "put"'],
    ['get a;  put', 'line 1, column 12: expected a key after "put"'],
    ['put a', 'line 1, column 6: expected a value after "put a"'],
    ['put a # b', 'line 1, column 6: expected a value'],
    [
      'put ä hello world',
      'line 1, column 13: expected ";" or a new line, got "world"; quote a value that contains spaces',
    ],
    ['get a b', 'line 1, column 7: expected ";"'],
    ['incr c 1 2', 'line 1, column 10: expected ";"'],
    ['incr c x', 'line 1, column 8: expected a whole number, got "x"'],
    ['incr c 1.5', 'expected a whole number, got "1.5"'],
    ['incr c "1"', 'expected a whole number'],
    [
      'incr c 9007199254740992',
      'line 1, column 8: expected a whole number within ±(2^53−1), got 9007199254740992',
    ],
    [
      'check c = -9007199254740992',
      'line 1, column 11: expected a whole number within ±(2^53−1), got -9007199254740992',
    ],
    ['check c', 'line 1, column 8: expected "= VALUE" or "@VERSION" after "check c"'],
    ['check c=3', 'expected "= VALUE" or "@VERSION" after "check c=3"'],
    ['check c 3', 'line 1, column 9: expected "= VALUE" or "@VERSION", got "3"'],
    ['check c "=" 3', 'line 1, column 9: expected "= VALUE"'],
    ['check c =', 'line 1, column 10: expected a value, or "nothing", after "check c ="'],
    ['check c = a b', 'line 1, column 13: expected ";"'],
    ['check c @', 'line 1, column 10: expected a version, got nothing'],
    ['check c @-1', 'expected a version of 0 or more, got -1'],
    ['check c @1 2', 'line 1, column 12: expected ";"'],
    [
      'put a 1; incr b\n  delete "a"',
      'line 2, column 10: key "a" is written twice (first in line 1, column 5)',
    ],
    ["get a\nput b 'x\ny", 'line 2, column 7: unclosed quote'],
    ['put b "x\\"', 'line 1, column 7: unclosed quote'],
    ['put b "x\\', 'line 1, column 7: unclosed quote'],
    ['put b "\\q"', 'line 1, column 8: expected \\\\, \\", \\n'],
    ['put b "\\u{d800}"', 'line 1, column 8: expected'],
    ['put b \\', 'line 1, column 7: expected a character after "\\"'],
    ["put '' 1", 'line 1, column 5: expected a key of 1 to 512 bytes, got 0'],
  ])('is refused where it is wrong: %j', (text, what) => {
    expect(said(text)).toContain(what);
  });

  it('is refused with keys and values that are too large', () => {
    expect(said(`get ${'ö'.repeat(257)}`)).toBe(
      'line 1, column 5: expected a key of 1 to 512 bytes, got 514',
    );
    expect(said(`put a ${'x'.repeat(limits.valueBytes + 1)}`)).toContain(
      'line 1, column 7: expected a value of at most 1048576 bytes',
    );
    expect(parseTx(`put a ${'x'.repeat(limits.valueBytes)}`)).toHaveLength(1);
  });

  it('is refused at the first statement beyond the most there may be', () => {
    const lines = (n: number) => Array.from({ length: n }, (_, i) => `get k${i}\n`).join('');
    expect(parseTx(lines(limits.txItems))).toHaveLength(limits.txItems);
    expect(said(lines(limits.txItems + 10_000))).toBe(
      `line ${limits.txItems + 1}, column 1: too many statements: expected at most ${limits.txItems}`,
    );
  });
});

const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 });
const value = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    '3',
    '-3',
    '+07',
    'nothing',
    'none',
    '',
    '=',
    '@3',
    '#',
    ';',
    "'",
    '"',
    '\\',
    ' ',
    '\ufeff',
  ),
);
const number = fc.maxSafeInteger().map((n) => (n === 0 ? 0 : n));
const item: fc.Arbitrary<TxItem> = fc.oneof(
  fc.record({
    type: fc.constant('check' as const),
    key,
    equals: fc.oneof(value, number, fc.constant(null)),
  }),
  fc.record({ type: fc.constant('version' as const), key, version: fc.maxSafeNat() }),
  fc.record({ type: fc.constant('get' as const), key }),
  fc.record({ type: fc.constant('put' as const), key, value }),
  fc.record({ type: fc.constant('delete' as const), key }),
  fc.record({ type: fc.constant('incr' as const), key, by: number }),
);
const items = fc.uniqueArray(item, { minLength: 1, maxLength: 20, selector: (i) => i.key });

describe('a transaction that is printed', () => {
  it('is read back as it was, whatever its keys and values', () => {
    fc.assert(
      fc.property(items, (all) => {
        expect(parseTx(printTx(all))).toEqual(all);
      }),
      { numRuns: 2000 },
    );
  });

  it('stands in one line for each item, without control characters', () => {
    fc.assert(
      fc.property(items, (all) => {
        const text = printTx(all);
        expect(text.split('\n')).toHaveLength(all.length + 1);
        expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
    );
  });

  it('reads well', () => {
    expect(
      printTx([
        { type: 'check', key: 'c', equals: '3' },
        { type: 'check', key: 'c d', equals: 3 },
        { type: 'put', key: 'user/1', value: 'line\n"two"' },
        { type: 'incr', key: 'n', by: -2 },
      ]),
    ).toBe('check c = "3"\ncheck "c d" = 3\nput user/1 "line\\n\\"two\\""\ndecr n 2\n');
  });
});

describe('any text at all', () => {
  it('is taken, or refused with a line and a column', () => {
    const words = fc.constantFrom(
      'put',
      'get',
      'check',
      'a',
      '=',
      '@1',
      '3',
      '"',
      "'",
      '\\',
      ';',
      '\n',
      '#',
      ' ',
      '😀',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(words).map((w) => w.join(' ')),
        ),
        (text) => {
          try {
            expect(parseTx(text).length).toBeGreaterThan(0);
          } catch (error) {
            expect((error as Error).message).toMatch(/^line \d+, column \d+: ./);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
