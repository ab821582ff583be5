// Every command as its user types it: one program, one home, and a kubeconfig that `setup` wrote, without a flag; and each
// command that a message names, as it is printed.
//
// INSTALL names a program that installs a package for a provider, a client and a cluster; without it the user answers more
// questions of `kubekey setup`.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { POD } from './support/api_server.js';
import { startPerson } from './support/person.js';
import { CLIENT_ID } from './support/provider.js';
import { username } from './support/sign_in.js';
import { startStage } from './support/stage.js';

const { INSTALL } = process.env;
const CONTEXT = 'stand-in';
const NAME = 'alice';
const LOGIN = `kubekey login --context ${CONTEXT}`;
const EMAIL = `${NAME}@example.com`;
const SIGNED_IN = /^kubekey: signed in as Alice Example, with a token that is valid until /m;
const NO_SIGN_IN = /^kubekey: no sign-in is saved$/m;

const stage = await startStage();
const { apiServer, provider } = stage;
const authority = stage.certificates.authorityFile;
const version = readFileSync(join(import.meta.dirname, '../../Cargo.toml'), 'utf8').match(/^version = "(.*)"$/m)[1];

if (INSTALL) execFileSync(INSTALL, [provider.issuer, CLIENT_ID, CONTEXT, apiServer.url, authority], { stdio: 'inherit' });
const user = await stage.newcomer({ after });
const person = await startPerson(stage, user, NAME, after);
// The company's CA is the administrator's business, or else the user's.
if (!INSTALL) {
  const folder = join(user.env.HOME, '.config/kubekey');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.toml'), `certificate_authority = ['${authority}']\n`);
}

/** A step of the way. All later ones need it. */
let isLost = false;
const step = (name, walk) => test(name, async (t) => {
  if (isLost) return t.skip('an earlier step failed');
  isLost = true;
  await walk();
  isLost = false;
});


step('before setup, everything leads to it', async () => {
  const screen = await person.atTerminal('kubekey');
  assert.match(screen, /^No context of the kubeconfig runs it yet\.$/m);
  assert.match(screen, /^ {2}kubekey setup {2,}writes a context into the kubeconfig$/m);
  for (const [command, code] of [['kubekey status', 3], ['kubekey whoami', 2], ['kubekey setup --print kube', 2]]) {
    const { stdout, stderr } = await person.end(command, code);
    assert.match(stderr, /^hint: /m);
    assert.equal(stdout, '');
  }
});

step('kubekey setup writes the context and signs in', async () => {
  const questions = [
    [/URL of the API server.*: /, apiServer.url],
    [/name for the cluster.*: /, CONTEXT],
    [/PEM file with the CA of the API server.*: /, authority],
    [/issuer URL of the provider.*: /, provider.issuer],
    [/client ID registered with the provider.*: /, CLIENT_ID],
  ];
  const screen = await person.atTerminal('kubekey setup', [
    ...INSTALL ? [] : questions,
    [/write it\? \[yes\]: /, ''],
    [/sign in now\? \[yes\]: /, ''],
  ]);
  assert.match(screen, SIGNED_IN);
  assert.match(screen, new RegExp(`^kubekey: try it: kubectl --context ${CONTEXT} get pods$`, 'm'));
  assert.ok((await user.saved()).refresh_token);
});

step('kubectl works in silence', async () => {
  const { stdout, stderr } = await person.end('kubectl get pods');
  assert.match(stdout, new RegExp(`^${POD} `, 'm'));
  assert.equal(stderr, '');
  assert.match((await person.end('kubectl auth whoami')).stdout, username(NAME));
});

step('all that was named so far works', async () => {
  const followed = await person.follow();
  for (const command of ['kubekey --help', 'kubekey config show --origin', `kubectl --context ${CONTEXT} get pods`]) {
    assert.ok(followed.includes(command), `${command} is not in ${followed}`);
  }
});

step('kubekey status', async () => {
  const { stdout } = await person.end('kubekey status');
  for (const word of [CONTEXT, provider.issuer, CLIENT_ID, EMAIL]) assert.ok(stdout.includes(word), stdout);
  const plugin = await person.end('kubectl kubekey status');
  assert.equal(plugin.stdout, stdout);
});

step('kubekey token', async () => {
  const { id_token: idToken } = await user.saved();
  const { stdout, stderr } = await person.end('kubekey token');
  assert.equal(stdout, `${idToken}\n`);
  assert.equal(stderr, `kubekey: using the settings of context '${CONTEXT}'\n`);
  const decoded = (await person.end('kubekey token --decode')).stdout;
  for (const [claim, value] of Object.entries({ email: EMAIL, iss: provider.issuer, aud: CLIENT_ID })) {
    assert.match(decoded, new RegExp(`^ {2}${claim} +${value}$`, 'm'));
  }
  assert.match(decoded, /^ {2}exp +.* \(in (59 min|1 h)\)$/m);
  assert.ok(!decoded.includes(idToken.split('.')[2]), 'the signature is left out');
});

