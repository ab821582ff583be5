// A person at a terminal of 80 columns, in tmux; one who is signed in on another machine by SSH has the real client and
// server.

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';

import { run, start, stop, until } from './processes.js';

const SERVER = '/usr/sbin/sshd';

/**
 * Starts an SSH server on loopback that knows one key.
 * Cleanup goes to `atEnd`.
 */
export async function startSshServer(folder, atEnd) {
  mkdirSync(folder, { mode: 0o700 });
  // Debian's server needs it if it is started as root.
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true });
  for (const name of ['host', 'user']) {
    await succeed('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
  }
  const port = await freePort();
  const config = join(folder, 'sshd_config');
  writeFileSync(config, `ListenAddress 127.0.0.1:${port}
HostKey ${join(folder, 'host')}
AuthorizedKeysFile ${join(folder, 'user.pub')}
PidFile none
StrictModes no
UsePAM no
`);
  const server = start(SERVER, ['-D', '-e', '-f', config], { env: { PATH: process.env.PATH } });
  atEnd(() => stop(server));
  await server.said(/Server listening/);
  return { port, key: join(folder, 'user') };
}

/**
 * A shell over SSH in tmux, with the environment of `user`. `screen()` is all that the person saw, with the lines as they
 * were printed; `sees(pattern)` awaits a match.
 */
export async function startTerminal(folder, { port, key }, user, atEnd) {
  mkdirSync(folder, { mode: 0o700 });
  const { DISPLAY: _, ...remote } = user.env;
  const options = ['StrictHostKeyChecking=no', `UserKnownHostsFile=${join(folder, 'known')}`, 'LogLevel=ERROR'];
  const ssh = ['ssh', '-tt', '-F', '/dev/null', '-i', key, '-p', String(port), ...options.flatMap((option) => ['-o', option])];
  return startTmux(folder, remote, (shell) => [...ssh, '127.0.0.1', shell], 'here> ', atEnd);
}

/**
 * A shell in tmux, with this environment and prompt, started by the words that `command` makes of the path of a shell
 * script.
 */
export async function startTmux(folder, environment, command, prompt, atEnd) {
  const socket = join(folder, 'tmux');
  const env = { HOME: folder, LANG: 'C.UTF-8', PATH: process.env.PATH, SHELL: '/bin/sh', TERM: 'xterm' };
  const tmux = (...args) => succeed('tmux', ['-S', socket, '-f', '/dev/null', ...args], env);
  const shell = join(folder, 'shell');
  const exports = Object.entries(environment).map(([name, value]) => `export ${name}='${value}'`);
  writeFileSync(shell, ['#!/bin/sh', ...exports, `PS1="${prompt}" exec sh`, ''].join('\n'));
  chmodSync(shell, 0o700);
  await tmux('new-session', '-d', '-x', '80', '-y', '24', command(shell).join(' '));
  atEnd(() => run('tmux', ['-S', socket, 'kill-server'], { env }));
  const screen = () => tmux('capture-pane', '-p', '-J', '-S', '-');
  const sees = (pattern) => until(20, async () => `${pattern} on: ${await screen()}`, async () => (await screen()).match(pattern));
  await until(20, 'the prompt', async () => (await screen()).includes(prompt.trim()));
  return {
    screen,
    sees,
    /** The screen as it is, for people to look at. */
    picture: () => tmux('capture-pane', '-p'),
    type: (text) => tmux('send-keys', '-l', text),
    press: (key) => tmux('send-keys', key),
    close: () => tmux('kill-server'),
  };
}

async function succeed(command, args, env = { PATH: process.env.PATH }) {
  const { code, stdout, stderr } = await run(command, args, { env });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
