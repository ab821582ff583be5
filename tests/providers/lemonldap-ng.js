// LemonLDAP::NG, from Debian.

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { freePort, startOnPort } from './backend.js';
import { startFront } from './front.js';

export const NAME = 'LemonLDAP::NG';
export const CI = false;

const CLIENT_ID = 'kubernetes';
const PACKAGE = 'liblemonldap-ng-portal-perl';
const FOLDERS = ['conf', 'sessions', 'psessions', 'lock'];
// Its metadata does not list offline_access.
const SCOPES = ['openid', 'email', 'profile', 'offline_access'];
// A user of its demonstration.
const [USER, PASSWORD] = ['dwho', 'dwho'];

export async function start(folder, certificates, atEnd) {
  const version = execFileSync('dpkg-query', ['--show', '--showformat=${Version}', PACKAGE], { encoding: 'utf8' });
  const front = await startFront(certificates, atEnd);
  front.backend = await freePort();
  // It compares redirect URIs exactly, including the port.
  const redirectUrl = `http://127.0.0.1:${await freePort()}/callback`;
  const file = configure(folder, front, redirectUrl);
  const env = { ...process.env, LLNG_DEFAULTCONFFILE: file, LLNG_DEFAULTLOGGER: 'Lemonldap::NG::Common::Logger::Std' };
  const args = ['--no-default-middleware', '--host', '127.0.0.1', '--port', front.backend, join(import.meta.dirname, 'lemonldap-ng.psgi')];
  await startOnPort('plackup', args, front.backend, { env, cwd: folder }, atEnd);
  return {
    version: version.split('+')[0],
    issuer: `${front.url}/`,
    clientId: CLIENT_ID,
    settings: ['--redirect-url', redirectUrl, ...SCOPES.flatMap((scope) => ['--scope', scope])],
    // As an administrator does in the session explorer.
    revoke: (token) => rmSync(join(folder, 'sessions', token)),
    signIn: (page) => answer(page, '.positive'),
    refuse: (page) => answer(page, '#refuse'),
  };
}

/** Writes its configuration; returns the file that has the path of it. */
function configure(folder, front, redirectUrl) {
  FOLDERS.forEach((name) => mkdirSync(join(folder, name)));
  writeFileSync(join(folder, 'conf/lmConf-1.json'), JSON.stringify(configuration(folder, front, redirectUrl)));
  const file = join(folder, 'lemonldap-ng.ini');
  writeFileSync(file, `
[all]
logLevel = warn
[configuration]
type = File
dirName = ${join(folder, 'conf')}
[portal]
staticPrefix = /static
templateDir = /usr/share/lemonldap-ng/portal/templates
languages = en
`);
  return file;
}

function configuration(folder, front, redirectUrl) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return {
    cfgNum: 1,
    // Without a date it does not accept the file.
    cfgDate: 1,
    portal: `${front.url}/`,
    domain: 'localhost',
    key: 'only for tests',
    securedCookie: 1,
    authentication: 'Demo',
    userDB: 'Same',
    demoExportedVars: { cn: 'cn', mail: 'mail', uid: 'uid' },
    whatToTrace: 'uid',
    locationRules: { localhost: { default: 'accept' } },
    // Its own captcha needs ImageMagick, even if no page uses one; this plugin does nothing.
    captcha: '::Main::Plugin',
    ...stores(folder),
    issuerDBOpenIDConnectActivation: 1,
    oidcServicePrivateKeySig: privateKey,
    oidcServicePublicKeySig: publicKey,
    oidcServiceKeyIdSig: 'key',
    oidcRPMetaDataOptions: { [CLIENT_ID]: client(redirectUrl) },
    oidcRPMetaDataExportedVars: { [CLIENT_ID]: { email: 'mail', name: 'cn' } },
  };
}

function stores(folder) {
  const store = (name) => ({
    Directory: join(folder, name),
    LockDirectory: join(folder, 'lock'),
    generateModule: 'Lemonldap::NG::Common::Apache::Session::Generate::SHA256',
  });
  return {
    globalStorage: 'Apache::Session::File',
    globalStorageOptions: store('sessions'),
    persistentStorage: 'Apache::Session::File',
    persistentStorageOptions: store('psessions'),
  };
}

function client(redirectUrl) {
  const options = {
    ClientID: CLIENT_ID,
    DisplayName: 'Kubernetes',
    Public: 1,
    RequirePKCE: 1,
    AllowOffline: 1,
    IDTokenForceClaims: 1,
    IDTokenSignAlg: 'RS256',
    RedirectUris: redirectUrl,
  };
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [`oidcRPMetaDataOptions${name}`, value]));
}

async function answer(page, button) {
  await page.locator('input[name=user]').fill(USER);
  await page.locator('input[name=password]').fill(PASSWORD);
  await page.locator('button[type=submit]').first().click();
  await page.locator(button).waitFor();
  // The page's script distinguishes the buttons.
  await page.waitForLoadState();
  await page.locator(button).click();
}
