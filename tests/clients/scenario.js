// The tests of each client, and their results.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { newPage, signIn } from '../e2e/support/browser.js';
import { stop, until, within } from '../e2e/support/processes.js';
import { urlFrom } from '../e2e/support/sign_in.js';

// kubekey treats a token as expired 10 s before its end.
const SHORT_LIFE = 20;
const LONG_LIFE = 3600;
const API_VERSIONS = ['v1', 'v1beta1'];

/** Asks the client everything. `stage` is what `startStage` returns. */
export async function observe(client, stage) {
  stage.configure(client.apiVersion ?? 'v1');
  stage.provider.idTokenSeconds = SHORT_LIFE;
  const first = startProgram(client, stage);
  const signedIn = await firstSignIn(first, stage);
  stage.provider.idTokenSeconds = LONG_LIFE;
  const expired = await afterExpiration(first, stage);
  await stop(first);
  const refused = await afterRefusal(client, stage);
  const terminal = await inTerminal(client, stage);
  const apiVersions = await knownApiVersions(client, stage);
  return { version: client.version, apiVersions, signedIn, expired, refused, terminal };
}

function startProgram({ command: [program, ...args] }, { user }) {
  const child = user.begin(program, args, 'pipe');
  child.lines = createInterface({ input: child.stdout });
  return child;
}

async function firstSignIn(program, stage) {
  const answered = ask(program);
  const page = await newPage(stage.browser);
  const tooEarly = answered.then((answer) => { throw new Error(`it asked for no browser, and answered: ${answer}`); });
  await page.goto(await Promise.race([urlFrom(program, stage.user), tooEarly]));
  await signIn(page, 'alice');
  const answer = await answered;
  assert.equal(answer, 'listed', `the first list, after a sign-in in the browser: ${program.output.stderr}`);
  return { info: stage.plugin.runs()[0].info, isSeen: program.output.stderr.includes('http://127.0.0.1:') };
}

/** The token expires while the program runs. */
async function afterExpiration(program, stage) {
  const { exp } = claims(stage.apiServer.requests.at(-1).token);
  await until(SHORT_LIFE + 5, 'the token to expire', () => Date.now() / 1000 > exp + 1);
  return [await askAndSee(program, stage), await askAndSee(program, stage)];
}

/** The API server refuses a token that is valid for an hour. */
async function afterRefusal(client, stage) {
  const program = startProgram(client, stage);
  const before = await askAndSee(program, stage);
  assert.equal(before.answer, 'listed', `a list with the saved sign-in: ${program.output.stderr}`);
  stage.apiServer.refused = stage.apiServer.requests.at(-1).token;
  const seen = [await askAndSee(program, stage), await askAndSee(program, stage)];
  stage.apiServer.refused = undefined;
  await stop(program);
  return seen;
}

async function inTerminal({ command }, stage) {
  const before = stage.plugin.runs().length;
  const line = [...command, '--once'].map((word) => `'${word}'`).join(' ');
  const { code, stdout } = await stage.user.begin('script', ['--quiet', '--return', '--command', line, '/dev/null']).end();
  assert.equal(code, 0, `a list in a terminal: ${stdout}`);
  return stage.plugin.runs()[before];
}

async function knownApiVersions({ command: [program, ...args] }, stage) {
  const known = [];
  for (const version of API_VERSIONS) {
    stage.configure(version);
    const { code } = await stage.user.begin(program, [...args, '--once']).end();
    if (code === 0) known.push(version);
  }
  return known;
}

async function askAndSee(program, { plugin, apiServer }) {
  const [runs, requests] = [plugin.runs().length, apiServer.requests.length];
  const answer = await ask(program);
  return {
    answer,
    runs: plugin.runs().length - runs,
    statuses: apiServer.requests.slice(requests).map(({ status }) => status),
  };
}

async function ask(program) {
  program.stdin.write('\n');
  const answered = once(program.lines, 'line').then(([line]) => line);
  const ended = program.finished.then(({ code }) => { throw new Error(`it ended with ${code}: ${program.output.stderr}`); });
  return within(60, () => `an answer; on standard error: ${program.output.stderr}`, Promise.race([answered, ended]));
}

function claims(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
}
