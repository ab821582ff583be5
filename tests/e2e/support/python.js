// Packages from PyPI in a virtual environment in target/.

import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join, resolve } from 'node:path';

const TARGET = resolve(import.meta.dirname, '../../../target');

/**
 * Installs the missing ones of `packages` (`name==version`, extras in brackets) in target/NAME, and their dependencies
 * in the versions of the file `constraints`. Returns the environment's `bin`.
 */
export function installPython(name, packages, constraints) {
  const venv = join(TARGET, name);
  const missing = packages.filter((one) => !isInstalled(venv, one));
  if (missing.length > 0) {
    run('python3', ['-m', 'venv', venv]);
    run(join(venv, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', '--constraint', constraints, ...missing]);
  }
  return join(venv, 'bin');
}

function isInstalled(venv, requirement) {
  const [name, version] = requirement.replace(/\[.*\]/, '').split('==');
  const folder = `${name.toLowerCase().replaceAll('-', '_')}-${version}.dist-info`;
  return globSync(`${venv}/lib/*/site-packages/${folder}`).length > 0;
}

function run(command, args) {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
