// A stand-in for the Kubernetes API server. Like an API server with --oidc-issuer-url, --oidc-client-id and
// --oidc-username-claim=email, it accepts the provider's ID tokens. It answers three questions: who am I, which version is
// this, and which pods are there.

import { createLocalJWKSet, jwtVerify } from 'jose';

import { getJson, startHttpsServer } from './https_server.js';
import { BROWSER_CLIENT_ID, CLIENT_ID } from './provider.js';

const VERSION = { major: '1', minor: '36', gitVersion: 'v1.36.0-stand-in' };
/** Its only pod. */
export const POD = 'web-1';
const PODS = { name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get', 'list'] };
const DOCUMENTS = {
  '/version': VERSION,
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': { apiVersion: 'v1', kind: 'APIGroupList', groups: [] },
  '/api/v1': { apiVersion: 'v1', kind: 'APIResourceList', groupVersion: 'v1', resources: [PODS] },
  '/api/v1/namespaces/default/pods': {
    apiVersion: 'v1',
    kind: 'PodList',
    metadata: { resourceVersion: '1' },
    items: [{ metadata: { name: POD, namespace: 'default', uid: POD } }],
  },
};

export async function startApiServer(certificates, provider) {
  const userOf = await authenticator(certificates, provider);
  const server = await startHttpsServer(certificates);
  server.handle = async (request, response) => {
    const user = await userOf(request);
    const [status, body] = user ? route(request, user) : failure(401, 'Unauthorized');
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  return { url: server.url, stop: server.stop, start: server.start };
}

/** A function from a request to the user whose ID token it has, or undefined. */
export async function authenticator(certificates, { issuer }) {
  // Fetched once: an API server caches the keys too, so it accepts users while the provider is down.
  const discovery = await getJson(`${issuer}/.well-known/openid-configuration`, certificates);
  const { body: keys } = await getJson(discovery.body.jwks_uri, certificates);
  const keySet = createLocalJWKSet(keys);
  return (request) => authenticate(request, keySet, issuer);
}

async function authenticate(request, keySet, issuer) {
  const token = bearerToken(request);
  if (!token) return undefined;
  try {
    const { payload } = await jwtVerify(token, keySet, { issuer, audience: [CLIENT_ID, BROWSER_CLIENT_ID], requiredClaims: ['exp', 'email'] });
    return { username: payload.email, groups: ['system:authenticated'] };
  } catch {
    return undefined;
  }
}

function route({ method, url }, user) {
  const path = url.split('?')[0];
  if (method === 'POST' && path === '/apis/authentication.k8s.io/v1/selfsubjectreviews') {
    return [201, { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', status: { userInfo: user } }];
  }
  const document = method === 'GET' && DOCUMENTS[path];
  return document ? [200, document] : failure(404, 'NotFound');
}

/** The token of a request, or undefined. */
export function bearerToken({ headers }) {
  return headers.authorization?.match(/^Bearer (\S+)$/)?.[1];
}

/** A refusal as Kubernetes writes it: the status and the body. */
export function failure(code, reason) {
  return [code, { apiVersion: 'v1', kind: 'Status', status: 'Failure', reason, message: reason, code }];
}
