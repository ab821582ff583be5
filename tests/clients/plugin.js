// kubekey behind a script that records how a client runs it.

import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { KUBEKEY } from '../e2e/support/user.js';

/** `runs()`: each run so far as `{ stdin, stderr, info }`: whether these are terminals, and `KUBERNETES_EXEC_INFO`, if set. */
export function notedPlugin(folder) {
  const notes = join(folder, 'notes');
  const command = join(folder, 'noted-kubekey');
  mkdirSync(notes);
  writeFileSync(command, `#!/bin/sh
stdin=false stderr=false
[ -t 0 ] && stdin=true
[ -t 2 ] && stderr=true
note=$(mktemp '${notes}/XXXXXXXX')
printf '{"stdin":%s,"stderr":%s,"info":%s}' "$stdin" "$stderr" "\${KUBERNETES_EXEC_INFO:-null}" >"$note"
exec '${KUBEKEY}' "$@"
`);
  chmodSync(command, 0o755);
  const runs = () => readdirSync(notes)
    .map((name) => join(notes, name))
    .sort((one, other) => statSync(one).mtimeMs - statSync(other).mtimeMs)
    .map((file) => JSON.parse(readFileSync(file, 'utf8')));
  return { command, runs };
}
