// Makes the pictures of the README from the real thing: kubectl in a terminal, and the page in the browser.
// Run: tests/e2e/run pictures.js

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { newPage, signIn } from './support/browser.js';
import { animate } from './support/recording.js';
import { startTmux } from './support/remote.js';
import { username } from './support/sign_in.js';
import { startStage } from './support/stage.js';

const PICTURES = resolve(import.meta.dirname, '../../docs/pictures');
const KUBECTL = process.env.KUBECTL ?? 'kubectl';
const COMMAND = 'kubectl auth whoami';
const WAIT = /waiting|sign-in/;

const stage = await startStage();
mkdirSync(PICTURES, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), 'kubekey-pictures-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

test('the terminal and the page', async (t) => {
  const user = await stage.user(t);
  const path = [dirname(resolve(KUBECTL)), user.env.PATH].join(':');
  const terminal = await startTmux(folder, { ...user.env, PATH: path }, (shell) => [shell], '$ ', after);
  const recording = record(terminal);
  await type(terminal, COMMAND);
  const page = await newPage(stage.browser);
  await page.setViewportSize({ width: 720, height: 600 });
  const url = await user.launcher.opened();
  await terminal.sees(WAIT);
  await page.goto(url);
  await sleep(1500);
  await signIn(page, 'alice');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.screenshot({ path: join(PICTURES, 'signed-in.png') });
  await terminal.sees(username('alice'));
  await sleep(1500);
  await type(terminal, COMMAND);
  await terminal.sees(/(Username[^]*){2}\$ \n/);
  await sleep(500);
  writeFileSync(join(PICTURES, 'terminal.svg'), animate(await recording.end(), { columns: 80 }));
});

/** A person types with pauses. */
async function type(terminal, text) {
  for (const letter of text) {
    await terminal.type(letter);
    await sleep(40);
  }
  await terminal.type('\n');
}

/** Takes the screen until `end()`, which returns each that differs from the one before: `{ lines, time }`. */
function record(terminal) {
  const screens = [];
  let isOver = false;
  const done = (async () => {
    while (!isOver) {
      const lines = (await terminal.picture()).trimEnd().split('\n');
      if (lines.join('\n') !== screens.at(-1)?.lines.join('\n')) screens.push({ lines, time: Date.now() });
      await sleep(30);
    }
  })();
  return {
    async end() {
      isOver = true;
      await done;
      return screens;
    },
  };
}
