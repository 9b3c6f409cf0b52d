import { describe, expect, it } from 'vitest';
import { parseCondition } from '../../src/cluster/observe/wait.js';
import { byRole, checkSafeToKill, pickNodes } from '../../src/cluster/processes/nodes.js';
import type { RosterRow } from '../../src/cluster/processes/roster.js';
import { clusterFileOf, mapOf } from './helpers.js';

const up = (...ids: string[]): RosterRow[] => ids.map((id) => ({ id, state: 'running', process: null }));

describe('whether a node is safe to kill', () => {
  it('yes, while enough live in-sync replicas remain of every partition it holds', () => {
    expect(() =>
      checkSafeToKill(mapOf(3, 3, 2, [['n1', 'n2', 'n3']]), up('n1', 'n2', 'n3'), 'n1'),
    ).not.toThrow();
  });

  it('no, when a partition would be left with fewer than min-in-sync', () => {
    const map = mapOf(3, 3, 2, [
      ['n1', 'n2', 'n3'],
      ['n1', 'n2'],
    ]);
    expect(() => checkSafeToKill(map, up('n1', 'n2', 'n3'), 'n1')).toThrowError(
      expect.objectContaining({
        code: 'not-safe',
        exit: 1,
        message: expect.stringContaining('1 of 2 partitions (first: 1)'),
      }),
    );
  });

  it('no, when the other holders are dead or paused', () => {
    const map = mapOf(3, 3, 2, [['n1', 'n2', 'n3']]);
    expect(() => checkSafeToKill(map, up('n1', 'n2'), 'n1')).toThrowError(
      expect.objectContaining({ code: 'not-safe' }),
    );
    const paused: RosterRow[] = [...up('n1', 'n2'), { id: 'n3', state: 'stopped', process: null }];
    expect(() => checkSafeToKill(map, paused, 'n1')).toThrowError(
      expect.objectContaining({ code: 'not-safe' }),
    );
  });

  it('yes, for a node that holds nothing in sync', () => {
    expect(() => checkSafeToKill(mapOf(3, 2, 1, [['n1', 'n2']]), up('n1', 'n3'), 'n3')).not.toThrow();
  });
});

describe('picking nodes', () => {
  const map = mapOf(3, 3, 2, [['n2', 'n1', 'n3']]);

  it('by role finds the primary and the first live backup of a key', () => {
    expect(byRole(map, up('n1', 'n2', 'n3'), 'primary', 'any')).toBe('n2');
    expect(byRole(map, up('n2', 'n3'), 'backup', 'any')).toBe('n3');
  });

  it('by role is refused when there is no backup in sync', () => {
    expect(() => byRole(mapOf(1, 1, 1, [['n1']]), up('n1'), 'backup', 'any')).toThrowError(
      expect.objectContaining({ code: 'node-state' }),
    );
  });

  it('by name takes each once, all for "all", and refuses an unknown one', () => {
    expect(pickNodes(clusterFileOf(3), ['n2', 'n2', 'n1'])).toEqual(['n2', 'n1']);
    expect(pickNodes(clusterFileOf(2), ['all'])).toEqual(['n1', 'n2']);
    expect(() => pickNodes(clusterFileOf(2), ['n3'])).toThrowError(
      expect.objectContaining({ code: 'unknown-node' }),
    );
  });
});

describe('what can be waited for', () => {
  it('is ready, members=N, in-sync and primary=ID', () => {
    expect(parseCondition('ready', null)).toEqual({ kind: 'ready' });
    expect(parseCondition('members=5', null)).toEqual({ kind: 'members', count: 5 });
    expect(parseCondition('in-sync', null)).toEqual({ kind: 'in-sync' });
    expect(parseCondition('primary=n2', 'hits')).toEqual({ kind: 'primary', node: 'n2', of: 'hits' });
  });

  it.each(['', 'redy', 'members', 'members=x', 'members=-1', 'ready=1', 'primary='])('is not %j', (text) => {
    expect(() => parseCondition(text, null)).toThrowError(expect.objectContaining({ code: 'usage' }));
  });
});
