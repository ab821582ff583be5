// The pages as a reader has them: on a phone and on a desktop, in light and in dark, at twice their size.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';

import { newPage } from './support/browser.js';
import { urlFrom } from './support/sign_in.js';
import { screenshotsFolder, startStage } from './support/stage.js';
import { KUBEKEY } from './support/user.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Widths in CSS pixels: at 200 % a page has half of them. */
const LOOKS = {
  phone: { width: 360, height: 740 },
  'phone-at-200': { width: 180, height: 370 },
  desktop: { width: 1280, height: 800 },
  'desktop-at-200': { width: 640, height: 400 },
};

const stage = await startStage();

test('no page has a finding of axe-core, or is wider than its window', async (t) => {
  const { page, paths } = await preview(t);
  for (const path of paths) {
    for (const [name, viewport] of Object.entries(LOOKS)) {
      for (const colorScheme of ['light', 'dark']) {
        await show(page, path, viewport, colorScheme);
        await page.screenshot({ path: `${screenshotsFolder()}/page${path.replace('/', '-')}-${name}-${colorScheme}.png`, fullPage: true });
        const what = `${path} ${name} ${colorScheme}`;
        const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.equal(tooWide, 0, what);
        assert.deepEqual(await findings(page), [], what);
      }
    }
  }
});

test('who is signed in stands below an unbroken phrase, and an address breaks before @ and dots', async (t) => {
  const { page, paths } = await preview(t);
  for (const path of paths.filter((path) => path.startsWith('/signed-in'))) {
    for (const viewport of Object.values(LOOKS)) {
      await show(page, path, viewport, 'light');
      const [phrase, ...parts] = await lines(page, 'h1');
      assert.equal(phrase.text.trim(), 'You are signed in as');
      assert.equal(phrase.count, 1, `${path} at ${viewport.width}`);
      assert.ok(parts.every(({ top }) => top > phrase.top), 'the name has a line of its own');
      // Narrower than that, a part may be longer than a line.
      if (viewport.width >= 360) assert.deepEqual(parts.filter(({ count }) => count > 1), [], `${path} at ${viewport.width}`);
    }
  }
  assert.ok(paths.includes('/signed-in-without-name'));
});

test('a request that is not part of the sign-in has a calm colour and says what happened', async (t) => {
  const { page } = await preview(t);
  const colour = async (path) => {
    await show(page, path, LOOKS.desktop, 'light');
    return page.locator('svg').evaluate((svg) => getComputedStyle(svg).color);
  };
  const [alarm, stray, late] = [await colour('/failed'), await colour('/stray'), await colour('/late')];
  assert.notEqual(stray, alarm);
  assert.equal(late, stray);
  await show(page, '/stray', LOOKS.desktop, 'light');
  assert.equal(await page.locator('h1').innerText(), 'Not part of the sign-in');
  assert.match(await page.title(), /^Not part of the sign-in/);
});

/** The preview of the built-in pages, its list included. */
async function preview(t) {
  const user = await stage.user(t);
  const page = await newPage(stage.browser);
  const url = await urlFrom(user.begin(KUBEKEY, ['pages', '--preview']), user);
  await page.goto(url);
  page.base = url;
  const links = await page.locator('a').evaluateAll((all) => all.map((link) => link.getAttribute('href')));
  assert.equal(links.length, 7);
  return { page, paths: ['/', ...links] };
}

async function show(page, path, viewport, colorScheme) {
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme });
  await page.goto(new URL(path, page.base).href);
}

/** The findings of axe-core, each with the elements. It is not part of the page, whose policy allows no script. */
async function findings(page) {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { preload: false });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
}

/** Each text of an element: what it says, on how many lines, and where the first one is. */
function lines(page, selector) {
  return page.locator(selector).evaluate((element) => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    const all = [];
    while (walker.nextNode()) {
      const range = document.createRange();
      range.selectNodeContents(walker.currentNode);
      const rects = [...range.getClientRects()];
      if (rects.length) all.push({ text: walker.currentNode.data, count: new Set(rects.map(({ top }) => top)).size, top: rects[0].top });
    }
    return all;
  });
}
