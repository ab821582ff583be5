// Runs the providers. See README.md.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

import { newPage, startBrowser } from '../e2e/support/browser.js';
import { makeCertificates } from '../e2e/support/certificates.js';
import * as canaille from './canaille.js';
import * as communitySolidServer from './community-solid-server.js';
import * as djangoOauthToolkit from './django-oauth-toolkit.js';
import { newFirefoxPage, startFirefox } from './firefox.js';
import * as glewlwyd from './glewlwyd.js';
import * as lemonldapNg from './lemonldap-ng.js';
import * as oidcProvider8 from './oidc-provider-8.js';
import { row, TABLE } from './row.js';
import { observe } from './scenario.js';

const PROVIDERS = [
  djangoOauthToolkit,
  glewlwyd,
  oidcProvider8,
  { ...oidcProvider8, NAME: `${oidcProvider8.NAME}, in Firefox`, browser: 'firefox' },
  canaille,
  communitySolidServer,
  lemonldapNg,
];

const words = (process.env.PROVIDERS ?? '').split(' ').filter(Boolean);
const wanted = words.filter((word) => !word.startsWith('--'));
const isWanted = ({ NAME, CI }) => (wanted.length > 0 ? wanted.some((word) => NAME.includes(word)) : CI || words.includes('--long'));

const folder = mkdtempSync(join(tmpdir(), 'kubekey-providers-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
const certificates = makeCertificates(folder);
const providers = PROVIDERS.filter(isWanted);
const browsers = {
  chromium: { browser: await startBrowser(folder), open: newPage },
  firefox: providers.some(({ browser }) => browser) && { browser: await startFirefox(folder), open: newFirefoxPage },
};
after(() => Promise.all(Object.values(browsers).map((one) => one && one.browser.close())));
const seen = [];
after(() => words.includes('--write') && TABLE.write(seen, PROVIDERS.map(({ NAME }) => NAME)));

describe('providers', { concurrency: 2 }, () => {
  for (const [number, provider] of providers.entries()) {
    test(provider.NAME, async (t) => {
      const home = join(folder, `provider${number}`);
      mkdirSync(home);
      const atEnd = (task) => t.after(task);
      const running = await provider.start(home, certificates, atEnd);
      const { browser, open } = browsers[provider.browser ?? 'chromium'];
      const found = row(provider.NAME, running, await observe(running, { folder: home, certificates, newPage: () => open(browser), atEnd }));
      seen.push(found);
      if (!words.includes('--write')) TABLE.check(found);
    });
  }
});
