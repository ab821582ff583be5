// The results of a client, in the words of the table in docs/clients.md.

import { DocTable, tableRow } from '../e2e/support/doc_table.js';

export const TABLE = new DocTable('docs/clients.md', 'tests/clients/run --long --write', ['client', 'version', 'apiVersion',
  'first sign-in', 'the token expires', 'the API server returns 401', 'what kubekey learns', 'in a terminal']);

/** The row of a client. */
export function row(name, found) {
  const cells = [name, found.version, found.apiVersions.map((version) => `\`${version}\``).join(', '),
    firstSignIn(found.signedIn), expiration(found.expired), refusal(found.refused), told(found.signedIn.info),
    terminal(found.terminal)];
  return tableRow(cells);
}

function firstSignIn({ isSeen }) {
  return isSeen ? 'shows the URL' : 'does not show the URL';
}

function expiration([first, second]) {
  if (first.answer === 'listed') return first.statuses.includes(401) ? 'after a 401, runs kubekey and retries' : 'runs kubekey again';
  return second.answer === 'listed' ? 'fails once, then runs kubekey again' : 'fails until it is restarted';
}

function refusal([{ runs, statuses }]) {
  if (runs === 0) return 'fails';
  return statuses.length > 1 ? 'runs kubekey and retries' : 'fails, runs kubekey for the next request';
}

function told(info) {
  if (!info) return 'nothing';
  const { kind, spec = {} } = info;
  const words = [info.apiVersion.split('/')[1], kind === 'ExecCredential' ? '' : `kind \`${kind}\``,
    'interactive' in spec ? '`interactive`' : '', spec.cluster ? '`cluster`' : ''];
  return words.filter(Boolean).join(', ');
}

function terminal({ stdin, stderr, info }) {
  const has = [stdin && 'standard input', stderr && 'standard error'].filter(Boolean).join(' and ') || 'neither';
  const interactive = info?.spec?.interactive;
  return interactive === undefined ? has : `${has}, \`interactive: ${interactive}\``;
}
