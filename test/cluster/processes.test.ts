import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { supervise } from '../../src/cluster/lifecycle/foreground.js';
import { endProcesses } from '../../src/cluster/lifecycle/stop.js';
import { signal, stateOf, waitGone } from '../../src/cluster/processes/identity.js';
import { type Launched, launchNode } from '../../src/cluster/processes/launch.js';
import { readProcessFile, readRoster } from '../../src/cluster/processes/roster.js';
import { nodeLogFile } from '../../src/layout/paths.js';
import { clusterFileOf, folder } from './helpers.js';

const file = clusterFileOf(2);
const launched: Launched[] = [];
const program = (name: string) => ({ execArgv: [], file: join(import.meta.dirname, `programs/${name}.mjs`) });
const said = (dir: string, id: string) => readFileSync(nodeLogFile(dir, id), 'utf8');

function launch(dir: string, id: string, name: string): Launched {
  const node = launchNode(dir, file, id, { entry: program(name) });
  launched.push(node);
  return node;
}

afterEach(async () => {
  for (const { process } of launched.splice(0)) {
    if (!process) continue;
    signal(process, 'SIGKILL');
    await waitGone(process, 5000);
  }
});

describe('launching a node', () => {
  it('writes it into the roster at once, and its output into its log', async () => {
    const dir = folder();
    const { process } = launch(dir, 'n1', 'lives');
    expect(readProcessFile(dir, 'n1')).toEqual(process);
    await expect.poll(() => said(dir, 'n1')).toBe('lives\n');
    expect(readRoster(dir, ['n1', 'n2']).map((row) => row.state)).toEqual(['running', 'gone']);
  });

  it('is refused while it runs', () => {
    const dir = folder();
    launch(dir, 'n1', 'lives');
    expect(() => launch(dir, 'n1', 'lives')).toThrowError(expect.objectContaining({ code: 'node-state' }));
  });

  it('that ends at once tells why, from its log of this start only', async () => {
    const dir = folder();
    expect(await launch(dir, 'n1', 'fails').ended).toMatchObject({
      code: 'port-taken',
      message: 'n1: port 7001 is in use',
      tookEffect: 'no',
    });
    const missing = await launch(dir, 'n1', 'is-not-there').ended;
    expect(missing).toMatchObject({ code: 'node-failed', message: expect.stringContaining('is-not-there') });
  });
});

describe('ending processes', () => {
  it('ends one that is willing, and kills one that is not', async () => {
    const dir = folder();
    launch(dir, 'n1', 'lives');
    launch(dir, 'n2', 'stubborn');
    await expect.poll(() => said(dir, 'n1') + said(dir, 'n2')).toBe('lives\nlives\n');
    const ended = await endProcesses(dir, readRoster(dir, ['n1', 'n2']), 300);
    expect(ended.map((n) => [n.id, n.killed])).toEqual([
      ['n1', false],
      ['n2', true],
    ]);
    expect(readRoster(dir, ['n1', 'n2']).map((row) => row.state)).toEqual(['gone', 'gone']);
    expect(readProcessFile(dir, 'n1')?.wanted).toBe('down');
  });

  it('ends one that is paused, gracefully', async () => {
    const dir = folder();
    const { process } = launch(dir, 'n1', 'lives');
    await expect.poll(() => said(dir, 'n1')).toBe('lives\n');
    signal(process!, 'SIGSTOP');
    await expect.poll(() => stateOf(process!)).toBe('stopped');
    expect(await endProcesses(dir, readRoster(dir, ['n1']), 5000)).toMatchObject([
      { id: 'n1', killed: false },
    ]);
  });
});

describe('watching over nodes', () => {
  const watch = (dir: string, nodes: readonly Launched[], restart: 'on-failure' | 'never', name: string) => {
    const events: string[] = [];
    const lines: string[] = [];
    const stop = new AbortController();
    const over = supervise({ dir, file, roster: [] }, nodes, new Map(), {
      restart,
      signal: stop.signal,
      line: ({ node, text }) => lines.push(`${node} ${text}`),
      event: (text) => events.push(text),
      entry: program(name),
    });
    return { events, lines, stop, over };
  };

  it('shows logs, and starts a killed node again as another process', async () => {
    const dir = folder();
    const first = launch(dir, 'n1', 'lives');
    const { events, lines, stop, over } = watch(dir, [first], 'on-failure', 'lives');
    await expect.poll(() => lines).toEqual(['n1 lives']);
    signal(first.process!, 'SIGKILL');
    await expect.poll(() => lines, { timeout: 5000 }).toEqual(['n1 lives', 'n1 lives']);
    expect(events[0]).toContain('n1 exited (SIGKILL), restarting');
    const second = readProcessFile(dir, 'n1')!;
    expect(second.pid).not.toBe(first.process!.pid);
    stop.abort();
    await over;
    await endProcesses(dir, readRoster(dir, ['n1']), 5000);
  });

  it('does not start one again that was asked to end, that ended well, or by policy', async () => {
    const dir = folder();
    const asked = launch(dir, 'n1', 'stubborn');
    const killed = launch(dir, 'n2', 'lives');
    const a = watch(dir, [asked], 'on-failure', 'lives');
    const b = watch(dir, [killed], 'never', 'lives');
    await expect.poll(() => said(dir, 'n1')).toBe('lives\n');
    await endProcesses(dir, readRoster(dir, ['n1']), 100);
    signal(killed.process!, 'SIGKILL');
    await Promise.all([a.over, b.over]);
    expect(a.events).toEqual(['n1 exited (SIGKILL)']);
    expect(b.events).toEqual(['n2 exited (SIGKILL)']);
  });
});
