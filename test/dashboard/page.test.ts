import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Going, World } from '../commands/world.js';
import { hasBrowser, launch, type Visit, visit } from './browser.js';

/** Conditions that hold at once on an idle machine; this is for a busy one. */
const poll = <T>(look: () => T) => expect.poll(look, { timeout: 30_000 });

/** A folder for pictures of the page, for people who want to look; none are made without it. */
const shots = process.env.MUSTER_SHOTS;

describe.skipIf(!hasBrowser())('the page of `muster dashboard`, in Chromium', { timeout: 120_000 }, () => {
  const world = new World();
  const { ok, begin } = world;
  let browser: Browser;
  let dashboard: Going;
  let url: string;

  /** One page for all tests: to open one takes longer than most of what they do. */
  let visited: Visit;
  let page: Page;

  beforeAll(async () => {
    const [launched] = await Promise.all([
      launch(),
      ok('cluster', 'start', 'shop', '-n', '3', '--partitions', '8'),
    ]);
    browser = launched;
    dashboard = begin('dashboard', 'shop', '--interval', '200ms', '--json');
    await vi.waitFor(() => expect(dashboard.said()).toContain('\n'), { timeout: 30_000, interval: 20 });
    url = JSON.parse(dashboard.said()).url;
    visited = await visit(browser, url, { viewport: { width: 1280, height: 900 } });
    page = visited.page;
    await page.waitForSelector('#connection[data-state=live]');
    await page.waitForSelector('tbody tr:nth-child(3)');
  }, 60_000);

  /** Whatever a test did, the page asked for nothing but its own, and the browser had nothing to complain about. */
  afterEach(() => {
    const own = new URL('/', url).href;
    expect([...new Set(visited.requests)]).toEqual([own, own.replace('http', 'ws')]);
    expect(visited.complaints).toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
    dashboard?.child.kill('SIGTERM');
    const code = await dashboard?.ended;
    await world.end();
    expect(code).toBe(0);
  });

  const state = (node: string): Promise<string | null> =>
    page.getByRole('row', { name: node }).locator('.state').textContent();
  const text = async (selector: string): Promise<string> =>
    (await page.locator(selector).textContent()) ?? '';
  const events = (): Promise<string> => text('#events');
  const shoot = async (name: string): Promise<void> => {
    if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
  };
  /** Presses Tab until the focus is on the button of this name. */
  const tabTo = async (name: string): Promise<void> => {
    const focused = () =>
      page.evaluate(
        () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent,
      );
    for (let i = 0; i < 60 && (await focused()) !== name; i++) await page.keyboard.press('Tab');
    expect(await focused()).toBe(name);
  };

  it('shows the cluster; a node is killed and started by keyboard alone', async () => {
    // The secret has left the address at once.
    expect(page.url()).toBe(new URL('/', url).href);
    expect(await text('#totals')).toMatch(/Nodes responding\s*3\s*of 3/);
    expect(await page.getByRole('img', { name: /Hash ring of 8 partitions/ }).count()).toBe(1);
    expect([await state('n1'), await state('n2'), await state('n3')]).toEqual(['up', 'up', 'up']);

    await tabTo('Kill n2');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Kill n2?' });
    await dialog.waitFor();
    expect(await dialog.textContent()).toContain('muster node kill n2 -c shop');
    // The harmless answer has the focus, and Escape is it too.
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Cancel');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    expect(await state('n2')).toBe('up');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Kill n2');

    await page.keyboard.press('Enter');
    await tabTo('Kill n2');
    await page.keyboard.press('Enter');
    await poll(() => state('n2')).toBe('down');
    await poll(() => events()).toMatch(/muster node kill n2 -c shop: n2 killed \(pid \d+\)/);
    await poll(() => events()).toContain('n2 is down');
    await poll(() => text('#done')).toContain('n2 killed');
    await shoot('down');

    // What can be done now is to start it; the focus has stayed with the node.
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Start n2');
    await page.keyboard.press('Enter');
    await poll(() => state('n2')).toBe('up');
    // A look in between may have seen it silent.
    await poll(() => events()).toMatch(/n2 (is up|is responding again)/);
  });

  it('cuts the network and heals it', async () => {
    const netsplit = page.getByRole('button', { name: 'Netsplit' });
    expect(await netsplit.isDisabled()).toBe(true);
    await page.getByRole('checkbox', { name: 'n1' }).check();
    await netsplit.click();
    await poll(() => text('#faults')).toMatch(/f\d+: netsplit n1\/n2,n3/);
    await poll(() => events()).toMatch(/fault f\d+: netsplit n1\/n2,n3/);
    await shoot('netsplit');
    await page.getByRole('button', { name: 'Heal all faults' }).click();
    await poll(() => page.locator('.faults-list li').count()).toBe(0);
    await poll(() => events()).toMatch(/healed f\d+: netsplit/);
  });

  it('opens a transaction in doubt step by step, and shows locks and who is routed to', async () => {
    // Its coordinator goes on with a paused transaction when it is handed over, as partitions are for seconds after the netsplit.
    await ok('wait', '--for', 'rebalanced', '--timeout', '30s', '-c', 'shop');
    await ok('lock', 'acquire', 'nightly', '--ttl', '1m', '-c', 'shop');
    const tx = begin(
      'tx',
      'run',
      '--pause-at',
      'prepared',
      '--timeout',
      '40s',
      '-c',
      'put a 1; put b 2; put c 3; put d 4',
    );
    await poll(() => text('#locks')).toMatch(/nightly 1 held, token \d+/);
    // It is pending as soon as it comes, and in doubt elsewhere when that has prepared.
    const summary = page.locator('#transactions summary', { hasText: /pending\s+in doubt in partition \d/ });
    await summary.waitFor();
    await summary.focus();
    await page.keyboard.press('Enter');
    await poll(() => text('.steps')).toMatch(
      /ms received by the coordinator.*vote from partition \d \(n\d\): yes/s,
    );
    const id = await text('#transactions summary code');
    await ok('tx', 'resolve', id, '--abort', '-c', 'shop');
    await poll(() => page.locator('#transactions details').count()).toBe(0);
    await tx.ended;
    const calls = begin(
      'route',
      'demo.sleep',
      '{"ms":20}',
      '--count',
      '300',
      '--concurrency',
      '4',
      '-c',
      'shop',
    );
    await poll(() => text('#shares')).toMatch(/n1\s*\d+ % · [1-9].*\/s/);
    await shoot('shares');
    await calls.ended;
  });

  it.each(['light', 'dark'] as const)(
    'is legible in %s, and fits 360 columns of pixels',
    async (colorScheme) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width: 360, height: 740 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide).toBeLessThanOrEqual(360);
      const contrasts = await page.evaluate(contrastsOf);
      expect(contrasts.length).toBeGreaterThan(20);
      expect(contrasts.filter(({ ratio }) => ratio < 4.5)).toEqual([]);
      await shoot(`narrow-${colorScheme}`);
      await page.setViewportSize({ width: 1400, height: 900 });
      await shoot(`wide-${colorScheme}`);
      // Still a table to a screen reader when it looks like cards.
      expect(await page.getByRole('rowheader').count()).toBe(3);
    },
  );

  it('does not let in who lacks the token, and says what to do', async () => {
    const stranger = await visit(browser, new URL('/', url).href);
    await poll(() => stranger.page.locator('#banner').textContent()).toContain('muster dashboard');
    expect(await stranger.page.locator('tbody tr').count()).toBe(0);
    expect(stranger.complaints).toEqual([]);
    await stranger.page.context().close();
  });

  it('comes back after a reload, and from a cluster that was stopped', async () => {
    await page.reload();
    await page.waitForSelector('#connection[data-state=live]');
    await ok('cluster', 'stop', 'shop');
    await poll(() => text('#banner')).toContain('Cluster shop is stopped');
    await poll(() => state('n1')).toBe('down');
    await page.getByRole('button', { name: 'Start n1' }).click();
    await poll(() => state('n1')).toBe('up');
  });
});

/** Runs in the page: the contrast (WCAG) of each element that has text of its own, with the ground it stands on. */
function contrastsOf(): { text: string; ratio: number }[] {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (color: string): number[] => {
    if (canvas === null) return [0, 0, 0, 255];
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (color: readonly number[]): number => {
    const [r = 0, g = 0, b = 0] = color.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (element: Element | null): number[] => {
    for (let at = element; at !== null; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const found: { text: string; ratio: number }[] = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim());
    const hidden =
      element.closest('[hidden], dialog, script, style, svg, .skip, .hidden, button:disabled') !== null;
    if (!own || hidden) continue;
    const [a, b] = [luminance(rgba(getComputedStyle(element).color)), luminance(groundOf(element))].sort(
      (x, y) => y - x,
    );
    found.push({ text: element.textContent ?? '', ratio: ((a ?? 0) + 0.05) / ((b ?? 0) + 0.05) });
  }
  return found;
}
