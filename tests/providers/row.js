// The results of a provider, in the words of the table in docs/providers.md.

import { DocTable, tableRow } from '../e2e/support/doc_table.js';

export const TABLE = new DocTable('docs/providers.md', 'tests/providers/run --long --write', ['provider', 'version',
  'response mode', 'claims', 'refresh', 'a used refresh token', 'a revoked refresh token', 'the user refuses', 'settings']);

/** The row of a provider, with the properties from its file. */
export function row(name, { version, settings = [] }, { signedIn, isAskedAgain, refresh, revoked, refusal }) {
  return tableRow([name, version, `\`${signedIn.mode}\``, signedIn.claims.map((claim) => `\`${claim}\``).join(', ') || 'none',
    refreshed(refresh, isAskedAgain), spent(refresh), revocation(revoked), refusal ?? 'cannot', settings.map((word) => `\`${word.replace(/:\d+/, ':PORT')}\``).join(' ')]);
}

function refreshed(refresh, isAskedAgain) {
  if (!refresh) return 'no refresh token';
  if (refresh.isWithout) return 'returns no ID token: new sign-in';
  const words = refresh.rotates ? 'silent, rotates' : 'silent, the same token stays';
  return isAskedAgain ? `after a second sign-in, with consent: ${words}` : words;
}

function spent(refresh) {
  if (!refresh?.rotates) return '';
  return refresh.isSpentAccepted ? 'accepted' : 'new sign-in';
}

function revocation(revoked) {
  if (revoked === undefined) return 'no such endpoint';
  if (revoked.status) return `cannot: the endpoint returns ${revoked.status}`;
  return revoked.isAccepted ? 'accepted' : 'new sign-in';
}
