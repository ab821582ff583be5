// A provider as a child process.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

import { start, stop, until, within } from '../e2e/support/processes.js';

const PATIENCE = 120;

/** Starts a program that prints the port on which it listens; returns that port. */
export async function startBackend(command, args, options, atEnd) {
  const { program, ended } = begin(command, args, options, atEnd);
  const line = once(createInterface({ input: program.stdout }), 'line');
  const wait = within(PATIENCE, () => `the port of ${command}: ${program.output.stderr}`, line);
  return Number((await Promise.race([wait, ended]))[0]);
}

/** Starts a program that listens on a given port. */
export async function startOnPort(command, args, port, options, atEnd) {
  const { ended } = begin(command, args, options, atEnd);
  const listening = until(PATIENCE, `${command} to listen`, () => isListening(port));
  await Promise.race([listening, ended]);
}

/** A port without a listener. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function begin(command, args, { env = process.env, cwd }, atEnd) {
  const program = start(command, args, { env, cwd });
  atEnd(() => stop(program));
  const ended = program.finished.then(({ code, stdout, stderr }) => {
    throw new Error(`${command} ended with ${code}: ${stdout}${stderr}`);
  });
  ended.catch(() => {});
  return { program, ended };
}

function isListening(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.on('connect', () => socket.destroy()).on('error', () => resolve(false));
  });
}
