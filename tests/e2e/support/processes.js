// Child processes that never outlive the test run, whatever happens to it.

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const running = new Set();

process.on('exit', () => running.forEach((child) => signal(child, 'SIGKILL')));
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => process.exit(1));

/**
 * Starts a program in a process group of its own, so that `stop` also reaches what it starts in turn.
 * `end()` awaits its end: `{ code, stdout, stderr }`.
 */
export function start(command, args, { env, input = 'ignore' }) {
  const child = spawn(command, args, { env, detached: true, stdio: [input, 'pipe', 'pipe'] });
  if (child.pid) running.add(child);
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (text) => { output[stream] += text; });
  }
  child.exited = new Promise((resolve) => { child.on('exit', resolve); });
  // An empty group's number may soon be another's.
  child.on('exit', () => signal(child, 0) || running.delete(child));
  child.finished = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...output }));
  });
  // Who started it awaits it later; until then a failure to start must not end the test run.
  child.finished.catch(() => {});
  child.end = () => within(30, () => `the end of ${command} ${args.join(' ')}\n${output.stderr}`, child.finished);
  return child;
}

/** Runs a program to its end: `{ code, stdout, stderr }`. */
export async function run(command, args, options) {
  const child = start(command, args, options);
  try {
    return await child.end();
  } finally {
    await stop(child);
  }
}

export async function stop(child) {
  if (!running.has(child)) return;
  signal(child, 'SIGTERM');
  const deadline = setTimeout(() => signal(child, 'SIGKILL'), 3000);
  await child.exited;
  clearTimeout(deadline);
  // The group may hold more than its leader.
  signal(child, 'SIGKILL');
  running.delete(child);
}

/** The promise's result, or an error that tells what did not come in time. */
export async function within(seconds, what, promise) {
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${seconds} s for ${what()}`)), seconds * 1000);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again and again until the answer is a true one. */
export async function until(seconds, what, ask) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s for ${what}`);
    await sleep(20);
  }
}

/** The command lines of all processes, as `ps` would show them. */
export function commandLines() {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(commandLine);
}

function commandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch (error) {
    // It ended meanwhile.
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return '';
    throw error;
  }
}

/** Sends a signal to the whole group; false when nobody is left in it. */
function signal(child, name) {
  try {
    return process.kill(-child.pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
    return false;
  }
}
