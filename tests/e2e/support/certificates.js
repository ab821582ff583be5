// A certificate authority made for the run, and the certificate that it issues to the servers on localhost.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const OPENSSL_CONFIG = `
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
`;

/** `authorityFile` is for programs, `authority` for code; `key` and `cert` are a server's. */
export function makeCertificates(folder) {
  writeFileSync(join(folder, 'openssl.cnf'), OPENSSL_CONFIG);
  issue(folder, 'authority', '/CN=kubekey end-to-end authority');
  issue(folder, 'server', '/CN=localhost', '-CA', 'authority.pem', '-CAkey', 'authority.key');
  const read = (name) => readFileSync(join(folder, name), 'utf8');
  return {
    authorityFile: join(folder, 'authority.pem'),
    authority: read('authority.pem'),
    key: read('server.key'),
    cert: read('server.pem'),
  };
}

function issue(folder, name, subject, ...signer) {
  execFileSync('openssl', [
    'req', '-x509', '-config', 'openssl.cnf', '-extensions', name, '-subj', subject, '-days', '2', ...signer,
    '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc',
    '-keyout', `${name}.key`, '-out', `${name}.pem`,
  ], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
}
