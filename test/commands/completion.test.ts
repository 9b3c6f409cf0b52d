import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completionScripts } from '../../src/cli/completion/scripts.js';
import { muster } from './run.js';
import { hasShell, patient, Shells } from './shells.js';
import { World } from './world.js';

const world = new World();
const shells = new Shells(world.home);
const here = { bash: hasShell('bash'), zsh: hasShell('zsh'), fish: hasShell('fish') };

/** What `muster __complete` says of these words, with all the time it takes, or as little as it is given. */
async function offered(...words: string[]): Promise<string[]> {
  return offeredIn(patient, ...words);
}
async function offeredIn(env: NodeJS.ProcessEnv, ...words: string[]): Promise<string[]> {
  const ran = await muster(world.home, ['__complete', '--', ...words], { env });
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  return ran.stdout.split('\n').slice(0, -1);
}

beforeAll(async () => {
  await world.ok('cluster', 'start', 'shop', '-n', '2');
  for (const name of ['hits', 'page:1', 'page views']) await world.ok('counter', 'incr', name);
  await world.ok('kv', 'put', "it's", 'x');
  writeFileSync(join(world.home, 'orders.js'), '');
});
afterAll(() => world.end());

describe('muster completion', { timeout: 30_000 }, () => {
  it('prints the script of the shell that is named, or of $SHELL', async () => {
    expect((await world.run('completion', 'fish')).stdout).toBe(completionScripts.fish);
    const env = { SHELL: '/usr/bin/zsh' };
    expect((await muster(world.home, ['completion'], { env })).stdout).toBe(completionScripts.zsh);
    expect((await world.run('completion', 'bash', '--help')).stdout).toContain(
      'source <(muster completion bash)',
    );
  });

  it('says which shells there are', async () => {
    expect(await world.fails(2, 'completion', 'bahs')).toMatchObject({
      code: 'usage',
      message: 'invalid shell "bahs": expected bash, zsh or fish; did you mean bash?',
    });
    const ran = await muster(world.home, ['completion'], { env: { SHELL: '/bin/tcsh' } });
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain('unknown shell: name one of bash, zsh, fish');
  });
});

describe('a Tab', { timeout: 60_000 }, () => {
  it('is answered with commands, flags, and what is on this machine', async () => {
    expect(await offered('conf')).toEqual(['config\tRead and change your settings']);
    expect(await offered('node', 'kill', 'n1', '')).toEqual(['n2\tup']);
    expect(await offered('cluster', 'status', '')).toEqual(['shop\t2 nodes, running']);
    expect(await offered('counter', 'incr', 'hits', '--b')).toEqual(['--by\tamount to add']);
    expect(await offered('cluster', 'deploy', '')).toEqual([':files']);
  });

  it('is answered with what the cluster holds', async () => {
    expect(await offered('counter', 'incr', '')).toEqual(['hits\t1', 'page views\t1', 'page:1\t1']);
    expect(await offered('ring', 'locate', 'it')).toEqual(["it's\tkey"]);
    expect(await offered('route', 'demo.e')).toEqual(['demo.echo\t']);
  });

  it('does not wait for a cluster that hangs', async () => {
    await world.ok('node', 'pause', 'n1', 'n2');
    expect(await offeredIn({}, 'counter', 'incr', '')).toEqual([]);
    expect(await offered('node', 'resume', '')).toEqual(['n1\tpaused', 'n2\tpaused']);
    await world.ok('node', 'resume', 'n1', 'n2');
  });

  it('is answered with nothing where there is no such cluster, and words make no sense', async () => {
    expect(await offered('counter', 'incr', '--cluster', 'nope', '')).toEqual([]);
    expect(await offered('frobnicate', '')).toEqual([]);
    const damaged = join(world.home, '.muster.json');
    writeFileSync(damaged, '{');
    expect(await offered('node', 'kill', 'n1', '')).toEqual(['n2\tup']);
    rmSync(damaged);
  });
});

/** What is typed, and the line as it stands after Tab; %s is for what a shell quotes in its own way. */
const lines: readonly [typed: string, becomes: string][] = [
  ['muster node k', 'muster node kill '],
  ['muster counter incr h', 'muster counter incr hits '],
  ['muster counter incr page:', 'muster counter incr page:1 '],
  ['muster counter incr page\\ ', 'muster counter incr page\\ views '],
  ["muster counter incr 'page ", "muster counter incr 'page views' "],
  ['muster kv get it', "muster kv get it\\'s "],
  ['muster route --strategy=ra', 'muster route --strategy=random '],
  ['muster route --weights n1=2,n2', 'muster route --weights n1=2,n2='],
  ['muster wait --for=mem', 'muster wait --for=members=2 '],
  ['muster cluster start --service=./ord', 'muster cluster start --service=./orders.js '],
];
const typed = lines.map(([line]) => line);
const becomes = lines.map(([, line]) => line);

describe.runIf(here.bash)('in bash', { timeout: 60_000 }, () => {
  it.each([
    ['muster node k', ['kill']],
    ['muster counter incr page:', ['1']],
    ['muster counter incr "page ', ['page views']],
    ['muster counter incr pa', ['page\\ views', 'page:1']],
    ['muster route --compare=random,r', ['random,round-robin']],
    ['muster fault netsplit n1/', ['n1/n2']],
    ['muster wait --for=primary=n', ['n1', 'n2']],
    ['muster cluster deploy ./o', ['-o default']],
    ['muster route --weights n', ['n1=', 'n2=']],
    ['muster route --weights n1', ['-o nospace', 'n1=']],
  ])('%s', async (line, replies) => {
    expect(await shells.bashReplies(line)).toEqual(replies);
  });

  it.runIf(here.zsh)('the line is completed as it stands', async () => {
    expect(await shells.tabbed('bash', typed)).toEqual(becomes);
  });
});

describe.runIf(here.zsh)('in zsh', { timeout: 60_000 }, () => {
  it('the line is completed as it stands', async () => {
    expect(await shells.tabbed('zsh', typed)).toEqual(becomes);
  });
});

describe.runIf(here.fish)('in fish', { timeout: 60_000 }, () => {
  it.each([
    ['muster node k', ['kill\tKill nodes with SIGKILL, as in a power loss']],
    ['muster counter incr page:', ['page:1\t1']],
    ["muster counter incr 'page ", ['page views\t1']],
    ['muster route --strategy=ra', ['--strategy=random']],
    ['muster fault netsplit n1/', ['n1/n2\tup']],
    ['muster cluster start --service=./ord', ['--service=./orders.js']],
  ])('%s', async (line, replies) => {
    expect(await shells.fishReplies(line)).toEqual(replies);
  });
});