step('kubekey whoami', async () => {
  const { stdout } = await person.end('kubekey whoami');
  const [server, token] = stdout.split('\n\n');
  assert.match(server, new RegExp(`^the API server says\n[^]*^ {2}username +${EMAIL}$`, 'm'));
  assert.match(token, new RegExp(`^the token says\n[^]*^ {2}email +${EMAIL}$`, 'm'));
  await apiServer.stop();
  const { stderr } = await person.end('kubekey whoami', 5);
  await apiServer.start();
  assert.match(stderr, /^hint: check the network/m);
});

step('kubekey doctor', async () => {
  const { stdout } = await person.end('kubekey doctor');
  assert.doesNotMatch(stdout, /^error/m);
  assert.match(stdout, new RegExp(`^ok +provider +${provider.issuer} has a discovery document, and its certificate is verified$`, 'm'));
  assert.match(stdout, new RegExp(`^ok +API server +it takes you for '${EMAIL}'`, 'm'));
  assert.match(stdout, /^ok +sign-in +a token is saved/m);
});

step('kubekey config show', async () => {
  const { stdout } = await person.end('kubekey config show');
  for (const line of [`issuer_url = "${provider.issuer}"`, `client_id = "${CLIENT_ID}"`]) {
    assert.ok(stdout.split('\n').includes(line), stdout);
  }
});

step('kubekey setup --print', async () => {
  await person.end('kubekey setup --print', 2);
  const { stdout } = await person.end('kubekey setup --print kube-apiserver');
  assert.match(stdout, /^kind: AuthenticationConfiguration$/m);
  assert.ok(stdout.includes(provider.issuer) && stdout.includes(CLIENT_ID), stdout);
  const onboarding = (await person.end('kubekey setup --print onboarding')).stdout;
  for (const line of [`issuer_url = "${provider.issuer}"`, `client_id = "${CLIENT_ID}"`, `server = "${apiServer.url}"`]) {
    assert.ok(onboarding.includes(line), onboarding);
  }
});

step('kubekey completions', async () => {
  const script = join(user.env.HOME, 'completions');
  writeFileSync(script, (await person.end('kubekey completions bash')).stdout);
  const complete = (words) => `. ${script}; COMP_LINE="${words}" COMP_WORDS=(${words}) COMP_CWORD=${words.split(' ').length - 1}; \
    _kubekey kubekey "\${COMP_WORDS[COMP_CWORD]}" kubekey; echo "\${COMPREPLY[*]}"`;
  assert.equal((await person.end(`bash -ec '${complete('kubekey log')}'`)).stdout, 'login logout\n');
  assert.match((await person.end(`bash -ec '${complete('kubekey login --context st')}'`)).stdout, new RegExp(`^${CONTEXT} ?\n$`));
});

step('kubekey version', async () => {
  assert.equal((await person.end('kubekey version')).stdout, `kubekey v${version}\n`);
});

step('kubekey alone', async () => {
  const screen = await person.atTerminal('kubekey');
  assert.match(screen, new RegExp(`^It serves the current context '${CONTEXT}' \\(${apiServer.url}\\)\\.$`, 'm'));
  assert.match(screen, /^ {2}kubectl get pods {2,}signs you in when it is needed$/m);
  assert.match(await person.atTerminal('kubectl kubekey'), /^ {2}kubectl kubekey status {2,}lists the saved sign-ins$/m);
});

step('a mistake is answered with commands that work', async () => {
  const commands = ['token', 'whoami', 'login', 'status', 'config show'];
  for (const command of commands) {
    const { stdout, stderr } = await person.end(`kubekey ${command} --context nope`, 2);
    assert.equal(stdout, '');
    assert.match(stderr, new RegExp(`^ {2}kubekey ${command} --context ${CONTEXT}$`, 'm'));
  }
  const { stdout } = await person.end('kubekey doctor --context nope', 1);
  assert.match(stdout, new RegExp(`^ +kubekey doctor --context ${CONTEXT}$`, 'm'));
  assert.doesNotMatch(stdout, /no issuer URL is set/);
  await person.end('kubekey logn', 2);
  await person.end('kubekey login --xyzzy', 2);
  // By hand, without kubectl: only the administrator's configuration names the provider.
  await person.end('kubekey get-token', INSTALL ? 0 : 2);
  const followed = await person.follow();
  for (const command of [...commands.map((command) => `kubekey ${command} --context ${CONTEXT}`), 'kubekey login --help']) {
    assert.ok(followed.includes(command), `${command} is not in ${followed}`);
  }
});

