import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { World } from '../commands/world.js';
import { hasTmux, Terminal } from './terminal.js';

describe.runIf(hasTmux)('muster shell, on a terminal', { timeout: 60_000 }, () => {
  const world = new World();
  let terminal: Terminal;
  const open = async (options: ConstructorParameters<typeof Terminal>[1] = {}): Promise<Terminal> => {
    terminal = new Terminal(world.home, options);
    terminal.run('muster shell');
    await terminal.sees('Ctrl-D exits');
    await terminal.sees(/default [❯>]$/);
    return terminal;
  };
  const history = (): string => join(world.home, 'config/history.json');
  beforeAll(async () => {
    await world.run('cluster', 'start', '-n', '3');
  });
  afterEach(() => terminal.end());
  afterAll(() => world.end());

  it('runs what is typed, several on a line, over lines, with captured values', async () => {
    const t = await open();
    t.run('counter incr hits --by 4; capture n; counter incr "$n of them" # a comment');
    await t.sees(/hits 4\n4 of them 1\n/);
    t.run('kv put greeting "hello');
    await t.sees(/\n…$/);
    t.run('world"; kv get greeting');
    await t.sees('hello\nworld');
    t.run('repeat 3');
    t.run('counter incr again');
    t.run('end');
    await t.sees(/again 1\nagain 2\nagain 3\n/);
    t.run('expect = 4');
    await t.sees('no command above to check');
    t.run('counter get again; expect = 4');
    await t.sees('expected 4, got 3');
  });

  it('takes lines that were pasted together one by one, and leaves the last to be finished', async () => {
    const t = await open();
    t.paste('counter incr pasted\nrepeat 2\n  counter incr pasted\nend\ncounter get pas');
    await t.sees(/pasted 1\n[\s\S]*pasted 2\npasted 3\n[\s\S]*❯ counter get pas$/);
    t.run('ted --by 1');
    await t.sees('--by');
    t.run('counter get pasted');
    await t.sees(/❯ counter get pasted\npasted 3/);
  });

  it('ends the command that runs at Ctrl-C, drops what is typed, and leaves at Ctrl-D', async () => {
    const t = await open();
    t.run('wait --for members=9 --timeout 60s');
    await t.sees('waiting for members=9');
    t.keys('C-c');
    await t.sees(/interrupted[\s\S]*default ❯$/);
    t.type('counter incr nev');
    t.keys('C-c');
    await t.sees(/nev\^C\ndefault ❯$/);
    // In one piece with the line it is for: nothing is begun.
    t.type('counter incr never');
    t.keys('Enter', 'C-c');
    await t.sees(/incr never\n\^C\nError: interrupted\nTook effect: no[\s\S]*default ❯$/);
    t.run('counter get never');
    await t.sees(/\nnever 0\ndefault ❯$/);
    t.run('wait 60s');
    t.keys('C-c');
    await t.sees(/default ❯ wait 60s\n\^C[\s\S]*interrupted[\s\S]*default ❯$/);
    t.keys('C-d');
    await t.sees(/default ❯\n\$$/);
    t.run('echo "exit $?"');
    await t.sees('exit 130');
  });

  it('keeps its history across runs, readable by nobody else, and survives a damaged file', async () => {
    const t = await open();
    t.run('counter get remembered');
    await t.sees('remembered 0');
    t.run('exit');
    await t.sees(/\n\$$/);
    t.run('clear; muster shell');
    await t.sees(/default ❯$/);
    t.keys('Up', 'Up');
    await t.sees(/❯ counter get remembered$/);
    t.keys('C-c');
    await t.sees(/remembered\^C\ndefault ❯$/);
    t.keys('C-d');
    expect(statSync(history()).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(history(), 'utf8')).lines[0]).toBe('exit');
    writeFileSync(history(), '{"lines": [');
    await t.sees(/\n\$$/);
    t.run('clear; muster shell');
    await t.sees('is damaged');
    t.run('counter get afterwards');
    await t.sees('afterwards 0');
    expect(JSON.parse(readFileSync(history(), 'utf8')).lines).toEqual(['counter get afterwards']);
  });

  it('asks for what is missing, and a command line does so too', async () => {
    const t = await open();
    t.run('node pause');
    await t.sees('Which node?');
    t.keys('Down', 'Enter');
    await t.sees(/n2 paused/);
    t.run('node resume n2; counter incr');
    await t.sees('Which counter?');
    t.type('asked');
    await t.sees('❯ asked');
    t.keys('Enter');
    await t.sees('asked 1');
    t.run('counter incr --no-input');
    await t.sees('missing argument: name');
    t.keys('C-d');
    await t.sees(/\n\$$/);
    t.run('clear; muster wait');
    await t.sees('ready, members=N');
    t.type('ready');
    await t.sees('❯ ready');
    t.keys('Enter');
    await t.sees('ready after');
    t.run('clear; muster wait; echo "exit $?"');
    await t.sees('ready, members=N');
    t.keys('Escape');
    await t.sees('exit 2');
    t.run('clear; muster wait; echo "exit $?"');
    await t.sees('ready, members=N');
    t.keys('C-c');
    await t.sees('exit 130');
  });

  it('completes with Tab: commands, flags, nodes, keys', async () => {
    const t = await open();
    await world.ok('kv', 'put', 'customers/ada', '1');
    await world.ok('kv', 'put', 'customers/bob', '2');
    t.type('node ki');
    t.keys('Tab');
    await t.sees(/❯ node kill $|❯ node kill$/);
    t.type('--if');
    t.keys('Tab');
    await t.sees('node kill --if-safe');
    t.type('n');
    await t.sees(/--if-safe n$/);
    await t.presses('Tab', /n1\s+n2\s+n3/);
    t.keys('C-c');
    await t.sees(/\^C\n[^\n]*❯ ?$/);
    t.type('kv get cus');
    t.keys('Tab');
    await t.sees('kv get customers/');
    await t.presses('Tab', /customers\/ada\s+customers\/bob/);
    t.run('ada');
    await t.sees(/❯ kv get customers\/ada\n1\n/);
  });
});
