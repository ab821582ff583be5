// Canaille, from PyPI.

import { join } from 'node:path';

import { installPython } from '../e2e/support/python.js';
import { freePort, startBackend } from './backend.js';
import { startFront } from './front.js';

export const NAME = 'Canaille';
export const CI = false;

const VERSION = '0.3.6';
const CLIENT_ID = 'kubernetes';

export async function start(folder, certificates, atEnd) {
  const bin = installPython('providers/canaille', [`Canaille[front,oidc]==${VERSION}`], join(import.meta.dirname, 'constraints.txt'));
  const front = await startFront(certificates, atEnd);
  // It compares redirect URIs exactly, including the port.
  const redirectUrl = `http://127.0.0.1:${await freePort()}/callback`;
  const args = [join(import.meta.dirname, 'canaille-server.py'), front.host, CLIENT_ID, redirectUrl];
  front.backend = await startBackend(join(bin, 'python'), args, { cwd: folder }, atEnd);
  return {
    version: VERSION,
    issuer: front.url,
    clientId: CLIENT_ID,
    settings: ['--redirect-url', redirectUrl],
    signIn: (page) => answer(page, 'accept'),
    refuse: (page) => answer(page, 'deny'),
  };
}

// A user who has accepted once is not asked again.
async function answer(page, choice) {
  await page.locator('input[name=login]').fill('alice');
  await page.locator('button[type=submit]').first().click();
  await page.locator('input[name=password]').fill('any will do');
  await page.locator('button[type=submit]').first().click();
  const button = page.locator(`#${choice}`);
  await page.waitForURL((url) => url.pathname.endsWith('/authorize') || url.hostname === '127.0.0.1');
  if (await button.isVisible()) await button.click();
}
