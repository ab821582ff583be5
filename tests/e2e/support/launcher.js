// An `xdg-open` for a user's PATH, which passes its calls to the test.

import { EventEmitter, once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';

import { commandLines, until, within } from './processes.js';

/**
 * `opened()`: the next URL that a browser should open. `calls()`: the arguments of every call so far. `watch(open)`: calls
 * `open` with each next URL, until the function is called that it returns.
 */
export async function startLauncher(folder, atEnd) {
  const socket = join(folder, 'launcher.socket');
  const arrivals = new EventEmitter();
  const calls = [];
  const bin = writeScript(folder, socket);
  let taken = 0;
  const server = createServer({ allowHalfOpen: true }, async (connection) => {
    calls.push(await json(connection));
    connection.end();
    arrivals.emit('call');
  });
  server.listen(socket);
  atEnd(() => server.close());
  await once(server, 'listening');
  return {
    bin,
    async calls() {
      // A call on its way counts as well.
      const isLauncher = (line) => line.includes(socket) || line.includes(bin);
      await until(10, 'xdg-open to end', () => !commandLines().some(isLauncher));
      return calls;
    },
    async opened() {
      while (calls.length <= taken) await within(20, () => 'a browser to be asked for', once(arrivals, 'call'));
      return calls[taken++][0];
    },
    watch(open) {
      const take = () => open(calls[taken++][0]);
      arrivals.on('call', take);
      return () => arrivals.off('call', take);
    },
  };
}

function writeScript(folder, socket) {
  const bin = join(folder, 'bin');
  const script = join(bin, 'xdg-open');
  const xdgOpen = join(import.meta.dirname, 'xdg_open.js');
  mkdirSync(bin);
  writeFileSync(script, `#!/bin/sh\nexec '${process.execPath}' '${xdgOpen}' '${socket}' "$@"\n`);
  chmodSync(script, 0o755);
  return bin;
}
