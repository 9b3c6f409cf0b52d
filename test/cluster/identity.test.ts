import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { identify, isAlive, signal, stateOf, waitGone } from '../../src/cluster/processes/identity.js';

const children: ChildProcess[] = [];

/** A process that lives until it is ended, with `marker` on its command line; `first` runs before it says so. */
async function live(marker: string, first = ''): Promise<number> {
  const script = `${first};console.log(1);setInterval(() => {}, 1000)`;
  const child = spawn(process.execPath, ['-e', script, '--', marker], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.push(child);
  await once(child.stdout!, 'data');
  return child.pid!;
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

describe('the identity of a process', () => {
  it('is alive while the process runs, and gone after it ended', async () => {
    const identity = identify(await live('--mark=a'), '--mark=a')!;
    expect(stateOf(identity)).toBe('running');
    expect(signal(identity, 'SIGKILL')).toBe(true);
    expect(await waitGone(identity, 5000)).toBe(true);
    expect(isAlive(identity)).toBe(false);
    expect(signal(identity, 'SIGTERM')).toBe(false);
  });

  it.runIf(process.platform === 'linux')('is not gone while the kernel still takes it apart', async () => {
    // Much memory takes long to give back. Meanwhile the command line is gone, but files and ports are held.
    const pid = await live('--mark=big', 'globalThis.big = Buffer.alloc(5e8, 1)');
    const identity = identify(pid, '--mark=big')!;
    process.kill(pid, 'SIGKILL');
    let dying = 0;
    for (;;) {
      const gone = !isAlive(identity);
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const threads = Number(/^Threads:\s+(\d+)/m.exec(status)![1]);
      if (/^State:\s+Z/m.test(status) && threads === 1) break;
      expect(gone).toBe(false);
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8') === '') dying++;
    }
    expect(dying).toBeGreaterThan(0);
    expect(isAlive(identity)).toBe(false);
  });

  it('is not that of another process under the same pid: never signalled', async () => {
    const pid = await live('--mark=b');
    const now = identify(pid, '--mark=b')!;
    const earlier = { ...now, started: 'another-boot/1' };
    expect(stateOf(earlier)).toBe('gone');
    expect(signal(earlier, 'SIGKILL')).toBe(false);
    expect(isAlive(now)).toBe(true);
  });

  it('is not that of a process without the marker on its command line', async () => {
    const now = identify(await live('--mark=c'), '--mark=c')!;
    expect(signal({ ...now, marker: '--mark=other' }, 'SIGKILL')).toBe(false);
    expect(isAlive(now)).toBe(true);
  });

  it('tells a stopped process from a running one', async () => {
    const identity = identify(await live('--mark=d'), '--mark=d')!;
    signal(identity, 'SIGSTOP');
    await expect.poll(() => stateOf(identity)).toBe('stopped');
    signal(identity, 'SIGCONT');
    await expect.poll(() => stateOf(identity)).toBe('running');
  });

  it('never is that of init, of a process group, or of everybody', () => {
    for (const pid of [1, 0, -1, -process.pid, Number.NaN]) {
      expect(stateOf({ pid, started: 'x', marker: '' })).toBe('gone');
    }
  });

  it('is null when there is no such process', () => {
    expect(identify(2 ** 30, 'x')).toBeNull();
  });
});
