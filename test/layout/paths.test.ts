import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  checkName,
  clusterDir,
  clusterFile,
  configHome,
  dataHome,
  faultsFile,
  mapDir,
  readClusterFile,
  requireNode,
} from '../../src/layout/paths.js';
import { clusterFileOf, folder } from '../cluster/helpers.js';

describe('folders', () => {
  it('are those of XDG, and MUSTER_HOME goes before', () => {
    expect(dataHome({ XDG_DATA_HOME: '/x/data' })).toBe('/x/data/muster');
    expect(configHome({ XDG_CONFIG_HOME: '/x/config' })).toBe('/x/config/muster');
    expect(dataHome({ XDG_DATA_HOME: '/x', MUSTER_HOME: '/m' })).toBe('/m');
    expect(configHome({ MUSTER_HOME: '/m' })).toBe('/m/config');
    expect(clusterDir('shop', { MUSTER_HOME: '/m' })).toBe('/m/clusters/shop');
  });

  it('ignore a relative XDG folder, as the specification asks', () => {
    expect(dataHome({ XDG_DATA_HOME: 'data' })).toMatch(/\/\.local\/share\/muster$/);
  });
});

describe('names', () => {
  it.each(['a', 'shop-2', 'A.b_c', '9'])('may be %s', (name) => {
    expect(checkName('cluster', name)).toBe(name);
  });

  it.each(['', '.', '..', '../x', 'a/b', '-x', '.new-1', 'a b', 'ä', 'x'.repeat(41), 'a\n'])(
    'may not be %j',
    (name) => {
      expect(() => checkName('cluster', name)).toThrowError(
        expect.objectContaining({ code: 'usage', exit: 2 }),
      );
    },
  );
});

describe('cluster.json', () => {
  it('that is not there means an unknown cluster', () => {
    expect(() => readClusterFile(folder())).toThrowError(
      expect.objectContaining({ code: 'unknown-cluster' }),
    );
  });

  it.each(['', '{', 'null', '{"format":2}'])('damaged like %j is refused', (text) => {
    const dir = folder();
    writeFileSync(clusterFile(dir), text);
    expect(() => readClusterFile(dir)).toThrowError(expect.objectContaining({ code: 'storage-corrupt' }));
  });

  it('names the nodes there are when one is unknown', () => {
    expect(() => requireNode(clusterFileOf(2), 'n9')).toThrowError(
      /unknown node "n9": the nodes of cluster ".*" are n1, n2/,
    );
  });
});

describe('the file of the network faults', () => {
  it('is one for all data folders that share a cluster map', () => {
    const [home, guest] = [folder(), folder()];
    mkdirSync(mapDir(home));
    symlinkSync(mapDir(home), mapDir(guest));
    expect(faultsFile(home)).toBe(join(home, 'faults.json'));
    expect(faultsFile(guest)).toBe(faultsFile(home));
  });
});
