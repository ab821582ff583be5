// A stand-in for the Kubernetes API server. Like an API server with --oidc-issuer-url, --oidc-client-id and
// --oidc-username-claim=email, it accepts the provider's ID tokens. It answers two questions: who am I, and which
// version is this.

import { createLocalJWKSet, jwtVerify } from 'jose';

import { getJson, startHttpsServer } from './https_server.js';
import { BROWSER_CLIENT_ID, CLIENT_ID } from './provider.js';

const VERSION = { major: '1', minor: '36', gitVersion: 'v1.36.0-stand-in' };

export async function startApiServer(certificates, provider) {
  const userOf = await authenticator(certificates, provider);
  const server = await startHttpsServer(certificates);
  server.handle = async (request, response) => {
    const user = await userOf(request);
    const [status, body] = user ? route(request, user) : failure(401, 'Unauthorized');
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  return { url: server.url, stop: server.stop };
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
  switch (`${method} ${url.split('?')[0]}`) {
    case 'GET /version':
      return [200, VERSION];
    case 'POST /apis/authentication.k8s.io/v1/selfsubjectreviews':
      return [201, { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', status: { userInfo: user } }];
    default:
      return failure(404, 'NotFound');
  }
}

/** The token of a request, or undefined. */
export function bearerToken({ headers }) {
  return headers.authorization?.match(/^Bearer (\S+)$/)?.[1];
}

/** A refusal as Kubernetes writes it: the status and the body. */
export function failure(code, reason) {
  return [code, { apiVersion: 'v1', kind: 'Status', status: 'Failure', reason, message: reason, code }];
}
