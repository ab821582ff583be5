// Debian's Firefox, with the part of Playwright's page API that the tests use: Playwright itself drives only its own
// Firefox.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { installNpm } from '../e2e/support/npm.js';
import { until } from '../e2e/support/processes.js';

const TAGS = { link: 'a', button: 'button' };
const PROGRAM = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

export async function startFirefox(folder) {
  installNpm(import.meta.dirname, 'puppeteer-core');
  const { default: puppeteer } = await import('puppeteer-core');
  const home = join(folder, 'firefox');
  mkdirSync(home);
  const env = { HOME: home, LANG: 'C.UTF-8', PATH: process.env.PATH };
  return puppeteer.launch({ browser: 'firefox', executablePath: PROGRAM, acceptInsecureCerts: true, env });
}

/** Like `newPage` of the end-to-end tests. */
export async function newFirefoxPage(browser) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const callbacks = [];
  page.on('response', (response) => {
    if (new URL(response.url()).pathname === '/callback') callbacks.push(response);
  });
  return {
    callbacks,
    goto: (url) => page.goto(url),
    locator: (selector) => element(page, selector),
    getByRole: (role, { name }) => element(page, `${TAGS[role]}::-p-text(${name})`),
    waitForURL: (isIt) => until(60, 'the last page', () => isIt(new URL(page.url()))),
  };
}

function element(page, selector) {
  return {
    fill: (text) => page.locator(selector).fill(text),
    click: () => page.locator(selector).click(),
    waitFor: () => page.waitForSelector(selector),
    innerText: () => page.$eval(selector, ({ innerText }) => innerText),
  };
}
