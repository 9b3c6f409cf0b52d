import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { World } from '../commands/world.js';
import { hasTmux, Terminal } from './terminal.js';

describe.runIf(hasTmux)('the interactive mode, on a terminal', { timeout: 60_000 }, () => {
  const world = new World();
  let terminal: Terminal;
  const open = (options: ConstructorParameters<typeof Terminal>[1] = {}): Terminal => {
    terminal = new Terminal(world.home, options);
    return terminal;
  };
  beforeAll(async () => {
    await world.run('cluster', 'start', 'shop', '-n', '3');
  });
  afterEach(() => terminal.end());
  afterAll(() => world.end());

  it('starts a cluster, with an answer to each question, and says what it typed', async () => {
    const t = open();
    t.run('muster');
    await t.sees('Which cluster?');
    t.type('new');
    await t.sees('❯ Start a new cluster');
    t.keys('Enter');
    await t.sees('Cluster name?');
    t.type('second');
    await t.sees('❯ second');
    t.keys('Enter');
    await t.sees('How many nodes?');
    t.type('x');
    await t.sees('expected a whole number, 1 or more');
    t.keys('BSpace');
    await t.sees('❯ 3');
    t.keys('Down', 'Up');
    t.keys('Enter');
    await t.sees('$ muster cluster start second -n 3');
    await t.sees(/second · 3 nodes up/);
    t.type('destroy');
    await t.sees('❯ Destroy the cluster');
    t.keys('Enter');
    await t.sees('Delete the cluster and all its data?');
    t.type('y');
    await t.sees('❯ yes');
    t.keys('Enter');
    await t.sees('cluster second destroyed');
    await t.sees('Which cluster?');
    t.keys('Escape');
    await t.sees(/\n\$$/);
    expect(world.folders()).toEqual(['shop']);
  });

  it('shows in its header what happens elsewhere, and offers what makes sense then', async () => {
    const t = open();
    t.run('muster interactive --cluster shop');
    await t.sees('3 nodes up');
    t.type('start a node');
    await t.sees('no match');
    await world.ok('node', 'kill', 'n2');
    await t.sees('○ n2 down');
    await t.sees('❯ Start a node');
    t.keys('Enter');
    await t.sees(/Which node\?\n❯ n2\n/);
    t.keys('Enter');
    await t.sees('$ muster node start n2');
    await t.sees('n2 started');
    await t.sees('3 nodes up');
    t.keys('C-c');
    await t.sees(/\n\$$/);
  });

  it('does nothing when the answer is no, or Escape', async () => {
    const t = open();
    t.run('muster interactive --cluster shop');
    await t.sees('What next?');
    t.type('kill a');
    await t.sees('❯ Kill a node');
    t.keys('Enter');
    await t.sees(/Which node\?\n❯ n1/);
    t.keys('Enter');
    await t.sees('Kill n1?');
    t.keys('Enter');
    await t.sees(/What next\?\nData/);
    t.type('count');
    t.keys('Enter');
    await t.sees('Which counter?');
    t.keys('Escape');
    await t.sees(/What next\?\nData/);
    const { nodes } = await world.ok('cluster', 'status', 'shop');
    expect(nodes.map(({ state }: { state: string }) => state)).toEqual(['up', 'up', 'up']);
  });

  it('leaves at Ctrl-C at each prompt, with the terminal as it was', async () => {
    const t = open();
    const stops: (readonly string[])[] = [[], ['kill a'], ['kill a', ''], ['store', 'greeting']];
    for (const typed of stops) {
      t.run('muster interactive --cluster shop');
      await t.sees('What next?');
      for (const [i, text] of typed.entries()) {
        t.type(text);
        await t.sees(i === 0 ? /❯ (Kill a node|Store a value)/ : text === '' ? '❯ n1' : '❯ greeting');
        t.keys('Enter');
        await t.sees(i === 0 ? /Which (node|key)\?/ : /Kill n1\?|Which value\?/);
      }
      t.keys('C-c');
      await t.sees(/\n\$$/);
      t.run('echo "still $((6 * 7))"');
      await t.sees('still 42');
      await t.clear();
    }
  });

  it('fits a small window, a wide one, and one that changes', async () => {
    const t = open({ columns: 60, rows: 16 });
    t.run('muster interactive --cluster shop');
    await t.sees('❯ Count');
    const small = await t.sees('What next?');
    expect(small.split('\n').length).toBeLessThanOrEqual(16);
    expect(small).not.toContain('Kill a node');
    t.resize(140, 40);
    // What was there before shows the cursor too: only a picture for the new size has room for this.
    expect(await t.sees('Kill a node')).toContain('❯ Count');
    t.resize(60, 16);
    await t.sees(/^(?![\s\S]*Kill a node)[\s\S]*❯ Count/);
    t.keys('Escape');
    await t.sees('Which cluster?');
  });

  it.each([
    ['NO_COLOR', { NO_COLOR: '1' }, false],
    ['colours', {}, true],
  ])('with %s', async (_name, env, colored) => {
    const t = open({ env });
    t.run('muster interactive --cluster shop');
    await t.sees('What next?');
    expect(/\u001b\[3[1-6]m/.test(t.screen(true))).toBe(colored);
  });

  it('keeps to ASCII where the locale has nothing else', async () => {
    const t = open({ env: { LC_ALL: 'C' } });
    t.run('muster interactive --cluster shop');
    await t.sees('> Count');
    expect(t.screen()).not.toMatch(/[^\u0000-\u007e]/);
  });

  it('is not begun where nobody could answer', async () => {
    const t = open();
    t.run(
      'CI=1 muster | head -3; muster </dev/null | head -3; muster interactive </dev/null; echo "exit $?"',
    );
    await t.sees('exit 2');
    const screen = t.screen();
    expect(screen.match(/^Gather nodes into a cluster/gm)).toHaveLength(2);
    expect(screen).toContain('menus need a terminal');
    expect(screen).not.toContain('What next?');
  });
});
