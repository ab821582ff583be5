// Child processes that never outlive the test run, whatever happens to it.

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const running = new Set();

process.on('exit', () => running.forEach((child) => signal(child, 'SIGKILL')));
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => process.exit(1));

/**
 * Starts a program in a process group of its own, so that `stop` also reaches what it starts in turn.
 * `said(pattern)` awaits its match on stderr; `end()` awaits its end: `{ code, stdout, stderr }`.
 */
export function start(command, args, { env, cwd, input = 'ignore' }) {
  const child = spawn(command, args, { env, cwd, detached: true, stdio: [input, 'pipe', 'pipe'] });
  if (child.pid) running.add(child);
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (text) => { output[stream] += text; });
  }
  child.exited = new Promise((resolve) => { child.on('exit', resolve); });
  // The number of an empty group may soon be another group's.
  child.on('exit', () => signal(child, 0) || running.delete(child));
  child.finished = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...output }));
  });
  // The caller awaits it later; until then a failure to start must not end the test run.
  child.finished.catch(() => {});
  child.output = output;
  child.said = (pattern) => until(20, `${pattern} in: ${output.stderr}`, () => output.stderr.match(pattern));
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
  // The group may have more members than its leader.
  signal(child, 'SIGKILL');
  running.delete(child);
}

/** The promise's result, or an error that names what did not arrive in time. */
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

/** Repeats the question until the result is true. */
export async function until(seconds, what, ask) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s for ${typeof what === 'function' ? await what() : what}`);
    await sleep(20);
  }
}

/** The command lines of all processes, as `ps` would show them. */
export function commandLines() {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(commandLine);
}

/** The IDs of the processes with this variable whose program has this name. */
export function processesWith(variable, program) {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const has = (pid) => ofProcess(pid, 'environ').split('\0').includes(variable);
  return pids.filter((pid) => commandLine(pid).split(' ')[0].endsWith(`/${program}`) && has(pid)).map(Number);
}

const commandLine = (pid) => ofProcess(pid, 'cmdline').replaceAll('\0', ' ').trim();

function ofProcess(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    // It has ended meanwhile.
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return '';
    throw error;
  }
}

/** Sends a signal to the whole group; false when no process is left in it. */
function signal(child, name) {
  try {
    return process.kill(-child.pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
    return false;
  }
}
