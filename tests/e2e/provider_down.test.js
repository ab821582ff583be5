// A provider that cannot be reached.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { whoamiInSilence, whoamiWithSignIn } from './support/sign_in.js';
import { startStage } from './support/stage.js';

const stage = await startStage();
const { provider } = stage;

test('a valid saved token works while the provider is down', async (t) => {
  const user = await stage.user(t);
  await whoamiWithSignIn(stage, user, 'alice');
  await stopProvider(t);
  await whoamiInSilence(user, 'alice');
});

test('without a saved token the message names the host that is unreachable', async (t) => {
  const user = await stage.user(t);
  await stopProvider(t);
  const kubectl = await user.kubectl('auth', 'whoami').end();
  assert.notEqual(kubectl.code, 0, kubectl.stdout);
  assert.ok(kubectl.stderr.includes(provider.host), kubectl.stderr);

  const kubekey = await user.kubekey().end();
  assert.equal(kubekey.code, 5, kubekey.stderr);
  assert.equal(kubekey.stdout, '');
  assert.match(kubekey.stderr, /^kubekey: /m);
  assert.ok(kubekey.stderr.includes(provider.host), kubekey.stderr);
  assert.deepEqual(await user.launcher.calls(), []);
});

async function stopProvider(t) {
  await provider.stop();
  t.after(() => provider.start());
}
