// The Community Solid Server, from npm.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { installNpm } from '../e2e/support/npm.js';
import { freePort, startOnPort } from './backend.js';
import { startFront } from './front.js';

export const NAME = 'Community Solid Server';
export const CI = false;

const PACKAGE = '@solid/community-server';
const ACCOUNT = { email: 'alice@example.com', password: 'any will do', pods: [{ name: 'alice' }] };

export async function start(folder, certificates, atEnd) {
  const version = installNpm(import.meta.dirname, PACKAGE);
  const front = await startFront(certificates, atEnd);
  front.backend = await freePort();
  const accounts = join(folder, 'accounts.json');
  writeFileSync(accounts, JSON.stringify([ACCOUNT]));
  const program = join(import.meta.dirname, 'node_modules', PACKAGE, 'bin/server.js');
  const args = ['--port', front.backend, '--baseUrl', `${front.url}/`, '--seedConfig', accounts, '--loggingLevel', 'error'];
  await startOnPort(process.execPath, [program, ...args], front.backend, { cwd: folder }, atEnd);
  const clientId = await register(front.backend, front);
  return { version, issuer: `${front.url}/`, clientId, signIn, refuse };
}

/** Any client can register itself. */
async function register(port, front) {
  const headers = { 'content-type': 'application/json', 'x-forwarded-host': front.host, 'x-forwarded-proto': 'https' };
  const body = JSON.stringify({
    client_name: 'Kubernetes',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: ['http://127.0.0.1/callback'],
  });
  const response = await fetch(`http://127.0.0.1:${port}/.oidc/reg`, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`no client: ${response.status} ${await response.text()}`);
  return (await response.json()).client_id;
}

async function logIn(page) {
  await page.locator('#email').fill(ACCOUNT.email);
  await page.locator('#password').fill(ACCOUNT.password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

async function signIn(page) {
  await logIn(page);
  await page.locator('#authorize').click();
}

async function refuse(page) {
  await logIn(page);
  // Its page must query the server before it can handle a click.
  await page.locator('#cancel').waitFor();
  await page.waitForLoadState('networkidle');
  await page.locator('#cancel').click();
}
