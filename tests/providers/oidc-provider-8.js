// oidc-provider from npm, in the version before the one in tests/e2e.

import { cancel, signIn } from '../e2e/support/browser.js';
import { installNpm } from '../e2e/support/npm.js';
import { CLIENT_ID, startProvider } from '../e2e/support/provider.js';

export const NAME = 'npm `oidc-provider` 8';
export const CI = false;

export async function start(_folder, certificates, atEnd) {
  const version = installNpm(import.meta.dirname, 'oidc-provider');
  const { default: Provider } = await import('oidc-provider');
  const provider = await startProvider(certificates, Provider);
  atEnd(() => provider.stop());
  return {
    version,
    issuer: provider.issuer,
    clientId: CLIENT_ID,
    revoke: async (token) => (await provider.refreshToken(token)).destroy(),
    signIn: (page) => signIn(page, 'alice'),
    refuse: cancel,
  };
}
