// Debian's Chromium, and a user's actions on the provider's pages.

import { chromium } from 'playwright-core';

const ARGUMENTS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // The provider's pages request a font from the internet.
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
 * A page in a profile of its own: no earlier sign-in is remembered. `page.callbacks` are kubekey's responses at /callback,
 * `page.addresses` all URLs that the address bar showed.
 */
export async function newPage(browser) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 } });
  context.setDefaultTimeout(60_000);
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

/** Signs in on the provider's pages, up to and including kubekey's own page. */
export async function signIn(page, user) {
  await signInAtProvider(page, user);
  await page.waitForURL(isResult);
}

/** Signs in on the provider's pages, up to the last of its buttons. */
export async function signInAtProvider(page, user) {
  await page.locator('input[name=login]').fill(user);
  await page.locator('input[name=password]').fill('any will do');
  await page.locator('button[type=submit]').click();
  await page.locator('input[name=prompt][value=consent]').waitFor({ state: 'attached' });
  await page.locator('button[type=submit]').click();
}

/** Clicks the button of the page with the accounts. */
export async function chooseAccount(page) {
  await page.getByRole('button', { name: 'Another account' }).click();
}

/** Enters a code of the device flow, and signs in. */
export async function enterCode(page, provider, code, user) {
  await page.goto(`${provider.issuer}/device`);
  await page.locator('input[name=user_code]').fill(code);
  await page.locator('button[type=submit]').first().click();
  await page.locator('button[autofocus], button[type=submit]').first().click();
  await signInAtProvider(page, user);
  await page.getByText('Sign-in Success').waitFor();
}

/** Clicks the provider's cancel link. */
export async function cancel(page) {
  await page.getByRole('link', { name: 'Cancel' }).click();
  await page.waitForURL(isResult);
}

/** Takes screenshots of a page in light, in dark, and on a phone. */
export async function takeScreenshots(page, folder, name) {
  const take = (look) => page.screenshot({ path: `${folder}/${name}-${look}.png`, fullPage: true });
  await page.emulateMedia({ colorScheme: 'dark' });
  await take('dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await take('light');
  await page.setViewportSize({ width: 390, height: 844 });
  await take('phone');
}

/** Whether a page is kubekey's own. */
export const isResult = (url) => url.hostname === '127.0.0.1' && url.search === '';
