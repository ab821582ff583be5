// The end of a sign-in: here, at the provider, and in the browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { newPage, signIn } from './support/browser.js';
import { urlFrom } from './support/sign_in.js';
import { startStage } from './support/stage.js';

const stage = await startStage();

test('kubekey logout --browser revokes the refresh token, and nobody is signed in at the provider any more', async (t) => {
  const user = await stage.user(t);
  const page = await newPage(stage.browser);
  const first = user.kubekey();
  await page.goto(await urlFrom(first, user));
  await signIn(page, 'alice');
  assert.equal((await first.end()).code, 0);
  const { refresh_token: refreshToken, id_token: idToken } = await user.saved();
  assert.ok(await stage.provider.refreshToken(refreshToken));

  const before = stage.provider.requests.length;
  const logout = user.logOut('--browser');
  // Our page sends the browser on while it is loading.
  await page.goto(await urlFrom(logout, user), { waitUntil: 'commit' });
  const question = page.locator('button[name=logout]');
  const done = page.getByText('Sign-out Success');
  await question.or(done).first().waitFor();
  if (await question.isVisible()) await question.click();
  await done.waitFor();
  const { code, stderr } = await logout.end();
  assert.equal(code, 0, stderr);
  assert.match(stderr, /has revoked the refresh token/);
  assert.equal(await stage.provider.refreshToken(refreshToken), undefined);
  assert.equal(await user.saved(), undefined);
  // Without further settings this provider takes no posted form, and a URL must not have the token.
  const ends = stage.provider.requests.slice(before).filter(({ path }) => path === '/session/end');
  assert.deepEqual(ends.map(({ method, query }) => [method, query]), [['POST', {}], ['GET', { client_id: 'kubernetes' }]]);
  assert.match(stderr, /takes no form, so it gets no ID token/);
  assert.deepEqual(page.cspViolations, []);
  assert.ok(page.addresses.every((address) => !address.includes(idToken)), 'no address has the token');

  const second = user.kubekey();
  await page.goto(await urlFrom(second, user));
  await signIn(page, 'bob');
  assert.equal((await second.end()).code, 0);
});
