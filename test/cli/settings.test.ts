import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  checkSetting,
  readProjectFile,
  readSettings,
  resolveSetting,
  settingsFile,
  writeSetting,
} from '../../src/cli/settings.js';
import { folder } from '../cluster/helpers.js';

const silent = () => {};
let home: string;
const before = { cwd: process.cwd(), home: process.env.MUSTER_HOME };

beforeEach(() => {
  home = folder();
  process.env.MUSTER_HOME = home;
});
afterEach(() => {
  if (before.home === undefined) delete process.env.MUSTER_HOME;
  else process.env.MUSTER_HOME = before.home;
});

describe('settings', () => {
  it('that were set are read again, and forgotten on demand', async () => {
    await writeSetting('cluster', 'shop');
    await writeSetting('timeout', '30s');
    expect(readSettings(silent)).toEqual({ cluster: 'shop', timeout: '30s' });
    await writeSetting('timeout', null);
    expect(readSettings(silent)).toEqual({ cluster: 'shop' });
    expect(statSync(settingsFile()).mode & 0o077).toBe(0);
  });

  it.each(['{"cluster":', '[]', 'null', '"x"', ''])(
    'in a damaged file (%j) are warned of, kept aside, and defaults hold',
    (text) => {
      mkdirSync(join(home, 'config'));
      writeFileSync(settingsFile(), text);
      const warnings: string[] = [];
      expect(readSettings((w) => warnings.push(w))).toEqual({});
      expect(warnings).toHaveLength(1);
      const [aside] = readdirSync(join(home, 'config'));
      expect(aside).toMatch(/^config\.json\.damaged-/);
      expect(readFileSync(join(home, 'config', aside!), 'utf8')).toBe(text);
    },
  );

  it('in a damaged file stay where they are when nobody can be told', () => {
    mkdirSync(join(home, 'config'));
    writeFileSync(settingsFile(), '{');
    expect(readSettings(null)).toEqual({});
    expect(readFileSync(settingsFile(), 'utf8')).toBe('{');
  });

  it('can be set after the file was damaged', async () => {
    mkdirSync(join(home, 'config'));
    writeFileSync(settingsFile(), '{');
    await writeSetting('cluster', 'shop');
    expect(readSettings(silent)).toEqual({ cluster: 'shop' });
    expect(readdirSync(join(home, 'config'))).toHaveLength(2);
  });

  it('are checked', () => {
    expect(checkSetting('timeout', '5s')).toBe('timeout');
    for (const [key, value] of [
      ['colour', 'x'],
      ['timeout', 'soon'],
      ['color', 'pink'],
      ['__proto__', 'x'],
    ]) {
      expect(() => checkSetting(key!, value)).toThrowError(expect.objectContaining({ code: 'usage' }));
    }
  });

  it('hold by precedence: flag, environment, project file, user configuration', async () => {
    expect(resolveSetting('cluster', undefined, silent, { MUSTER_HOME: home })).toBeNull();
    await writeSetting('cluster', 'user');
    expect(resolveSetting('cluster', undefined, silent, { MUSTER_HOME: home })).toEqual({
      value: 'user',
      from: 'user config',
    });
    expect(
      resolveSetting('cluster', undefined, silent, { MUSTER_HOME: home, MUSTER_CLUSTER: 'env' }),
    ).toEqual({ value: 'env', from: 'environment' });
    expect(resolveSetting('cluster', 'flag', silent, { MUSTER_CLUSTER: 'env' })).toEqual({
      value: 'flag',
      from: 'flag',
    });
  });

  it('of a project are found in the folder or above', () => {
    mkdirSync(join(home, 'a/b'), { recursive: true });
    writeFileSync(join(home, '.muster.json'), '{"cluster":"project","unknown":1}');
    expect(readProjectFile(silent, join(home, 'a/b'))).toEqual({
      path: join(home, '.muster.json'),
      settings: { cluster: 'project' },
    });
    writeFileSync(join(home, 'a/.muster.json'), '{');
    const warnings: string[] = [];
    expect(readProjectFile((w) => warnings.push(w), join(home, 'a/b'))).toBeNull();
    expect(warnings[0]).toContain('a/.muster.json');
  });
});
