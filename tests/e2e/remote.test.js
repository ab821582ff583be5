// A person on another machine, over SSH, at a terminal of 80 columns.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { enterCode, newPage, signIn, signInAtProvider } from './support/browser.js';
import { processesWith, until } from './support/processes.js';
import { BROWSER_CLIENT_ID } from './support/provider.js';
import { startSshServer, startTerminal } from './support/remote.js';
import { username } from './support/sign_in.js';
import { screenshotsFolder, startStage } from './support/stage.js';

const KUBECTL = `${process.env.KUBECTL ?? 'kubectl'} auth whoami`;

const stage = await startStage();
const folder = mkdtempSync(join(tmpdir(), 'kubekey-ssh-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
const server = await startSshServer(join(folder, 'server'), after);
let terminals = 0;

test('a code', async (t) => {
  const { terminal } = await person(t);
  await terminal.type(`${KUBECTL}\n`);
  const [, code] = await terminal.sees(/^kubekey: and enter the code (\S+)$/m);
  await keep(terminal, 'device');
  await enterCode(await newPage(stage.browser), stage.provider, code, 'dora');
  await terminal.sees(username('dora'));
});

test('a pasted URL', async (t) => {
  const { terminal } = await person(t, { clientId: BROWSER_CLIENT_ID });
  await terminal.type(`${KUBECTL}\n`);
  const page = await elsewhere(terminal, 'emil');
  await keep(terminal, 'paste');
  await terminal.type(`${page.url()}\n`);
  await terminal.sees(username('emil'));
  const screen = await terminal.screen();
  assert.ok(!screen.includes('code='), screen);
  await isAsBefore(terminal);
});

test('a browser through the tunnel', async (t) => {
  const { terminal } = await person(t, { clientId: BROWSER_CLIENT_ID });
  await terminal.type(`${KUBECTL}\n`);
  const [, local] = await terminal.sees(/^kubekey: {3}(http:\/\/127\.0\.0\.1:\S+)$/m);
  await terminal.sees(/paste none that you were sent/);
  const page = await newPage(stage.browser);
  await page.goto(local);
  await signIn(page, 'fritz');
  await terminal.sees(username('fritz'));
  await isAsBefore(terminal);
});

test('Ctrl-C leaves the terminal as it was, and nothing behind', async (t) => {
  const { terminal, user } = await person(t, { clientId: BROWSER_CLIENT_ID });
  await terminal.type(`${KUBECTL}\n`);
  await terminal.sees(/paste none that you were sent/);
  await terminal.press('C-c');
  await isAsBefore(terminal);
  await isGone(user);
});

test('so does the end of the client', async (t) => {
  const { terminal, user } = await person(t, { clientId: BROWSER_CLIENT_ID });
  await terminal.type(`${KUBECTL}\n`);
  await terminal.sees(/paste none that you were sent/);
  processesOf(user, 'kubectl').forEach((pid) => process.kill(pid, 'SIGKILL'));
  await terminal.sees(/Killed/);
  await isAsBefore(terminal);
  // The sign-in is still open, for the next kubectl to show it again.
  const left = processesOf(user, 'kubekey');
  assert.equal(left.length, 1);
  left.forEach((pid) => process.kill(pid));
  await isGone(user);
});

test('a closed terminal ends the sign-in', async (t) => {
  const { terminal, user } = await person(t, { clientId: BROWSER_CLIENT_ID });
  await terminal.type(`${KUBECTL}\n`);
  await terminal.sees(/paste none that you were sent/);
  assert.equal(processesOf(user, 'kubekey').length, 1);
  await terminal.close();
  await isGone(user);
});

async function person(t, more) {
  const user = await stage.user(t, more);
  const terminal = await startTerminal(join(folder, `terminal${++terminals}`), server, user, (task) => t.after(task));
  return { user, terminal };
}

/** Signs in with the URL on the screen, in a browser whose last page belongs to no sign-in. */
async function elsewhere(terminal, name) {
  const [, url] = await terminal.sees(/^kubekey: {3}(https:\S+\/auth\?\S+)$/m);
  await terminal.sees(/paste none that you were sent/);
  const page = await newPage(stage.browser);
  await page.goto(url);
  await signInAtProvider(page, name);
  await page.waitForURL(({ pathname }) => pathname === '/callback');
  return page;
}

/** The shell has the terminal again, with line editing, echo and signals. */
async function isAsBefore(terminal) {
  await terminal.sees(/^here>\s*$/m);
  // A client that was killed is noticed a moment later.
  await terminal.type('until stty -a | grep " icanon iexten echo "; do :; done; echo as before\n');
  await terminal.sees(/^as before$/m);
}

/** No process of the user's is left. */
async function isGone(user) {
  await until(10, 'the end of kubekey', () => processesOf(user, 'kubekey').length === 0);
}

const processesOf = (user, program) => processesWith(`KUBECONFIG=${user.env.KUBECONFIG}`, program);

async function keep(terminal, name) {
  writeFileSync(join(screenshotsFolder(), `terminal-${name}.txt`), await terminal.picture());
}
