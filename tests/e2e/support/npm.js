// Packages from npm, as in a folder's package-lock.json.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Installs the folder's package-lock.json, unless the package `name` is there in its version; returns the version. */
export function installNpm(folder, name) {
  const { version } = read(join(folder, 'package-lock.json')).packages[`node_modules/${name}`];
  const manifest = join(folder, 'node_modules', name, 'package.json');
  const isThere = existsSync(manifest) && read(manifest).version === version;
  const options = { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] };
  if (!isThere) execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], options);
  return version;
}

const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
