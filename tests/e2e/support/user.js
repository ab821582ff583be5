// A user with a home, a keyring, a browser launcher, and a kubeconfig that has kubekey as its exec plugin.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { startLauncher } from './launcher.js';
import { run, start, stop } from './processes.js';
import { CLIENT_ID } from './provider.js';
import { startSession } from './session.js';

const KUBEKEY = resolve(process.env.KUBEKEY ?? join(import.meta.dirname, '../../../target/debug/kubekey'));
const KUBECTL = process.env.KUBECTL ?? 'kubectl';

/** What has to be done at the end goes to `atEnd`. */
export async function startUser(folder, { certificates, provider, apiServer }, atEnd) {
  if (!existsSync(KUBEKEY)) throw new Error(`no kubekey at ${KUBEKEY}: build it, or name it in KUBEKEY`);
  mkdirSync(folder);
  const env = environment(folder, certificates);
  await startSession(env, atEnd);
  const launcher = await startLauncher(folder, atEnd);
  env.PATH = `${launcher.bin}:${process.env.PATH}`;
  const settings = ['--issuer-url', provider.issuer, '--client-id', CLIENT_ID];
  writeKubeconfig(env.KUBECONFIG, certificates, apiServer, settings);
  // The kernel keeps tokens for a UID, which all users of these tests share, and beyond their end.
  const logOut = () => run(KUBEKEY, ['logout', ...settings], { env });
  await logOut();
  atEnd(logOut);
  const begin = (command, args) => {
    const program = start(command, args, { env });
    atEnd(() => stop(program));
    return program;
  };
  return {
    launcher,
    kubectl: (...args) => begin(KUBECTL, args),
    kubekey: (...args) => begin(KUBEKEY, ['get-token', ...settings, ...args]),
    saved: () => savedTokens(env),
  };
}

// Nothing of the environment that the tests run in, but for PATH.
function environment(folder, certificates) {
  return {
    HOME: folder,
    KUBECONFIG: join(folder, 'kubeconfig'),
    LANG: 'C.UTF-8',
    PATH: process.env.PATH,
    SSL_CERT_FILE: certificates.authorityFile,
    XDG_RUNTIME_DIR: join(folder, 'run'),
  };
}

function writeKubeconfig(file, certificates, apiServer, settings) {
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: KUBEKEY,
    args: ['get-token', ...settings],
    interactiveMode: 'IfAvailable',
    provideClusterInfo: true,
  };
  const cluster = { server: apiServer.url, 'certificate-authority': certificates.authorityFile };
  // JSON is YAML as well.
  writeFileSync(file, JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'stand-in', cluster }],
    users: [{ name: 'me', user: { exec } }, { name: 'nobody', user: {} }],
    contexts: [{ name: 'stand-in', context: { cluster: 'stand-in', user: 'me' } }],
    'current-context': 'stand-in',
  }));
}

/** What kubekey keeps in the keyring, or undefined. */
async function savedTokens(env) {
  const { code, stdout, stderr } = await run('secret-tool', ['lookup', 'service', 'kubekey'], { env });
  if (code === 0) return JSON.parse(stdout);
  if (stderr) throw new Error(`secret-tool: ${stderr}`);
  return undefined;
}
