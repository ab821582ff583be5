// A sign-in from the command to the page, with which most tests begin.

import assert from 'node:assert/strict';

import { newPage, signIn } from './browser.js';

/** The URL that the program wants a browser to open. */
export function urlFrom(program, user) {
  const tooEarly = program.end().then(({ code, stderr }) => {
    throw new Error(`it ended with ${code} and asked for no browser: ${stderr}`);
  });
  return Promise.race([user.launcher.opened(), tooEarly]);
}

/** `kubectl auth whoami` of a user without a usable token: `{ page, url, stdout, stderr }`. */
export async function whoamiWithSignIn(stage, user, name) {
  const kubectl = user.kubectl('auth', 'whoami');
  const page = await newPage(stage.browser);
  const url = await urlFrom(kubectl, user);
  await page.goto(url);
  await signIn(page, name);
  const { code, stdout, stderr } = await kubectl.end();
  assert.equal(code, 0, stderr);
  assert.match(stdout, username(name));
  return { page, url, stdout, stderr };
}

/** `kubectl auth whoami` that must succeed by itself: it opens no browser, and prints no message. */
export async function whoamiInSilence(user, name) {
  const before = (await user.launcher.calls()).length;
  const { code, stdout, stderr } = await user.kubectl('auth', 'whoami').end();
  assert.equal(code, 0, stderr);
  assert.match(stdout, username(name));
  assert.equal(stderr, '');
  assert.equal((await user.launcher.calls()).length, before, 'a browser was asked for');
}

/** The line of `kubectl auth whoami` for a user of the provider. */
export const username = (name) => new RegExp(`^Username +${name}@example\\.com$`, 'm');
