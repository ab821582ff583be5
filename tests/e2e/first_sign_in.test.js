// The first kubectl of the day, and the second.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { newPage, signIn, takeScreenshots } from './support/browser.js';
import { commandLines } from './support/processes.js';
import { urlFrom, whoamiInSilence, whoamiWithSignIn } from './support/sign_in.js';
import { screenshotsFolder, startStage } from './support/stage.js';

const stage = await startStage();
const { provider } = stage;

test('the first kubectl signs the user in, in one browser', async (t) => {
  const user = await stage.user(t);
  const asked = provider.authorizationRequests().length;
  const { page, stderr } = await whoamiWithSignIn(stage, user, 'alice');
  assert.equal((await user.launcher.calls()).length, 1);

  const [request, ...more] = provider.authorizationRequests().slice(asked);
  assert.deepEqual(more, []);
  assert.equal(request.query.response_type, 'code');
  assert.equal(request.query.code_challenge_method, 'S256');
  assert.match(request.query.code_challenge, /^[\w-]{43}$/);
  assert.match(request.query.state, /^[\w-]{16,}$/);
  assert.match(request.query.nonce, /^[\w-]{16,}$/);
  assert.notEqual(request.query.state, request.query.nonce);
  assert.match(request.query.redirect_uri, /^http:\/\/127\.0\.0\.1:\d+\/callback$/);
  assert.doesNotMatch(stderr, /code_challenge|eyJ/);

  const text = await page.locator('body').innerText();
  assert.match(text, /Alice Example/);
  assert.ok(text.includes(new URL(stage.apiServer.url).host), `the page names no cluster: ${text}`);
  const loaded = await page.locator('img').evaluateAll((images) => images.map(({ naturalWidth }) => naturalWidth > 0));
  assert.deepEqual(loaded, [true], 'the picture of the user');
  await takeScreenshots(page, screenshotsFolder(), 'signed-in');
});

test('the second kubectl opens nothing and asks the provider nothing', async (t) => {
  const user = await stage.user(t);
  await whoamiWithSignIn(stage, user, 'bob');
  const asked = provider.requests.length;
  await whoamiInSilence(user, 'bob');
  const version = await user.kubectl('get', '--raw', '/version').end();
  assert.equal(version.code, 0, version.stderr);
  assert.match(JSON.parse(version.stdout).gitVersion, /stand-in/);
  assert.deepEqual(provider.requests.slice(asked), []);
  assert.equal((await user.launcher.calls()).length, 1);
});

test('the authorization URL is in no process list', async (t) => {
  const user = await stage.user(t);
  const kubekey = user.kubekey();
  const page = await newPage(stage.browser);
  const url = await urlFrom(kubekey, user);
  await page.goto(url);
  const lines = commandLines();
  assert.ok(lines.some((line) => line.includes(provider.issuer)), 'kubekey itself is in the list');
  assert.deepEqual(lines.filter((line) => /code_challenge|\/auth\?/.test(line)), []);

  await signIn(page, 'carol');
  const { code, stdout, stderr } = await kubekey.end();
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).kind, 'ExecCredential');
  assert.deepEqual(await user.launcher.calls(), [[url]]);
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/[\w-]{16}$/);
  assert.ok(stderr.includes(url), `the URL to open by hand is not in: ${stderr}`);
});

test('the stand-in for the API server turns away a token that the provider did not sign', async (t) => {
  const user = await stage.user(t);
  await whoamiWithSignIn(stage, user, 'dave');
  const { id_token: token } = await user.saved();
  const [header, claims, signature] = token.split('.');
  const forged = Buffer.from(claims, 'base64url').toString().replace('dave@', 'root@');
  const whoami = (value) => user.kubectl('auth', 'whoami', '--user', 'nobody', '--token', value).end();
  const refused = await whoami([header, Buffer.from(forged).toString('base64url'), signature].join('.'));
  assert.notEqual(refused.code, 0, refused.stdout);
  assert.match(refused.stderr, /Unauthorized|must be logged in/);
  const accepted = await whoami(token);
  assert.equal(accepted.code, 0, accepted.stderr);
});
