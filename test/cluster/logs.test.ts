import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { followLogs, LogTail, tailOffset } from '../../src/cluster/observe/logs.js';
import { explainExit } from '../../src/cluster/processes/launch.js';
import { folder } from './helpers.js';

describe('the end of a log', () => {
  it('is its last lines, whether or not the last is complete', () => {
    const path = join(folder(), 'log');
    const line = fc.stringMatching(/^[a-zé ]{0,30}$/);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), fc.nat(35), fc.boolean(), (lines, count, open) => {
        writeFileSync(path, lines.map((l) => `${l}\n`).join('') + (open ? 'open' : ''));
        const all = open ? [...lines, 'open'] : lines;
        const tail = new LogTail(path, tailOffset(path, count));
        const got = tail.poll();
        expect(open && count > 0 ? [...got, tail.rest()] : got).toEqual(count === 0 ? [] : all.slice(-count));
      }),
    );
  });

  it('is found in a log of many megabytes', () => {
    const path = join(folder(), 'log');
    writeFileSync(path, Array.from({ length: 200_000 }, (_, i) => `line ${i}\n`).join(''));
    expect(new LogTail(path, tailOffset(path, 2)).poll()).toEqual(['line 199998', 'line 199999']);
    expect(new LogTail(path, tailOffset(path, 150_000)).poll()[0]).toBe('line 50000');
  });

  it('of a file that is not there is nothing', () => {
    expect(tailOffset('/nowhere/log', 5)).toBe(0);
    expect(new LogTail('/nowhere/log', 0).poll()).toEqual([]);
  });
});

describe('following a log', () => {
  it('hands on whole lines as they come, also after the file was cut', async () => {
    const path = join(folder(), 'log');
    writeFileSync(path, 'old\n');
    const seen: string[] = [];
    const stop = new AbortController();
    const following = followLogs(
      [{ node: 'n1', tail: new LogTail(path, 4) }],
      ({ text }) => seen.push(text),
      stop.signal,
    );
    appendFileSync(path, 'a\nb');
    await expect.poll(() => seen).toEqual(['a']);
    appendFileSync(path, 'c\n');
    await expect.poll(() => seen).toEqual(['a', 'bc']);
    writeFileSync(path, 'x\n');
    await expect.poll(() => seen).toEqual(['a', 'bc', 'x']);
    stop.abort();
    await following;
  });
});

describe('why a node ended', () => {
  it('is the error it logged, with its code and details', () => {
    const log =
      '{"level":30,"msg":"starts"}\n{"level":60,"code":"storage-corrupt","msg":"bad checksum","details":{"path":"/x"}}\n';
    const error = explainExit('n1', 'exit code 1', log);
    expect(error).toMatchObject({ code: 'storage-corrupt', message: 'n1: bad checksum' });
    expect(error.hint).toContain('/x');
  });

  it('is its last lines when it logged no error of ours', () => {
    expect(explainExit('n1', 'SIGSEGV', 'one\ntwo\n')).toMatchObject({
      code: 'node-failed',
      message: expect.stringContaining('two'),
    });
    expect(explainExit('n1', 'exit code 9', '')).toMatchObject({
      message: expect.stringContaining('its log is empty'),
    });
  });
});
