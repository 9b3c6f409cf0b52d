import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Going, World } from '../commands/world.js';
import { hasBrowser, launch, type Visit, visit } from './browser.js';

/** A folder for pictures of the page, for people who want to look; none are made without it. */
const shots = process.env.MUSTER_SHOTS;

describe.skipIf(!hasBrowser())('the page of `muster dashboard`, in Chromium', { timeout: 60_000 }, () => {
  const world = new World();
  const { ok, begin } = world;
  let browser: Browser;
  let dashboard: Going;
  let url: string;

  beforeAll(async () => {
    const [launched] = await Promise.all([
      launch(),
      ok('cluster', 'start', 'shop', '-n', '3', '--partitions', '8'),
    ]);
    browser = launched;
    dashboard = begin('dashboard', 'shop', '--interval', '200ms', '--json');
    await expect.poll(() => dashboard.said()).toContain('\n');
    url = JSON.parse(dashboard.said()).url;
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    dashboard?.child.kill('SIGTERM');
    const code = await dashboard?.ended;
    await world.end();
    expect(code).toBe(0);
  });

  const open = async (options = {}): Promise<Visit> => {
    const visited = await visit(browser, url, options);
    await visited.page.waitForSelector('#connection[data-state=live]');
    await visited.page.waitForSelector('tbody tr:nth-child(3)');
    return visited;
  };
  const state = (page: Page, node: string): Promise<string | null> =>
    page.getByRole('row', { name: node }).locator('.state').textContent();
  const text = async (page: Page, selector: string): Promise<string> =>
    (await page.locator(selector).textContent()) ?? '';
  const events = (page: Page): Promise<string> => text(page, '#events');
  const shoot = async (page: Page, name: string): Promise<void> => {
    if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
  };
  /** Presses Tab until the focus is on the button of this name. */
  const tabTo = async (page: Page, name: string): Promise<void> => {
    const focused = () =>
      page.evaluate(
        () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent,
      );
    for (let i = 0; i < 60 && (await focused()) !== name; i++) await page.keyboard.press('Tab');
    expect(await focused()).toBe(name);
  };

  it('shows the cluster; a node is killed and started by keyboard alone', async () => {
    const { page, requests, complaints } = await open({ viewport: { width: 1280, height: 900 } });
    // The secret has left the address at once.
    expect(page.url()).toBe(new URL('/', url).href);
    expect(await text(page, '#totals')).toMatch(/Nodes that answer\s*3\s*of 3/);
    expect(await page.getByRole('img', { name: /The ring of 8 partitions/ }).count()).toBe(1);
    expect([await state(page, 'n1'), await state(page, 'n2'), await state(page, 'n3')]).toEqual([
      'up',
      'up',
      'up',
    ]);

    await tabTo(page, 'Kill n2');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Kill n2?' });
    await dialog.waitFor();
    expect(await dialog.textContent()).toContain('muster node kill n2 -c shop');
    // The harmless answer has the focus, and Escape is it too.
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Cancel');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    expect(await state(page, 'n2')).toBe('up');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Kill n2');

    await page.keyboard.press('Enter');
    await tabTo(page, 'Kill n2');
    await page.keyboard.press('Enter');
    await expect.poll(() => state(page, 'n2')).toBe('down');
    await expect.poll(() => events(page)).toMatch(/muster node kill n2 -c shop: n2 killed \(pid \d+\)/);
    await expect.poll(() => events(page)).toContain('n2 is down');
    await expect.poll(() => text(page, '#done')).toContain('n2 killed');
    await shoot(page, 'down');

    // What can be done now is to start it; the focus has stayed with the node.
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Start n2');
    await page.keyboard.press('Enter');
    await expect.poll(() => state(page, 'n2')).toBe('up');
    await expect.poll(() => events(page)).toContain('n2 is up');
    expect(complaints).toEqual([]);
    expect([...new Set(requests)]).toEqual([
      new URL('/', url).href,
      new URL('/', url).href.replace('http', 'ws'),
    ]);
    await page.context().close();
  });

  it('cuts the network and heals it', async () => {
    const { page, complaints } = await open();
    const netsplit = page.getByRole('button', { name: 'Netsplit' });
    expect(await netsplit.isDisabled()).toBe(true);
    await page.getByRole('checkbox', { name: 'n1' }).check();
    await netsplit.click();
    await expect.poll(() => text(page, '#faults')).toMatch(/f\d+: netsplit n1\/n2,n3/);
    await expect.poll(() => events(page)).toMatch(/fault f\d+: netsplit n1\/n2,n3/);
    await shoot(page, 'netsplit');
    await page.getByRole('button', { name: 'Heal all faults' }).click();
    await expect.poll(() => page.locator('.faults-list li').count()).toBe(0);
    await expect.poll(() => events(page)).toMatch(/healed f\d+: netsplit/);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('opens a transaction in doubt step by step, and shows locks and who is routed to', async () => {
    const { page, complaints } = await open();
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
    await expect.poll(() => text(page, '#locks')).toMatch(/nightly 1 held, token \d+/);
    const summary = page.locator('#transactions summary');
    await summary.waitFor();
    expect(await summary.textContent()).toMatch(/pending\s+in doubt in partition \d/);
    await summary.focus();
    await page.keyboard.press('Enter');
    await expect
      .poll(() => text(page, '.steps'))
      .toMatch(/ms came to its coordinator.*vote of partition \d \(n\d\): yes/s);
    const id = await text(page, '#transactions summary code');
    await ok('tx', 'resolve', id, '--abort', '-c', 'shop');
    await expect.poll(() => page.locator('#transactions details').count()).toBe(0);
    await tx.ended;
    const calls = begin(
      'route',
      'demo.sleep',
      '{"ms":20}',
      '--count',
      '500',
      '--concurrency',
      '4',
      '-c',
      'shop',
    );
    await expect.poll(() => text(page, '#shares')).toMatch(/n1\s*\d+ % · [1-9].*\/s/);
    await shoot(page, 'shares');
    await calls.ended;
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it.each(['light', 'dark'] as const)(
    'is legible in %s, and fits 360 columns of pixels',
    async (colorScheme) => {
      const { page, complaints } = await open({ colorScheme, viewport: { width: 360, height: 740 } });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide).toBeLessThanOrEqual(360);
      const contrasts = await page.evaluate(contrastsOf);
      expect(contrasts.length).toBeGreaterThan(20);
      expect(contrasts.filter(({ ratio }) => ratio < 4.5)).toEqual([]);
      await shoot(page, `narrow-${colorScheme}`);
      await page.setViewportSize({ width: 1400, height: 900 });
      await shoot(page, `wide-${colorScheme}`);
      // Still a table to a screen reader when it looks like cards.
      expect(await page.getByRole('rowheader').count()).toBe(3);
      expect(complaints).toEqual([]);
      await page.context().close();
    },
  );

  it('does not let in who lacks the token, and says what to do', async () => {
    const { page, complaints } = await visit(browser, new URL('/', url).href);
    await expect.poll(() => text(page, '#banner')).toContain('muster dashboard');
    expect(await page.locator('tbody tr').count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('comes back after a reload, and from a cluster that was stopped', async () => {
    const { page, complaints } = await open();
    await page.reload();
    await page.waitForSelector('#connection[data-state=live]');
    await ok('cluster', 'stop', 'shop');
    await expect.poll(() => text(page, '#banner')).toContain('Cluster shop is stopped');
    await expect.poll(() => state(page, 'n1')).toBe('down');
    await page.getByRole('button', { name: 'Start n1' }).click();
    await expect.poll(() => state(page, 'n1')).toBe('up');
    expect(complaints).toEqual([]);
    await page.context().close();
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