step('kubekey login', async () => {
  const [before, grants] = [await user.saved(), provider.grants.length];
  assert.match((await person.end('kubekey login')).stderr, SIGNED_IN);
  assert.deepEqual(provider.grants.slice(grants), ['authorization_code']);
  assert.notEqual((await user.saved()).id_token, before.id_token);
});

step('kubekey logout revokes the refresh token', async () => {
  const { refresh_token: refreshToken } = await user.saved();
  assert.ok(await provider.refreshToken(refreshToken));
  const { stderr } = await person.end('kubekey logout');
  assert.match(stderr, /has revoked the refresh token$/m);
  assert.match(stderr, /the saved sign-in was removed$/m);
  await isSignedOut(refreshToken);
  for (const called of ['kubekey', 'kubectl kubekey']) {
    assert.match((await person.end(`${called} logout`)).stderr, /^kubekey: no saved sign-in to /m);
    assert.ok((await person.follow()).includes(`${called} logout --issuer ${provider.issuer}`), called);
  }
});

step('kubectl signs the user in again', async () => {
  const { stdout, stderr } = await person.end('kubectl get pods');
  assert.match(stdout, new RegExp(`^${POD} `, 'm'));
  assert.match(stderr, /^kubekey: /m);
});

step('kubekey logout --browser ends the session in the browser', async () => {
  const { refresh_token: refreshToken } = await user.saved();
  assert.match((await person.end('kubekey logout --browser')).stderr, /has revoked the refresh token$/m);
  await isSignedOut(refreshToken);
  assert.equal(await person.page.getByText('Sign-out Success').count(), 1);
});

step('a sign-in that nobody answers is followed by a command that signs in', async () => {
  await person.ignore('KUBEKEY_LOGIN_TIMEOUT=1s kubectl get pods', 1);
  const { stderr } = await person.end('kubectl get pods', 1);
  assert.match(stderr, new RegExp(`^hint: run '${LOGIN}' to sign in now$`, 'm'));
  assert.ok((await person.follow()).includes(LOGIN));
  assert.equal((await person.end('kubectl get pods')).stderr, '');
});

step('kubekey pages --write', async () => {
  const folder = join(user.env.HOME, 'my pages');
  const { stderr } = await person.end(`kubekey pages --write "${folder}"`);
  const pages = readdirSync(folder);
  assert.ok(pages.includes('signed_in.html'), pages);
  pages.forEach((page) => assert.ok(stderr.includes(join(folder, page)), stderr));
  assert.ok((await person.follow()).includes(`kubekey pages --preview --dir "${folder}"`));
});

// `--all` would also find what other users of these tests have in the kernel's keys.
step('kubekey logout --issuer', async () => {
  const { refresh_token: refreshToken } = await user.saved();
  const { stderr } = await person.end(`kubekey logout --issuer ${provider.issuer}`);
  assert.match(stderr, new RegExp(`to ${provider.issuer} as ${EMAIL}, client ${CLIENT_ID}; its refresh token was revoked$`, 'm'));
  await isSignedOut(refreshToken);
});

step('kubekey status names the command that signs in again', async () => {
  const { stderr } = await person.end('kubekey status', 3);
  assert.match(stderr, new RegExp(`^hint: sign in:\n {2}${LOGIN}$`, 'm'));
  assert.ok((await person.follow()).includes(LOGIN));
  assert.match((await person.end('kubekey status')).stdout, new RegExp(EMAIL));
  assert.equal((await person.end('kubectl get pods')).stderr, '');
  assert.deepEqual(await person.follow(), []);
});

step('no command is missing', async () => {
  const { stdout } = await person.end('kubekey --help');
  const [, list] = stdout.match(/^Commands:\n((?: {2}.*\n)+)/m);
  const names = [...list.matchAll(/^ {2}(\S+)/gm)].map(([, name]) => name).filter((name) => name !== 'help');
  const missing = names.filter((name) => !person.typed.some((command) => `${command} `.startsWith(`kubekey ${name} `)));
  assert.ok(names.length > 10, list);
  assert.deepEqual(missing, []);
});

/** Nothing is saved, and the provider does not take the refresh token any more. */
async function isSignedOut(refreshToken) {
  assert.equal(await provider.refreshToken(refreshToken), undefined);
  assert.equal(await user.saved(), undefined);
  assert.match((await person.end('kubekey status', 3)).stderr, NO_SIGN_IN);
}
