// The two response modes by which the provider's response comes through the browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cancel, newPage, signIn, takeScreenshots } from './support/browser.js';
import { urlFrom } from './support/sign_in.js';
import { screenshotsFolder, startStage } from './support/stage.js';

const stage = await startStage();

test('with form_post no code stands in the address bar, and the browser asks no question', async (t) => {
  const { page, url, asked } = await signInWith(t, 'alice');
  assert.equal(asked.query.response_mode, 'form_post');
  assert.equal(page.callbacks.length, 1);
  const request = page.callbacks[0].request();
  assert.equal(request.method(), 'POST');
  const { origin } = await request.allHeaders();
  assert.notEqual(origin, new URL(url).origin, 'this was to be a form of another origin');
  assert.equal(page.url(), new URL('/callback', url).href);
  await assertSignedIn(page, 'Alice Example');
  await takeScreenshots(page, screenshotsFolder(), 'signed-in-form-post');
});

test('with query the page with the result has another address', async (t) => {
  const { page, url, asked } = await signInWith(t, 'bob', '--response-mode', 'query');
  assert.equal(asked.query.response_mode, undefined);
  assert.deepEqual(page.callbacks.map((callback) => callback.status()), [303]);
  assert.match(page.callbacks[0].url(), /[?&]code=/);
  const { origin, pathname } = new URL(page.url());
  assert.equal(origin, new URL(url).origin);
  assert.match(pathname, /^\/[\w-]{16}$/);
  await assertSignedIn(page, 'Bob Example');
  await takeScreenshots(page, screenshotsFolder(), 'signed-in-query');
});

test('with query the cookie of the local URL comes back, and a failure leaves no query behind either', async (t) => {
  const user = await stage.user(t);
  const kubekey = user.kubekey('--response-mode', 'query');
  const page = await newPage(stage.browser);
  await page.goto(await urlFrom(kubekey, user));
  await cancel(page);
  const { code, stderr } = await kubekey.end();
  assert.equal(code, 3, stderr);
  const { cookie } = await page.callbacks[0].request().allHeaders();
  assert.match(cookie, /^kubekey-\d+=[\w-]{22}$/);
  assert.match(await page.locator('body').innerText(), /Sign-in failed/);
  assertNoAnswerIn(page.addresses);
});

async function signInWith(t, name, ...args) {
  const user = await stage.user(t);
  const before = stage.provider.authorizationRequests().length;
  const kubekey = user.kubekey(...args);
  const page = await newPage(stage.browser);
  const url = await urlFrom(kubekey, user);
  await page.goto(url);
  await signIn(page, name);
  const { code, stdout, stderr } = await kubekey.end();
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).kind, 'ExecCredential');
  return { page, url, asked: stage.provider.authorizationRequests()[before] };
}

async function assertSignedIn(page, name) {
  assert.ok((await page.locator('body').innerText()).includes(`You are signed in as\n${name}`));
  assert.deepEqual(page.cspViolations, []);
  assertNoAnswerIn(page.addresses);
}

function assertNoAnswerIn(addresses) {
  assert.deepEqual(addresses.filter((address) => /[?&](code|error)=/.test(address)), []);
}
