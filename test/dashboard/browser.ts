import { existsSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { chromium } from 'playwright-core';

const path = process.env.MUSTER_CHROMIUM ?? '/usr/bin/chromium';

/**
 * Is there a browser to test in? Where there is none, tests of the page are skipped, and this says so; but not in CI, where
 * they fail.
 */
export function hasBrowser(): boolean {
  if (existsSync(path)) return true;
  console.warn(
    `SKIPPED: the tests of the dashboard's page need Chromium, and there is no ${path} (MUSTER_CHROMIUM names another).`,
  );
  return process.env.CI !== undefined && process.env.CI !== '';
}

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: path,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

/** A page on the dashboard, with whatever it asked for and complained about. */
export interface Visit {
  readonly page: Page;
  readonly requests: string[];
  readonly complaints: string[];
}

export async function visit(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const page = await (await browser.newContext(options)).newPage();
  page.setDefaultTimeout(30_000);
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('websocket', (socket) => requests.push(socket.url()));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(url);
  return { page, requests, complaints };
}
