// What browsers and their users do with the local URL and the pages.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { test } from 'node:test';

import { cancel, newPage, signIn, takeScreenshots } from './support/browser.js';
import { urlFrom } from './support/sign_in.js';
import { screenshotsFolder, startStage } from './support/stage.js';

const stage = await startStage();
const REFUSAL = 'End-User aborted interaction';

test('a cancelled sign-in ends with the words of the provider, on the page and on the terminal', async (t) => {
  const user = await stage.user(t);
  const kubectl = user.kubectl('auth', 'whoami');
  const page = await newPage(stage.browser);
  await page.goto(await urlFrom(kubectl, user));
  await cancel(page);
  const { code, stderr } = await kubectl.end();
  assert.notEqual(code, 0);
  assert.ok(stderr.includes(REFUSAL), stderr);
  await assertWhole(page);
  const text = await page.locator('body').innerText();
  assert.ok(text.includes(REFUSAL), text);
  await takeScreenshots(page, screenshotsFolder(), 'sign-in-failed');
});

test('a cancelled sign-in has exit code 3 and saves nothing', async (t) => {
  const user = await stage.user(t);
  const kubekey = user.kubekey();
  const page = await newPage(stage.browser);
  await page.goto(await urlFrom(kubekey, user));
  await cancel(page);
  const { code, stdout, stderr } = await kubekey.end();
  assert.equal(code, 3, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, /^kubekey: /m);
  assert.ok(stderr.includes(REFUSAL), stderr);
  assert.equal(await user.saved(), undefined);
});

test('kubectl get, which runs a failing plugin several times, opens one browser for a cancelled sign-in', async (t) => {
  const user = await stage.user(t);
  const kubectl = user.kubectl('get', 'pods');
  const page = await newPage(stage.browser);
  await page.goto(await urlFrom(kubectl, user));
  await cancel(page);
  const { code, stderr } = await kubectl.end();
  assert.notEqual(code, 0);
  assert.equal(stderr.split(REFUSAL).length, 2, stderr);
  assert.match(stderr, /^kubekey: as above: /m, 'one run only, so this shows nothing');
  assert.equal((await user.launcher.calls()).length, 1);
});

test('a prefetch and a HEAD are no visit', async (t) => {
  const user = await stage.user(t);
  const kubekey = user.kubekey();
  const page = await newPage(stage.browser);
  const url = await urlFrom(kubekey, user);
  assert.equal(await status(url, { method: 'HEAD' }), 204);
  assert.equal(await status(url, { headers: { 'sec-purpose': 'prefetch' } }), 204);
  assert.equal(await status(url, { headers: { 'sec-purpose': 'prefetch;prerender' } }), 204);
  assert.equal(await status(url, {}), 302);
  await page.goto(url);
  await signIn(page, 'alice');
  const { code, stderr } = await kubekey.end();
  assert.equal(code, 0, stderr);
});

test('the local URL goes on answering: another visit, a closed tab, another profile', async (t) => {
  const user = await stage.user(t);
  const kubekey = user.kubekey();
  const url = await urlFrom(kubekey, user);
  const closed = await newPage(stage.browser);
  await closed.goto(url);
  await closed.goto(url);
  assert.ok(closed.url().startsWith(stage.provider.issuer), closed.url());
  await closed.close();
  const page = await newPage(stage.browser);
  await page.goto(url);
  await page.reload();
  await page.goto(url);
  await signIn(page, 'bob');
  const { code, stderr } = await kubekey.end();
  assert.equal(code, 0, stderr);
});

test('the page is delivered whole and runs no script', async (t) => {
  const user = await stage.user(t);
  const kubekey = user.kubekey();
  const page = await newPage(stage.browser);
  await page.goto(await urlFrom(kubekey, user));
  await signIn(page, 'carol');
  const { code, stderr } = await kubekey.end();
  assert.equal(code, 0, stderr);
  await assertWhole(page);
  assert.deepEqual(page.cspViolations, [], 'the page keeps its own rules');
  const scriptRan = await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.scriptRan = true';
    document.head.append(script);
    return window.scriptRan === true;
  });
  assert.equal(scriptRan, false);
});

async function assertWhole(page) {
  assert.equal(page.callbacks.length, 1);
  const [callback] = page.callbacks;
  const headers = await callback.allHeaders();
  const body = await callback.body();
  assert.match(body.toString(), /<\/html>\s*$/);
  if (headers['content-length']) assert.equal(body.length, Number(headers['content-length']));
  const policy = headers['content-security-policy'] ?? 'none at all';
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /script-src(?! 'none')/);
}

async function status(url, options) {
  const sent = request(url, { ...options, agent: false }).end();
  const [response] = await once(sent, 'response');
  response.resume();
  return response.statusCode;
}
