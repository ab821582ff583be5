// A user with a home, a keyring, a browser launcher, and a kubeconfig with kubekey as its exec plugin.

import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { startLauncher } from './launcher.js';
import { run, start, stop } from './processes.js';
import { CLIENT_ID } from './provider.js';
import { startSession } from './session.js';

export const KUBEKEY = resolve(process.env.KUBEKEY ?? join(import.meta.dirname, '../../../target/debug/kubekey'));
const KUBECTL = process.env.KUBECTL ?? 'kubectl';

/** Cleanup goes to `atEnd`. */
export async function startUser(folder, { certificates, provider, apiServer, clientId = CLIENT_ID, settings: more = [] }, atEnd) {
  const { env, launcher } = await startHome(folder, atEnd);
  env.KUBECONFIG = join(folder, 'kubeconfig');
  env.SSL_CERT_FILE = certificates.authorityFile;
  const settings = ['--issuer-url', provider.issuer, '--client-id', clientId, ...more];
  const args = ['get-token', ...settings];
  if (apiServer) writeKubeconfig(env.KUBECONFIG, certificates, apiServer, { args });
  // The kernel stores tokens by UID, which all users of these tests share, and beyond their end.
  const logOut = () => run(KUBEKEY, ['logout', ...settings], { env });
  await logOut();
  const begin = beginner(env, logOut, atEnd);
  return {
    env,
    launcher,
    begin,
    /** Rewrites the kubeconfig, with other fields in its exec section. */
    configure: (exec) => writeKubeconfig(env.KUBECONFIG, certificates, apiServer, { args, ...exec }),
    kubectl: (...args) => begin(KUBECTL, args),
    kubekey: (...more) => begin(KUBEKEY, [...args, ...more]),
    /** Another command of kubekey, with the same settings. */
    kubekeyCommand: (command) => begin(KUBEKEY, [command, ...settings]),
    logOut: (...more) => begin(KUBEKEY, ['logout', ...settings, ...more]),
    saved: () => savedTokens(env),
  };
}

/**
 * A user who has nothing but what is installed, and types commands: `type(command)` gives a shell what a person would type.
 * Cleanup goes to `atEnd`.
 */
export async function startNewcomer(folder, issuer, atEnd) {
  const { env, launcher } = await startHome(folder, atEnd);
  install(launcher.bin);
  // All users of this machine with this UID share the kernel's keys, so not `--all`.
  const begin = beginner(env, () => run(KUBEKEY, ['logout', '--issuer', issuer], { env }), atEnd);
  return { env, launcher, begin, type: (command) => begin('sh', ['-c', command]), saved: () => savedTokens(env) };
}

/** Puts links to the programs into a folder, unless they are on the PATH as packages install them. */
function install(bin) {
  if (KUBECTL !== 'kubectl') symlinkSync(resolve(KUBECTL), join(bin, 'kubectl'));
  if (process.env.PATH.split(':').includes(dirname(KUBEKEY))) return;
  symlinkSync(KUBEKEY, join(bin, 'kubekey'));
  symlinkSync('kubekey', join(bin, 'kubectl-kubekey'));
}

/** A home with a keyring and a launcher of browsers. */
async function startHome(folder, atEnd) {
  if (!existsSync(KUBEKEY)) throw new Error(`no kubekey at ${KUBEKEY}: build it, or name it in KUBEKEY`);
  mkdirSync(folder);
  const env = environment(folder);
  await startSession(env, atEnd);
  const launcher = await startLauncher(folder, atEnd);
  env.PATH = `${launcher.bin}:${process.env.PATH}`;
  // Without a screen kubekey starts no launcher.
  env.DISPLAY = ':4711';
  return { env, launcher };
}

/** A function that starts programs in this environment; they end with the user, who is signed out then. */
function beginner(env, logOut, atEnd) {
  const begun = [];
  atEnd(async () => {
    await Promise.all(begun.map(stop));
    await logOut();
  });
  return (command, args, input) => {
    const program = start(command, args, { env, input });
    begun.push(program);
    return program;
  };
}

// Only PATH comes from the environment of the tests.
function environment(folder) {
  return { HOME: folder, LANG: 'C.UTF-8', PATH: process.env.PATH, XDG_RUNTIME_DIR: join(folder, 'run') };
}

function writeKubeconfig(file, certificates, apiServer, exec) {
  const defaults = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: KUBEKEY,
    interactiveMode: 'IfAvailable',
    provideClusterInfo: true,
  };
  const cluster = { server: apiServer.url, 'certificate-authority': certificates.authorityFile };
  // JSON is YAML as well.
  writeFileSync(file, JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'stand-in', cluster }],
    users: [{ name: 'me', user: { exec: { ...defaults, ...exec } } }, { name: 'nobody', user: {} }],
    contexts: [{ name: 'stand-in', context: { cluster: 'stand-in', user: 'me' } }],
    'current-context': 'stand-in',
  }));
}

/** The sign-in that kubekey saved in the keyring, or undefined. */
async function savedTokens(env) {
  const { code, stdout, stderr } = await run('secret-tool', ['lookup', 'service', 'kubekey'], { env });
  if (code === 0) return JSON.parse(stdout);
  if (stderr) throw new Error(`secret-tool: ${stderr}`);
  return undefined;
}
