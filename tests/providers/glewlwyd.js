// Glewlwyd, from Debian.

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { startFront } from './front.js';
import { freePort, startOnPort } from './backend.js';

export const NAME = 'Glewlwyd';
export const CI = true;

const CLIENT_ID = 'kubernetes';
const TABLES = '/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3';
const SHARE = '/usr/share/glewlwyd';
const LIBRARIES = '/usr/lib/glewlwyd';

export async function start(folder, certificates, atEnd) {
  const version = execFileSync('dpkg-query', ['--show', '--showformat=${Version}', 'glewlwyd'], { encoding: 'utf8' });
  const front = await startFront(certificates, atEnd);
  front.backend = await freePort();
  execFileSync('sqlite3', [join(folder, 'glewlwyd.db')], { input: readFileSync(TABLES) });
  copyPages(folder);
  const config = join(folder, 'glewlwyd.conf');
  writeFileSync(config, configuration(folder, front));
  await startOnPort('glewlwyd', ['--config-file', config], front.backend, { cwd: folder }, atEnd);
  const issuer = `${front.url}/api/oidc`;
  // It compares redirect URIs exactly, including the port.
  const redirectUrl = `http://127.0.0.1:${await freePort()}/callback`;
  await configure(front.backend, issuer, redirectUrl);
  return { version: version.split('-')[0], issuer, clientId: CLIENT_ID, settings: ['--redirect-url', redirectUrl], signIn };
}

// In Debian's package the link to the pages' configuration points to a folder.
function copyPages(folder) {
  const filter = (file) => !file.endsWith('/config.json');
  cpSync(join(SHARE, 'webapp'), join(folder, 'webapp'), { recursive: true, dereference: true, filter });
  cpSync(join(SHARE, 'templates/config.json'), join(folder, 'webapp/config.json'));
}

function configuration(folder, front) {
  const list = ['html:text/html', 'css:text/css', 'js:application/javascript', 'json:application/json'].map((one) => {
    const [extension, type] = one.split(':');
    return `{ extension = ".${extension}" mime_type = "${type}" compress = 0 }`;
  });
  return `
port = ${front.backend}
external_url = "${front.url}"
login_url = "login.html"
static_files_path = "${join(folder, 'webapp')}"
static_files_mime_types = ( ${list.join(', ')} )
log_mode = "console"
log_level = "WARNING"
cookie_secure = 1
admin_scope = "g_admin"
profile_scope = "g_profile"
user_module_path = "${LIBRARIES}/user"
client_module_path = "${LIBRARIES}/client"
user_auth_scheme_module_path = "${LIBRARIES}/scheme"
plugin_module_path = "${LIBRARIES}/plugin"
hash_algorithm = "SHA512"
database = { type = "sqlite3" path = "${join(folder, 'glewlwyd.db')}" }
`;
}

/** What an administrator would set in the administration page. */
async function configure(port, issuer, redirectUrl) {
  const api = `http://127.0.0.1:${port}/api`;
  const login = await send(`${api}/auth/`, { username: 'admin', password: 'password' });
  const cookie = login.headers.get('set-cookie').split(';')[0];
  const admin = (path, body) => send(`${api}/${path}/`, body, cookie);
  await admin('mod/plugin', { module: 'oidc', name: 'oidc', display_name: 'OpenID Connect', enabled: true, parameters: parameters(issuer) });
  await admin('user', {
    username: 'alice', password: 'any will do', name: 'Alice Example', email: 'alice@example.com', enabled: true, scope: ['openid'],
  });
  await admin('client', {
    client_id: CLIENT_ID,
    name: 'Kubernetes',
    confidential: false,
    enabled: true,
    redirect_uri: [redirectUrl],
    authorization_type: ['code', 'refresh_token'],
    scope: [],
  });
}

function parameters(iss) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return {
    iss,
    'jwt-type': 'rsa',
    'jwt-key-size': '256',
    key: privateKey,
    cert: publicKey,
    'jwks-show': true,
    'access-token-duration': 3600,
    'refresh-token-duration': 86400,
    'code-duration': 600,
    'refresh-token-rolling': true,
    'refresh-token-one-use': 'always',
    'auth-type-code-enabled': true,
    'auth-type-refresh-enabled': true,
    'pkce-allowed': true,
    'email-claim': 'mandatory',
    'name-claim': 'mandatory',
    'introspection-revocation-allowed': true,
    'introspection-revocation-allow-target-client': true,
    'allowed-scope': ['openid'],
  };
}

async function send(url, body, cookie = '') {
  const headers = { 'content-type': 'application/json', cookie };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`Glewlwyd answered ${response.status} at ${url}: ${await response.text()}`);
  return response;
}

async function signIn(page) {
  await page.locator('#username').fill('alice');
  await page.locator('#password').fill('any will do');
  await page.locator('#loginbut').click();
  const grant = page.getByRole('button', { name: 'Grant access' });
  const goOn = page.locator('button[title="Continue to client application"]');
  await grant.or(goOn).first().waitFor();
  // The second time, there is nothing left to grant.
  if (await grant.isVisible()) await grant.click();
  await goOn.click();
}
