// The parts that the tests of one file share.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after } from 'node:test';

import { startApiServer } from './api_server.js';
import { startBrowser } from './browser.js';
import { makeCertificates } from './certificates.js';
import { startProvider } from './provider.js';
import { startNewcomer, startUser } from './user.js';

/** The folder for screenshots of the pages. */
export function screenshotsFolder() {
  const folder = resolve(import.meta.dirname, '../../../target/screenshots');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Starts the provider, the API server and the browser; they end with the last test of the file. */
export async function startStage() {
  const folder = mkdtempSync(join(tmpdir(), 'kubekey-e2e-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const certificates = makeCertificates(folder);
  const provider = await startProvider(certificates);
  after(() => provider.stop());
  const apiServer = await startApiServer(certificates, provider);
  after(() => apiServer.stop());
  const browser = await startBrowser(folder);
  after(() => browser.close());
  let users = 0;
  const home = () => join(folder, `user${++users}`);
  return {
    certificates,
    provider,
    apiServer,
    browser,
    /** A new user, for the duration of the test `t`; `more` are other options of `startUser`. */
    user(t, more) {
      return startUser(home(), { certificates, provider, apiServer, ...more }, (task) => t.after(task));
    },
    /** A user without a kubeconfig, for the same time. */
    newcomer(t) {
      return startNewcomer(home(), provider.issuer, (task) => t.after(task));
    },
  };
}
