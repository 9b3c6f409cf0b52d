import { describe, expect, it } from 'vitest';
import { collect } from '../../src/cli/listing.js';
import { readAll } from '../../src/cli/stdin.js';
import { MusterError } from '../../src/errors.js';
import { renderError } from '../../src/render/error.js';
import { findCommand, unknownCommand } from '../../src/text/command-words.js';

describe('an error', () => {
  it('says what happened, whether it took effect, and what to try next', () => {
    const { text, json, exit } = renderError(
      new MusterError('unknown-cluster', 'unknown cluster "x"'),
      'kv get',
    );
    expect(text).toBe(
      'Error: unknown cluster "x"\nTook effect: no. List clusters with `muster cluster list`, or create it with `muster cluster start`.\n',
    );
    expect(json).toEqual({
      error: {
        code: 'unknown-cluster',
        message: 'unknown cluster "x"',
        tookEffect: 'no',
        hint: expect.any(String),
      },
    });
    expect(exit).toBe(2);
  });

  it('of a command that only reads does not say whether it took effect, except in JSON', () => {
    const missing = new MusterError('not-found', 'key "x" not found', { details: { key: 'x' } });
    const { text, json } = renderError(missing, 'kv get', { readOnly: true });
    expect(text).toBe(`Error: key "x" not found\n${missing.hint}\n`);
    expect(json.error.tookEffect).toBe('no');
  });

  it('of usage points to the help of the command that met it', () => {
    expect(renderError(new MusterError('usage', 'bad'), 'kv get').json.error.hint).toBe(
      'See `muster kv get --help`.',
    );
  });

  it('that nobody foresaw is internal, of unknown effect, with its stack', () => {
    const { text, exit, json } = renderError(new TypeError('x is not a function'), 'kv get');
    expect(json.error).toMatchObject({ code: 'internal', tookEffect: 'unknown' });
    expect(text).toContain('errors.test');
    expect(exit).toBe(1);
  });

  it('of the operating system is told as what it means', () => {
    const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', path: '/x' });
    expect(renderError(full, 'cluster start').json.error.code).toBe('storage-full');
  });
});

describe('finding a command', () => {
  const ids = new Set(['kv:get', 'wait', 'cluster:start']);

  it('takes the longest run of words that names one', () => {
    expect(findCommand(['kv', 'get', 'k', '--json'], ids)).toEqual({ id: 'kv:get', rest: ['k', '--json'] });
    expect(findCommand(['wait', '--for', 'ready'], ids)).toEqual({ id: 'wait', rest: ['--for', 'ready'] });
    expect(findCommand(['kv', '--json', 'get'], ids)).toBeNull();
  });

  it('suggests the nearest when there is none', () => {
    expect(unknownCommand(['cluster', 'strat'], ids, 'muster').message).toContain('`muster cluster start`');
    expect(unknownCommand(['frobnicate'], ids, 'muster').message).toBe('unknown command "frobnicate"');
  });
});

describe('reading and listing', () => {
  it('standard input is taken byte for byte, and refused when too large or no text', async () => {
    expect(
      await readAll(
        (async function* () {
          yield Buffer.from('a\n');
          yield Buffer.from('é\n');
        })(),
      ),
    ).toBe('a\né\n');
    const large = (async function* () {
      for (;;) yield Buffer.alloc(65_536);
    })();
    await expect(readAll(large)).rejects.toMatchObject({ code: 'value-too-large' });
    await expect(
      readAll(
        (async function* () {
          yield Buffer.from([0xff]);
        })(),
      ),
    ).rejects.toMatchObject({ code: 'usage' });
  });

  it('a listing stops at its limit and does not ask for more', async () => {
    let asked = 0;
    const source = async function* () {
      for (;;) yield ++asked;
    };
    expect(await collect(source(), 3, null)).toEqual([1, 2, 3]);
    expect(asked).toBe(3);
    expect(await collect(source(), 0, null)).toEqual([]);
  });
});
