import { describe, expect, it } from 'vitest';
import { nothingYet } from '../../src/cluster/observe/observer.js';
import { Screen, type Terminal } from '../../src/watch/screen.js';
import { keysOf, onKey, startingView, type View } from '../../src/watch/view.js';
import { look } from './states.js';

/** The view after these keys, and what the last of them asked for. */
const press = (keys: readonly string[], from: View = startingView, on = look) =>
  keys.reduce((last, key) => onKey(last.view, key, on), { view: from, effect: null } as ReturnType<
    typeof onKey
  >);

describe('the keys of `muster watch`', () => {
  it('select a node, and stop at both ends', () => {
    const selected = (...keys: string[]) => press(keys).view.selected;
    expect(selected('down')).toBe('n2');
    expect(selected('j', 'j', 'j', 'j')).toBe('n3');
    expect(selected('j', 'k', 'up')).toBe('n1');
  });

  it('ask before they take a node away, and do nothing without a y', () => {
    expect(press(['K'])).toMatchObject({ view: { asking: { kind: 'kill', node: 'n1' } }, effect: null });
    expect(press(['K', 'y']).effect).toEqual({ kind: 'act', action: { kind: 'kill', node: 'n1' } });
    for (const no of ['n', 'q', '\u001b', '\r'])
      expect(press(['K', no])).toMatchObject({
        view: { asking: null, notice: { bad: false } },
        effect: null,
      });
    expect(press(['p', 'y']).effect).toEqual({ kind: 'act', action: { kind: 'pause', node: 'n1' } });
    expect(press(['r', 'y']).effect).toEqual({ kind: 'act', action: { kind: 'restart', node: 'n1' } });
  });

  it('do what fits the state of the node: a dead one is started, and cannot be killed', () => {
    expect(press(['j', 'r']).effect).toEqual({ kind: 'act', action: { kind: 'start', node: 'n2' } });
    expect(press(['j', 'K'])).toMatchObject({
      view: { notice: { text: 'n2 is already down' } },
      effect: null,
    });
    expect(press(['h']).effect).toEqual({ kind: 'act', action: { kind: 'heal' } });
  });

  it('leave at any time by Ctrl-C, by q when nothing is asked, and show help', () => {
    const leave = { kind: 'leave' };
    expect(press(['q']).effect).toEqual(leave);
    expect(press(['K', '\u0003']).effect).toEqual(leave);
    expect(press(['?']).view.help).toBe(true);
    expect(press(['?', 'x'])).toMatchObject({ view: { help: false }, effect: null });
    expect(press(['?', 'q']).effect).toEqual(leave);
  });

  it('do nothing where there is no node', () => {
    for (const key of ['K', 'p', 'r', 'j', 'up'])
      expect(press([key], startingView, nothingYet)).toMatchObject({ view: { asking: null }, effect: null });
  });

  it('come several at once', () => {
    expect(keysOf('\u001b[Aj\u001bOBK\u001b[5~滅')).toEqual(['up', 'j', 'down', 'K', '\u001b[5~', '滅']);
  });
});

describe('the screen', () => {
  const made = () => {
    let written = '';
    const listeners = new Map<string, (data: string) => void>();
    const modes: boolean[] = [];
    const stream = {
      columns: 80,
      rows: 24,
      writableNeedDrain: false,
      write: (text: string) => {
        written += text;
        return true;
      },
      on: (name: string, listener: (data: string) => void) => listeners.set(name, listener),
      off: (name: string) => listeners.delete(name),
      setRawMode: (on: boolean) => modes.push(on),
      setEncoding: () => {},
      resume: () => {},
      pause: () => {},
    };
    const take = (): string => {
      const text = written;
      written = '';
      return text;
    };
    const terminal = { out: stream, input: stream } as unknown as Terminal;
    return { terminal, stream, listeners, modes, take };
  };

  it('writes only lines that changed, all of them after a change of size, none to a terminal that lags', () => {
    const { terminal, stream, listeners, take } = made();
    let resized = 0;
    const screen = new Screen(terminal, { resized: () => resized++, typed: () => {} });
    screen.open();
    take();
    screen.draw(['one', 'two', 'three']);
    expect(take()).toContain('two');
    screen.draw(['one', '2', 'three']);
    const again = take();
    expect(again).toContain('\u001b[2;1H2\u001b[K');
    expect(again).not.toMatch(/one|three/);
    screen.draw(['one', '2', 'three']);
    expect(take()).toBe('');
    stream.writableNeedDrain = true;
    screen.draw(['1', '2', '3']);
    expect(take()).toBe('');
    stream.writableNeedDrain = false;
    listeners.get('resize')?.('');
    expect(resized).toBe(1);
    screen.draw(['one', '2', 'three']);
    expect(take()).toMatch(/one.*three/);
    screen.close();
  });

  it('gives the terminal back, once, also when the process just ends', () => {
    const before = process.listenerCount('exit');
    const { terminal, modes, listeners, take } = made();
    const screen = new Screen(terminal, { resized: () => {}, typed: () => {} });
    screen.open();
    expect(take()).toContain('\u001b[?1049h');
    expect(process.listenerCount('exit')).toBe(before + 1);
    (process.listeners('exit').at(-1) as () => void)();
    expect(take()).toBe('\u001b[?25h\u001b[?1049l');
    screen.close();
    expect(take()).toBe('');
    expect(modes).toEqual([true, false]);
    expect([...listeners.keys()]).toEqual([]);
    expect(process.listenerCount('exit')).toBe(before);
  });
});
