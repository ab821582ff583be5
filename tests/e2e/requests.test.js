// What a user can choose about the request, at a provider that looks at it: pushed requests, prompts, resources.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { chooseAccount, isResult, newPage, signIn } from './support/browser.js';
import { RESOURCE } from './support/provider.js';
import { urlFrom } from './support/sign_in.js';
import { startStage } from './support/stage.js';

const stage = await startStage();
const { provider } = stage;

test('a pushed request leaves nothing of itself in the address', async (t) => {
  const user = await stage.user(t);
  const pushed = provider.requests.length;
  const { asked } = await signInWith(user, ['--par', '--resource', RESOURCE, '--login-hint', 'alice'], signInAs('alice'));
  assert.deepEqual(Object.keys(asked.query), ['client_id', 'request_uri']);
  assert.match(asked.query.request_uri, /^urn:ietf:params:oauth:request_uri:/);
  const paths = provider.requests.slice(pushed).map(({ method, path }) => `${method} ${path}`);
  assert.equal(paths.filter((path) => path === 'POST /request').length, 1, `${paths}`);
  assert.ok(paths.indexOf('POST /request') < paths.indexOf('GET /auth'), `${paths}`);
});

test('a resource is asked for at the sign-in and at the refresh', async (t) => {
  const user = await stage.user(t);
  const flags = ['--resource', RESOURCE];
  const { asked } = await signInWith(user, flags, signInAs('bob'));
  assert.equal(asked.query.resource, RESOURCE);
  const grants = provider.grants.length;
  const refreshed = await user.kubekey(...flags, '--force-refresh').end();
  assert.equal(refreshed.code, 0, refreshed.stderr);
  assert.deepEqual(provider.grants.slice(grants), ['refresh_token']);
});

test('a resource that the provider does not know ends the sign-in with its answer', async (t) => {
  const user = await stage.user(t);
  const { stdout, stderr } = await endWith(user, ['--resource', 'https://other.example.com'], (page) => page.waitForURL(isResult));
  assert.equal(stdout, '');
  assert.match(stderr, /invalid_target/);
});

test('with login the password is asked for although the provider has a session', async (t) => {
  const user = await stage.user(t);
  const page = await newPage(stage.browser);
  await signInWith(user, [], signInAs('carol'), page);
  const { asked } = await signInWith(user, ['--prompt', 'login', '--token-storage', 'none'], signInAs('carol'), page);
  assert.equal(asked.query.prompt, 'login consent');
});

test('with consent the session is enough, and the consent is asked for', async (t) => {
  const user = await stage.user(t);
  const page = await newPage(stage.browser);
  await signInWith(user, [], signInAs('dora'), page);
  const { asked } = await signInWith(user, ['--prompt', 'consent', '--token-storage', 'none'], consent, page);
  assert.equal(asked.query.prompt, 'consent');
});

test('with select_account the provider lets the user choose although it has a session', async (t) => {
  const user = await stage.user(t);
  const page = await newPage(stage.browser);
  await signInWith(user, [], signInAs('emil'), page);
  const { asked, claims } = await signInWith(user, ['--prompt', 'select_account', '--token-storage', 'none'], async () => {
    await chooseAccount(page);
    await consent(page);
  }, page);
  assert.equal(asked.query.prompt, 'select_account consent');
  assert.equal(claims.email, 'emil@example.com');
});

test('with none no page is shown, and a sign-in that needs one fails', async (t) => {
  const user = await stage.user(t);
  const { asked, stderr } = await endWith(user, ['--prompt', 'none'], (page) => page.waitForURL(isResult));
  assert.equal(asked.query.prompt, 'none');
  assert.match(stderr, /login_required|a page/);
});

test('after a logout the same person is not signed in without a question', async (t) => {
  const user = await stage.user(t);
  const page = await newPage(stage.browser);
  await signInWith(user, [], signInAs('frida'), page);
  const logout = await user.kubekeyCommand('logout').end();
  assert.equal(logout.code, 0, logout.stderr);
  const { asked, claims } = await signInWith(user, [], signInAs('gustav'), page);
  assert.match(asked.query.prompt, /^login/);
  assert.equal(claims.email, 'gustav@example.com');
});

async function consent(page) {
  await page.locator('input[name=prompt][value=consent]').waitFor({ state: 'attached' });
  await page.locator('button[type=submit]').click();
  await page.waitForURL(isResult);
}

const signInAs = (name) => (page) => signIn(page, name);

/** A run that `act` must sign in: `{ asked, claims }`. */
async function signInWith(user, flags, act, page) {
  const { asked, code, stdout, stderr } = await runWith(user, flags, act, page);
  assert.equal(code, 0, stderr);
  const [, claims] = JSON.parse(stdout).status.token.split('.');
  return { asked, claims: JSON.parse(Buffer.from(claims, 'base64url')) };
}

/** A run that must end without a sign-in. */
async function endWith(user, flags, act) {
  const ended = await runWith(user, flags, act);
  assert.equal(ended.code, 3, ended.stderr);
  return ended;
}

async function runWith(user, flags, act, page) {
  const before = provider.authorizationRequests().length;
  const kubekey = user.kubekey(...flags);
  const used = page ?? await newPage(stage.browser);
  await used.goto(await urlFrom(kubekey, user));
  await act(used);
  return { ...await kubekey.end(), asked: provider.authorizationRequests()[before] };
}
