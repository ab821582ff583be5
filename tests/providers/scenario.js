// The tests of each provider: a first sign-in, refreshes, a used and a revoked refresh token, a user who refuses.

import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { isResult } from '../e2e/support/browser.js';
import { getJson } from '../e2e/support/https_server.js';
import { until } from '../e2e/support/processes.js';
import { startUser } from '../e2e/support/user.js';

const LOCAL_URL = /http:\/\/127\.0\.0\.1:\d+\/[\w-]{16}/;

/**
 * `provider`: `{ issuer, clientId, settings, signIn(page), refuse(page) }`, where `signIn` goes as far as the provider's
 * last page, and `refuse` is there if a user can refuse. `revocationEndpoint` is there if the metadata lack it, and `revoke(token)`
 * if there is none.
 */
export async function observe(provider, { folder, certificates, newPage, atEnd }) {
  const settings = ['--token-storage', 'file', ...(provider.settings ?? [])];
  const parts = { certificates, provider, clientId: provider.clientId, settings };
  const userIn = (home) => startUser(`${folder}/${home}`, parts, atEnd);
  const { body: metadata } = await getJson(`${provider.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, certificates);
  const stage = { provider, certificates, newPage, metadata, user: await userIn('user') };
  return {
    // With another user: for some seconds the refusal also applies to the next runs of the same user.
    refusal: provider.refuse && await refusal({ ...stage, user: await userIn('refuser') }),
    signedIn: await firstSignIn(stage),
    isAskedAgain: await isAskedAgain(stage),
    refresh: await refresh(stage),
    revoked: await revoked(stage),
  };
}

async function firstSignIn(stage) {
  const { browsers, page } = await run(stage);
  assert.equal(browsers, 1, 'a first sign-in opens a browser');
  const { id_token: idToken } = saved(stage).set;
  assert.match(await page.locator('body').innerText(), /signed in/);
  return {
    claims: ['email', 'name', 'groups'].filter((name) => name in claims(idToken)),
    mode: page.callbacks[0].request().method() === 'POST' ? 'form_post' : 'query',
  };
}

/** A provider that gave no refresh token may give one at the next sign-in, which asks for consent. */
async function isAskedAgain(stage) {
  if (saved(stage).set.refresh_token) return false;
  expire(stage);
  const { browsers } = await run(stage);
  assert.equal(browsers, 1, 'without a refresh token there is another sign-in');
  return true;
}

/** Twice: a token that came with a refresh must work, too. Then the first one again, if it was replaced. */
async function refresh(stage) {
  const first = saved(stage).set;
  if (!first.refresh_token) return undefined;
  for (const time of ['first', 'second']) {
    const before = saved(stage).set;
    expire(stage);
    const { browsers, stderr } = await run(stage);
    if (stderr.includes('has no ID token')) return { isWithout: true };
    assert.equal(browsers, 0, `the ${time} refresh was to be silent: ${stderr}`);
    assert.notEqual(saved(stage).set.id_token, before.id_token, `the ${time} refresh brings another ID token`);
  }
  const rotates = saved(stage).set.refresh_token !== first.refresh_token;
  if (!rotates) return { rotates };
  expire(stage, { refresh_token: first.refresh_token });
  const { browsers } = await run(stage);
  return { rotates, isSpentAccepted: browsers === 0 };
}

/** A session that was ended at the provider results in a new sign-in. */
async function revoked(stage) {
  const { provider: { clientId, revocationEndpoint, revoke }, metadata } = stage;
  const endpoint = revocationEndpoint ?? metadata.revocation_endpoint;
  const { refresh_token: token } = saved(stage).set;
  if (!token || !(endpoint || revoke)) return undefined;
  const form = { token, token_type_hint: 'refresh_token', client_id: clientId };
  const status = revoke ? await revoke(token) : await post(endpoint, stage, form);
  if (status && status !== 200) return { status };
  expire(stage);
  return { isAccepted: (await run(stage)).browsers === 0 };
}

async function refusal(stage) {
  const kubekey = stage.user.kubekey();
  const page = await stage.newPage();
  await page.goto(await until(30, 'the address to open', () => kubekey.output.stderr.match(LOCAL_URL)?.[0]));
  await stage.provider.refuse(page);
  // LemonLDAP::NG leaves its error in the URL even if the response mode is form_post.
  await page.waitForURL(({ hostname }) => hostname === '127.0.0.1');
  const { code, stdout, stderr } = await kubekey.end();
  assert.equal(code, 3, stderr);
  assert.equal(stdout, '');
  return stderr.match(/^kubekey: (.*)$/gm).at(-1).replace('kubekey: ', '');
}

/** Runs kubekey, and signs in if it opens a browser. */
async function run({ provider, newPage, user }) {
  const before = (await user.launcher.calls()).length;
  const kubekey = user.kubekey();
  let isEnded = false;
  kubekey.finished.then(() => { isEnded = true; });
  const url = () => kubekey.output.stderr.match(LOCAL_URL)?.[0];
  await until(30, 'a browser to be opened, or kubekey to end', () => isEnded || url());
  const page = url() && await newPage();
  if (page) {
    await page.goto(url());
    await provider.signIn(page);
    await page.waitForURL(isResult);
  }
  const { code, stdout, stderr } = await kubekey.end();
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).kind, 'ExecCredential');
  return { browsers: (await user.launcher.calls()).length - before, page, stderr };
}

function saved({ user }) {
  const [file, ...more] = globSync(`${user.env.HOME}/.local/state/kubekey/tokens/*`);
  assert.deepEqual(more, [], 'one file for one sign-in');
  return { file, set: JSON.parse(readFileSync(file, 'utf8')) };
}

/** As if the ID token had expired, with other changes. */
function expire(stage, changes = {}) {
  const { file, set } = saved(stage);
  writeFileSync(file, JSON.stringify({ ...set, expires_at: 1, ...changes }));
}

async function post(url, { certificates }, form) {
  const body = new URLSearchParams(form).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const request = https.request(url, { method: 'POST', ca: certificates.authority, headers, agent: false }).end(body);
  const [response] = await once(request, 'response');
  await text(response);
  return response.statusCode;
}

function claims(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
}
