// Installs the clients that are missing, with the package managers, in target/ and node_modules/.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { installNpm } from '../e2e/support/npm.js';
import { installPython } from '../e2e/support/python.js';

const HERE = import.meta.dirname;
const TARGET = resolve(HERE, '../../target');
const FOLDER = join(TARGET, 'clients');
const KUBECTL = process.env.KUBECTL ?? join(TARGET, 'tools/bin/kubectl');
const OLD_KUBECTL = join(FOLDER, 'kubernetes-client/usr/bin/kubectl');

/** Adds `version` and `command`, the beginning of its command line, to each client. */
export function install(clients) {
  mkdirSync(FOLDER, { recursive: true });
  const packages = clients.filter(({ pip }) => pip).map(({ pip }) => pip);
  const python = packages.length > 0 && installPython('clients/python', packages, join(HERE, 'constraints.txt'));
  return clients.map((client) => ({ ...client, ...installed(client, python) }));
}

function installed({ tools, deb, pip, npm, program }, python) {
  const path = program && join(HERE, 'programs', program);
  if (tools) return { version: kubectlVersion(KUBECTL), command: [process.execPath, path, KUBECTL] };
  if (deb) return { version: installDeb(deb), command: [process.execPath, path, OLD_KUBECTL] };
  if (pip) return { version: pip.split('==')[1], command: [join(python, 'python'), path] };
  if (npm) return { version: installNpm(HERE, npm), command: [process.execPath, path] };
  return installKube();
}

// Unpacked, not installed: the tests must not change the machine's own kubectl.
function installDeb(name) {
  if (!existsSync(OLD_KUBECTL)) {
    run('sh', ['-c', `apt-get download -q ${name} && dpkg -x ${name}_*.deb ${name}`], FOLDER);
  }
  return kubectlVersion(OLD_KUBECTL);
}

function kubectlVersion(kubectl) {
  const { clientVersion } = JSON.parse(run(kubectl, ['version', '--client', '--output=json']));
  return clientVersion.gitVersion.slice(1);
}

function installKube() {
  const folder = join(HERE, 'kube');
  const build = join(FOLDER, 'kube-build');
  run('cargo', ['build', '--quiet', '--locked', '--target-dir', build], folder);
  const [, version] = readFileSync(join(folder, 'Cargo.lock'), 'utf8').match(/^name = "kube"\nversion = "(.*)"$/m);
  return { version, command: [join(build, 'debug/kubekey-clients-kube')] };
}

function run(command, args, cwd = HERE) {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
