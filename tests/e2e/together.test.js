// Many runs of kubectl at once, as from a script or a shell prompt.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { newPage, signIn } from './support/browser.js';
import { commandLines, until } from './support/processes.js';
import { urlFrom, username } from './support/sign_in.js';
import { startStage } from './support/stage.js';

const stage = await startStage();
const { provider } = stage;

test('eight cold kubectl at once open one browser, and all succeed', async (t) => {
  const user = await stage.user(t);
  const kubectls = Array.from({ length: 8 }, () => user.kubectl('auth', 'whoami'));
  const page = await newPage(stage.browser);
  const url = await urlFrom(kubectls[0], user);
  await until(20, 'eight kubekey to wait', () => plugins().length === 8);
  await page.goto(url);
  await signIn(page, 'alice');
  for (const { code, stdout, stderr } of await Promise.all(kubectls.map((kubectl) => kubectl.end()))) {
    assert.equal(code, 0, stderr);
    assert.match(stdout, username('alice'));
  }
  assert.deepEqual(await user.launcher.calls(), [[url]]);
  assert.equal(provider.authorizationRequests().length, 1);
  assert.deepEqual(provider.grants, ['authorization_code']);
});

const plugins = () => commandLines().filter((line) => line.includes(`get-token --issuer-url ${provider.issuer}`));
