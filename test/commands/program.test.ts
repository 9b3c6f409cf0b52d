import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder } from '../cluster/helpers.js';
import { muster } from './run.js';

describe('the program', { timeout: 30_000 }, () => {
  it('without words shows help with every topic, on stdout', async () => {
    const { code, stdout } = await muster(folder(), []);
    expect(code).toBe(0);
    for (const topic of [
      'cluster',
      'node',
      'ring',
      'kv',
      'counter',
      'lock',
      'tx',
      'fault',
      'config',
      'context',
    ])
      expect(stdout).toContain(`  ${topic} `);
  });

  it('shows examples in the help of a command', async () => {
    const { code, stdout } = await muster(folder(), ['counter', 'incr', '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('$ muster counter incr hits --by 5');
  });

  it('refuses an unknown command with exit code 2 and a guess, leaving stdout empty', async () => {
    const ran = await muster(folder(), ['cluster', 'strat']);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain('did you mean `muster cluster start`');
    expect(ran.stderr).toContain('Took effect: no.');
  });

  it('prints errors of usage as one JSON value with --json', async () => {
    const { code, stdout, stderr } = await muster(folder(), [
      'counter',
      'incr',
      'hits',
      '--by',
      'x',
      '--json',
    ]);
    expect(code).toBe(2);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout).error).toMatchObject({
      code: 'usage',
      tookEffect: 'no',
      hint: 'See `muster counter incr --help`.',
    });
  });

  it('says which cluster there is not', async () => {
    const { code, stdout } = await muster(folder(), ['cluster', 'status', 'nope', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout).error).toMatchObject({
      code: 'unknown-cluster',
      message: 'unknown cluster "nope"',
    });
  });

  it('lists no clusters as an empty list', async () => {
    expect(await muster(folder(), ['cluster', 'list', '--json'])).toMatchObject({ code: 0, stdout: '[]\n' });
  });

  it.each([
    [['-n', '0'], 'invalid node count "0"'],
    [['-n', '2', '--replicas', '3'], 'invalid replica count "3"'],
    [['--weights', 'n9=2'], 'expected n1 to n3'],
    [['--port', '70000'], 'invalid port "70000"'],
    [['../x'], 'invalid cluster name "../x"'],
  ])('refuses `cluster start %j` before it makes anything', async (args, said) => {
    const home = folder();
    const { code, stderr } = await muster(home, ['cluster', 'start', ...args]);
    expect(stderr).toContain(said);
    expect(code).toBe(2);
    expect(readdirSync(home)).toEqual([]);
  });

  it('never asks in a pipe: destroying needs --yes', async () => {
    const home = folder();
    const { code, stderr } = await muster(home, ['cluster', 'destroy', 'nope']);
    expect(code).toBe(2);
    expect(stderr).toContain('unknown cluster "nope"');
  });
});

describe('config and context', { timeout: 30_000 }, () => {
  it('set, show and unset a setting', async () => {
    const home = folder();
    expect(await muster(home, ['config', 'set', 'timeout', '5s'])).toMatchObject({ code: 0, stdout: '' });
    expect(await muster(home, ['config', 'get', 'timeout'])).toMatchObject({ code: 0, stdout: '5s\n' });
    const list = await muster(home, ['config', 'list', '--json'], { env: { MUSTER_CLUSTER: 'shop' } });
    expect(JSON.parse(list.stdout)).toMatchObject([
      { key: 'cluster', value: 'shop', from: 'environment' },
      { key: 'timeout', value: '5s', from: 'user config' },
      { key: 'color', value: null, from: null },
    ]);
    await muster(home, ['config', 'set', 'timeout']);
    expect(await muster(home, ['config', 'get', 'timeout'])).toMatchObject({ code: 1, stdout: '' });
  });

  it('say which cluster is meant and why, the project file before the user configuration', async () => {
    const home = folder();
    await muster(home, ['config', 'set', 'cluster', 'mine']);
    writeFileSync(join(home, '.muster.json'), '{"cluster":"project"}');
    const { stdout } = await muster(home, ['context', 'show', '--json']);
    expect(JSON.parse(stdout)).toEqual({ cluster: 'project', from: 'project file', exists: false });
    expect(readFileSync(join(home, 'config/config.json'), 'utf8')).toContain('mine');
  });
});
