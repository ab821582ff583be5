// Programs, which sign in for themselves.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { makeCertificates } from './support/certificates.js';
import { run } from './support/processes.js';
import { KEY_CLIENT_ID, SECRET_CLIENT_ID, startProvider } from './support/provider.js';
import { KUBEKEY } from './support/user.js';

const folder = mkdtempSync(join(tmpdir(), 'kubekey-e2e-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
const certificates = makeCertificates(folder);
const provider = await startProvider(certificates);
after(() => provider.stop());

test('a program gets a token with its secret, and keeps it', async () => {
  const secret = file('secret', provider.programs.secret);
  const token = await tokenOf(SECRET_CLIENT_ID, '--client-secret-file', secret);
  assert.equal((await provider.tokenOfProgram(token)).clientId, SECRET_CLIENT_ID);
  const grants = provider.grants.length;
  assert.equal(await tokenOf(SECRET_CLIENT_ID, '--client-secret-file', secret), token);
  assert.deepEqual(provider.grants.slice(grants), []);
});

test('a program gets tokens with its key', async () => {
  const key = file('key.json', JSON.stringify(provider.programs.key));
  const token = await tokenOf(KEY_CLIENT_ID, '--client-key', key);
  assert.equal((await provider.tokenOfProgram(token)).clientId, KEY_CLIENT_ID);
  assert.notEqual(await tokenOf(KEY_CLIENT_ID, '--client-key', key, '--force-refresh'), token);
});

test('a wrong secret is refused, with an exit code for scripts', async () => {
  const secret = file('wrong', 'wrong');
  const { code, stdout, stderr } = await kubekey(SECRET_CLIENT_ID, '--client-secret-file', secret, '--force-refresh');
  assert.deepEqual([code, stdout], [3, '']);
  assert.match(stderr, /^kubekey: the provider refused the client: .*\(invalid_client\)\nhint: check the client ID/m);
});

function file(name, content) {
  writeFileSync(join(folder, name), content, { mode: 0o600 });
  return join(folder, name);
}

/** A program without a session, which keeps tokens in a file. */
function kubekey(clientId, ...more) {
  const home = join(folder, 'home');
  mkdirSync(home, { recursive: true });
  const env = { HOME: home, PATH: process.env.PATH, SSL_CERT_FILE: certificates.authorityFile };
  const settings = ['--issuer-url', provider.issuer, '--client-id', clientId, '--flow=client-credentials', '--token-storage=file'];
  return run(KUBEKEY, ['get-token', ...settings, ...more], { env });
}

async function tokenOf(...args) {
  const { code, stdout, stderr } = await kubekey(...args);
  assert.deepEqual([code, stderr], [0, '']);
  return JSON.parse(stdout).status.token;
}
