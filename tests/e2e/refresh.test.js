// An ID token that has expired, and a refresh token that has not.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { until } from './support/processes.js';
import { whoamiInSilence, whoamiWithSignIn } from './support/sign_in.js';
import { startStage } from './support/stage.js';

// kubekey treats a token as expired 10 s before it is.
const MARGIN = 10;

const stage = await startStage();
const { provider } = stage;

test('an expired token is refreshed in silence, and the refresh token rotates', async (t) => {
  const user = await stage.user(t);
  const before = await signInAndExpire(user, 'alice');
  const grants = provider.grants.length;
  await whoamiInSilence(user, 'alice');
  assert.deepEqual(provider.grants.slice(grants), ['refresh_token']);

  const after = await user.saved();
  assert.notEqual(after.id_token, before.id_token);
  assert.notEqual(after.refresh_token, before.refresh_token);
  assert.ok(after.expires_at > before.expires_at);
  const [spent, current] = await Promise.all([before, after].map((saved) => provider.refreshToken(saved.refresh_token)));
  assert.ok(spent.consumed, 'the provider takes the old refresh token as spent');
  assert.equal(current.rotations, 1);
  assert.ok(!current.consumed);

  const asked = provider.requests.length;
  await whoamiInSilence(user, 'alice');
  assert.deepEqual(provider.requests.slice(asked), []);
});

test('a refresh token that the provider has revoked leads to a new sign-in', async (t) => {
  const user = await stage.user(t);
  const before = await signInAndExpire(user, 'bob');
  await (await provider.refreshToken(before.refresh_token)).destroy();
  const grants = provider.grants.length;
  await whoamiWithSignIn(stage, user, 'bob');
  assert.deepEqual(provider.grants.slice(grants), ['refresh_token refused', 'authorization_code']);
  assert.equal((await user.launcher.calls()).length, 2);
  assert.notEqual((await user.saved()).refresh_token, before.refresh_token);
});

test('while the provider is down an expired token is an error, and the refresh token stays', async (t) => {
  const user = await stage.user(t);
  const before = await signInAndExpire(user, 'carol');
  await provider.stop();
  t.after(() => provider.start());
  const { code, stdout, stderr } = await user.kubekey().end();
  assert.equal(code, 5, stderr);
  assert.equal(stdout, '');
  assert.ok(stderr.includes(provider.host), stderr);
  assert.deepEqual(await user.saved(), before);

  await provider.start();
  await whoamiInSilence(user, 'carol');
});

/** Signs in for a token that is valid for a moment, and returns the saved set when kubekey treats it as expired. */
async function signInAndExpire(user, name) {
  provider.idTokenSeconds = MARGIN + 2;
  await whoamiWithSignIn(stage, user, name);
  provider.idTokenSeconds = 3600;
  const saved = await user.saved();
  await until(15, 'the ID token to expire', () => Date.now() / 1000 > saved.expires_at - MARGIN + 1);
  return saved;
}
