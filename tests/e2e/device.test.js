// A machine without a browser: the sign-in on another device.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { enterCode, newPage, signIn } from './support/browser.js';
import { until } from './support/processes.js';
import { BROWSER_CLIENT_ID } from './support/provider.js';
import { username, whoamiInSilence } from './support/sign_in.js';
import { startStage } from './support/stage.js';

const stage = await startStage();
const { provider } = stage;

test('kubectl gets a token when the code was entered on another device, and the refresh is silent', async (t) => {
  const user = await remoteUser(t);
  provider.idTokenSeconds = 12;
  const kubectl = user.kubectl('auth', 'whoami');
  const line = await kubectl.said(/^kubekey: and enter the code (\S+)$/m);
  await enterCode(await newPage(stage.browser), provider, line[1], 'dora');
  const { code, stdout, stderr } = await kubectl.end();
  assert.equal(code, 0, stderr);
  assert.match(stdout, username('dora'));
  assert.match(stderr, /^kubekey: no browser can be opened here: this is an SSH session$/m);
  assert.deepEqual(await user.launcher.calls(), []);

  provider.idTokenSeconds = 3600;
  const { expires_at: end } = await user.saved();
  await until(15, 'the ID token to expire', () => Date.now() / 1000 > end - 9);
  const grants = provider.grants.length;
  await whoamiInSilence(user, 'dora');
  assert.deepEqual(provider.grants.slice(grants), ['refresh_token']);
});

test('a client that may not use codes is offered the tunnel', async (t) => {
  const user = await remoteUser(t, { clientId: BROWSER_CLIENT_ID });
  const kubekey = user.kubekey();
  const [, local] = await kubekey.said(/^kubekey: {3}(http:\/\/127\.0\.0\.1:\S+)$/m);
  await kubekey.said(/ run there: ssh -L (\d+):127\.0\.0\.1:\1 \S+$/m);
  const page = await newPage(stage.browser);
  await page.goto(local);
  await signIn(page, 'emil');
  const { code, stderr } = await kubekey.end();
  assert.equal(code, 0, stderr);
});

/** A user in an SSH session. */
async function remoteUser(t, more) {
  const user = await stage.user(t, more);
  delete user.env.DISPLAY;
  user.env.SSH_CONNECTION = '192.0.2.1 50000 192.0.2.2 22';
  return user;
}
