// Debian's Chromium, and what a person does in it at the provider's pages.

import { chromium } from 'playwright-core';

const ARGUMENTS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // The provider's pages ask for a font of the internet.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
];

export function startBrowser(home) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    chromiumSandbox: false,
    env: { HOME: home, LANG: 'C.UTF-8', PATH: process.env.PATH },
    args: ARGUMENTS,
  });
}

/**
 * A page in a profile of its own: no earlier sign-in is remembered. `page.callbacks` are kubekey's answers at /callback,
 * `page.addresses` all that stood in the address bar.
 */
export async function newPage(browser) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 } });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  page.addresses = [];
  page.callbacks = [];
  page.cspViolations = [];
  page.on('response', (response) => {
    if (new URL(response.url()).pathname === '/callback') page.callbacks.push(response);
  });
  page.on('framenavigated', (frame) => {
    if (frame === page.mainFrame()) page.addresses.push(frame.url());
  });
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) page.cspViolations.push(message.text());
  });
  return page;
}

/** Signs in at the provider's pages, up to and with the page that kubekey answers. */
export async function signIn(page, user) {
  await page.locator('input[name=login]').fill(user);
  await page.locator('input[name=password]').fill('any will do');
  await page.locator('button[type=submit]').click();
  await page.locator('input[name=prompt][value=consent]').waitFor({ state: 'attached' });
  await page.locator('button[type=submit]').click();
  await page.waitForURL(isResult);
}

/** Clicks the provider's cancel link. */
export async function cancel(page) {
  await page.getByRole('link', { name: 'Cancel' }).click();
  await page.waitForURL(isResult);
}

/** Takes a page's picture in light, in dark, and on a phone. */
export async function takeScreenshots(page, folder, name) {
  const take = (look) => page.screenshot({ path: `${folder}/${name}-${look}.png`, fullPage: true });
  await page.emulateMedia({ colorScheme: 'dark' });
  await take('dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await take('light');
  await page.setViewportSize({ width: 390, height: 844 });
  await take('phone');
}

const isResult = (url) => url.hostname === '127.0.0.1' && url.search === '';
