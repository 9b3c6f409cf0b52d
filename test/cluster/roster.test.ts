import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  markerOf,
  markWantedDown,
  readProcessFile,
  readRoster,
  recordProcess,
  writeProcessFile,
} from '../../src/cluster/processes/roster.js';
import { folder } from './helpers.js';

let child: ChildProcess | null = null;
afterEach(() => {
  child?.kill('SIGKILL');
  child = null;
});

describe('the roster', () => {
  it('knows a recorded process as running, and as gone after it was killed', async () => {
    const dir = folder();
    child = spawn(
      process.execPath,
      ['-e', 'console.log(1);setInterval(() => {}, 1000)', '--', markerOf('c', 'n1')],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    await once(child.stdout!, 'data');
    recordProcess(dir, 'c', 'n1', child.pid!);
    expect(readRoster(dir, ['n1', 'n2']).map((row) => row.state)).toEqual(['running', 'gone']);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const [row] = readRoster(dir, ['n1']);
    expect(row).toEqual({ id: 'n1', state: 'gone', process: null });
  });

  it('takes a live process that reuses the pid for gone', () => {
    const dir = folder();
    writeProcessFile(dir, {
      format: 1,
      node: 'n1',
      pid: process.pid,
      started: 'old-boot/5',
      marker: markerOf('c', 'n1'),
      startedAt: 0,
      wanted: 'up',
    });
    expect(readRoster(dir, ['n1'])[0]!.state).toBe('gone');
  });

  it('takes a damaged file, or one that would match anybody, for none', () => {
    const dir = folder();
    mkdirSync(join(dir, 'nodes/n1'), { recursive: true });
    for (const text of [
      '{"pid":',
      'null',
      '{}',
      `{"format":1,"pid":${process.pid},"started":"x","marker":""}`,
    ]) {
      writeFileSync(join(dir, 'nodes/n1/process.json'), text);
      expect(readProcessFile(dir, 'n1')).toBeNull();
    }
  });

  it('remembers that a process was asked to end, and leaves no temporary file', () => {
    const dir = folder();
    writeProcessFile(dir, {
      format: 1,
      node: 'n1',
      pid: 99,
      started: 'x',
      marker: 'm',
      startedAt: 0,
      wanted: 'up',
    });
    markWantedDown(dir, 'n1');
    expect(readProcessFile(dir, 'n1')?.wanted).toBe('down');
    expect(readdirSync(join(dir, 'nodes/n1'))).toEqual(['process.json']);
  });
});
