// The parts around one client: its own provider, API server and user, and a browser for all clients.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startBrowser } from '../e2e/support/browser.js';
import { makeCertificates } from '../e2e/support/certificates.js';
import { startProvider } from '../e2e/support/provider.js';
import { startUser } from '../e2e/support/user.js';
import { startApiServer } from './api_server.js';
import { notedPlugin } from './plugin.js';

/** The parts that all clients share. Cleanup goes to `atEnd`. */
export async function startHall(atEnd) {
  const folder = mkdtempSync(join(tmpdir(), 'kubekey-clients-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const certificates = makeCertificates(folder);
  const browser = await startBrowser(folder);
  atEnd(() => browser.close());
  return { folder, certificates, browser };
}

/** Each client has its own, even the provider: the kernel stores tokens by UID and issuer. */
export async function startStage({ folder, certificates, browser }, name, atEnd) {
  const provider = await startProvider(certificates);
  atEnd(() => provider.stop());
  const apiServer = await startApiServer(certificates, provider);
  atEnd(() => apiServer.stop());
  const home = join(folder, name);
  const user = await startUser(home, { certificates, provider, apiServer }, atEnd);
  const plugin = notedPlugin(home);
  const configure = (version) => user.configure({
    apiVersion: `client.authentication.k8s.io/${version}`,
    command: plugin.command,
  });
  return { browser, provider, apiServer, user, plugin, configure };
}
