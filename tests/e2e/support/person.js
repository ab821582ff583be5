// A person who types commands into a shell, does in the browser what has to be done there, and follows each hint.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { isResult, newPage, signIn } from './browser.js';
import { commandsIn } from './hints.js';
import { startTmux } from './remote.js';

/** The result of a visit that ended the program with Ctrl-C, as the program says. */
const STOPPED = 'stopped';

/**
 * `end(command, code = 0)`: how it ended, which must be with this code. `ignore(command, code)`: the same, if nobody looks at
 * the browser. `atTerminal(command, answers)`: what was on the screen when it had ended; `answers` are pairs of a question and
 * what is typed then. `follow()`: runs each command that was named since it was last called, as it was printed, and returns
 * them; those that were typed at a terminal need one. `typed`: all commands so far. `page`: the person's browser.
 */
export async function startPerson(stage, user, name, atEnd) {
  const page = await newPage(stage.browser);
  const [named, needTerminal] = [new Set(), new Set()];
  const read = (...texts) => texts.flatMap(commandsIn).forEach((command) => named.add(command));
  const typed = [];
  let terminals = 0;
  const person = {
    page,
    typed,
    async end(command, code = 0) {
      typed.push(command);
      const program = user.type(command);
      const end = await withBrowser(user, program.end(), (url) => visit(page, url, program, name));
      assert.equal(end.code, code, `${command}: ${end.stdout}${end.stderr}`);
      read(end.stderr);
      // A help has examples, with other names than this machine's; a script has no messages.
      if (!/ (--help$|completions )/.test(command)) read(end.stdout);
      return end;
    },
    async ignore(command, code) {
      const end = await withBrowser(user, user.type(command).end(), async () => {});
      assert.equal(end.code, code, `${command}: ${end.stdout}${end.stderr}`);
      read(end.stderr);
    },
    async atTerminal(command, answers = []) {
      typed.push(command);
      const folder = join(user.env.HOME, `terminal${++terminals}`);
      mkdirSync(folder);
      const terminal = await startTmux(folder, user.env, (shell) => [shell], '$ ', atEnd);
      await withBrowser(user, converse(terminal, command, answers), (url) => visit(page, url, undefined, name));
      const screen = await terminal.screen();
      await terminal.close();
      needTerminal.add(command);
      read(screen);
      return screen;
    },
    async follow() {
      const commands = [...named].filter((command) => !needTerminal.has(command));
      named.clear();
      for (const command of commands) await person.end(command);
      return commands;
    },
  };
  return person;
}

async function converse(terminal, command, answers) {
  await terminal.type(`${command}\n`);
  for (const [question, answer] of answers) {
    await terminal.sees(question);
    await terminal.type(`${answer}\n`);
  }
  await terminal.sees(/\n\$ *\n*$/);
}

/** What is promised; until then `visit` is called with each URL that a browser should open. */
async function withBrowser(user, promise, visit) {
  const visits = [];
  let stop;
  const failed = new Promise((_, reject) => {
    stop = user.launcher.watch((url) => visits.push(visit(url).catch(reject)));
  });
  try {
    const end = await Promise.race([promise, failed]);
    const results = await Promise.race([Promise.all(visits), failed]);
    return results.includes(STOPPED) ? { ...end, code: 0 } : end;
  } finally {
    stop();
  }
}

/** Does what the page asks for: to sign in, to agree, to sign out, or to look at the samples. */
async function visit(page, url, program, name) {
  // Our pages send the browser on while they are loading.
  await page.goto(url, { waitUntil: 'commit' });
  const login = page.locator('input[name=login]');
  const consent = page.locator('input[name=prompt][value=consent]');
  const signOut = page.locator('button[name=logout]');
  const signedOut = page.getByText('Sign-out Success');
  const samples = page.locator('a[href="/signed-in"]');
  await login.or(consent).or(signOut).or(signedOut).or(samples).first().waitFor({ state: 'attached' });
  if (await login.count()) {
    await signIn(page, name);
  } else if (await consent.count()) {
    await page.locator('button[type=submit]').click();
    await page.waitForURL(isResult);
  } else if (await samples.count()) {
    // They are shown until then.
    process.kill(-program.pid, 'SIGINT');
    return STOPPED;
  } else {
    if (await signOut.count()) await signOut.click();
    await signedOut.waitFor();
  }
  return undefined;
}
