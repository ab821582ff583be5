// A stand-in for the Kubernetes API server: it lists two pods for every ID token of the provider that has not expired
// and that a test has not told it to refuse.

import { authenticator, bearerToken, failure } from '../e2e/support/api_server.js';
import { startHttpsServer } from '../e2e/support/https_server.js';

const PODS = ['one', 'two'].map((name) => ({ metadata: { name, namespace: 'default', uid: name } }));
const VERBS = ['get', 'list'];
const ANSWERS = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': { apiVersion: 'v1', kind: 'APIGroupList', groups: [] },
  '/api/v1': {
    apiVersion: 'v1',
    kind: 'APIResourceList',
    groupVersion: 'v1',
    resources: [
      { name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: VERBS },
      { name: 'secrets', singularName: 'secret', namespaced: true, kind: 'Secret', verbs: VERBS },
    ],
  },
  '/version': { major: '1', minor: '37', gitVersion: 'v1.37.0-stand-in' },
  '/api/v1/namespaces/default/pods': { apiVersion: 'v1', kind: 'PodList', metadata: { resourceVersion: '1' }, items: PODS },
  '/api/v1/namespaces/default/secrets': { apiVersion: 'v1', kind: 'SecretList', metadata: { resourceVersion: '1' }, items: [] },
};

/**
 * `requests`: every request as `{ path, token, status }`. `refused`: a token to refuse, even if it is valid.
 */
export async function startApiServer(certificates, provider) {
  const userOf = await authenticator(certificates, provider);
  const server = await startHttpsServer(certificates);
  const running = { url: server.url, stop: server.stop, requests: [], refused: undefined };
  server.handle = async (request, response) => {
    const token = bearerToken(request);
    const path = request.url.split('?')[0].replace(/\/$/, '');
    const isKnown = token !== running.refused && await userOf(request);
    const [status, body] = isKnown ? route(path) : failure(401, 'Unauthorized');
    running.requests.push({ path, token, status });
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  return running;
}

function route(path) {
  return ANSWERS[path] ? [200, ANSWERS[path]] : failure(404, 'NotFound');
}
