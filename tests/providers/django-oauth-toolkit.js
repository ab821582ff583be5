// django-oauth-toolkit, from PyPI.

import { join } from 'node:path';

import { installPython } from '../e2e/support/python.js';
import { startBackend } from './backend.js';
import { startFront } from './front.js';

export const NAME = 'django-oauth-toolkit';
export const CI = true;

const VERSION = '3.4.1';
const CLIENT_ID = 'kubernetes';

export async function start(folder, certificates, atEnd) {
  const bin = installPython('providers/django', [`django-oauth-toolkit==${VERSION}`], join(import.meta.dirname, 'constraints.txt'));
  const front = await startFront(certificates, atEnd);
  const program = join(import.meta.dirname, 'django-oauth-toolkit.py');
  const issuer = `${front.url}/`;
  front.backend = await startBackend(join(bin, 'python'), [program, issuer, CLIENT_ID], { cwd: folder }, atEnd);
  return {
    version: VERSION,
    issuer,
    clientId: CLIENT_ID,
    // It is missing in the metadata.
    revocationEndpoint: `${front.url}/revoke_token/`,
    signIn: (page) => answer(page, 'allow'),
    refuse: (page) => answer(page, 'cancel'),
  };
}

async function answer(page, button) {
  await page.locator('[name=username]').fill('alice');
  await page.locator('[name=password]').fill('any will do');
  await page.getByRole('button', { name: 'Log in' }).click();
  const choices = { allow: 'input[name=allow]', cancel: 'input[type=submit]:not([name=allow])' };
  await page.locator(choices[button]).click();
}
