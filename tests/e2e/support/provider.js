// The OpenID provider: npm's certified oidc-provider, behind a recorder of its requests.

import { randomBytes } from 'node:crypto';

import { exportJWK, generateKeyPair } from 'jose';
import OidcProvider from 'oidc-provider';

import { startHttpsServer } from './https_server.js';

export const CLIENT_ID = 'kubernetes';

/** A client that may not use the device flow. */
export const BROWSER_CLIENT_ID = 'kubernetes-browser';

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

const PICTURE_PATH = '/pictures/user.svg';
const PICTURE = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96">
<rect width="96" height="96" fill="#b45309"/>
<circle cx="48" cy="38" r="17" fill="#fde68a"/>
<path d="M12 96a36 36 0 0 1 72 0z" fill="#fde68a"/>
</svg>`;

/**
 * `requests`: every request as `{ method, path, query }`.
 * `grants`: every requested grant, as `authorization_code` or `refresh_token refused`, for example.
 * `idTokenSeconds`: the lifetime of the next ID token.
 * `Provider`: the class of another version of oidc-provider.
 */
export async function startProvider(certificates, Provider = OidcProvider) {
  const server = await startHttpsServer(certificates);
  const running = {
    issuer: server.url,
    host: `localhost:${server.port}`,
    requests: [],
    grants: [],
    idTokenSeconds: 3600,
    stop: server.stop,
    start: server.start,
  };
  const provider = new Provider(server.url, await settings(running));
  provider.on('grant.success', (ctx) => running.grants.push(ctx.oidc.params.grant_type));
  provider.on('grant.error', (ctx) => running.grants.push(`${ctx.oidc.params?.grant_type} refused`));
  running.refreshToken = (value) => provider.RefreshToken.find(value, { ignoreExpiration: true });
  running.authorizationRequests = () => running.requests.filter(({ path }) => path === '/auth');
  running.handle = provider.callback();
  server.handle = (request, response) => answer(running, request, response);
  return running;
}

function answer(running, request, response) {
  const { pathname, searchParams } = new URL(request.url, running.issuer);
  running.requests.push({ method: request.method, path: pathname, query: Object.fromEntries(searchParams) });
  if (pathname === PICTURE_PATH) {
    response.writeHead(200, { 'content-type': 'image/svg+xml' }).end(PICTURE);
  } else {
    running.handle(request, response);
  }
}

async function settings(running) {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const day = 24 * 3600;
  return {
    clients: [client(CLIENT_ID, DEVICE_GRANT), client(BROWSER_CLIENT_ID)],
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => claims(running, sub) }),
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'picture'] },
    // Off: the claims of the scopes are in the ID token, where an API server looks for them.
    conformIdTokenClaims: false,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: 3600,
      DeviceCode: 600,
      Grant: day,
      IdToken: () => running.idTokenSeconds,
      Interaction: 3600,
      RefreshToken: day,
      Session: day,
    },
    features: { devInteractions: { enabled: true }, deviceFlow: { enabled: true }, revocation: { enabled: true } },
    jwks: { keys: [await exportJWK(privateKey)] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    clientBasedCORS: () => false,
  };
}

function client(id, ...moreGrants) {
  return {
    client_id: id,
    client_name: 'Kubernetes',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', ...moreGrants],
    response_types: ['code'],
    redirect_uris: ['http://127.0.0.1/callback'],
  };
}

function claims(running, sub) {
  const name = `${sub[0].toUpperCase()}${sub.slice(1)} Example`;
  return { sub, name, email: `${sub}@example.com`, email_verified: true, picture: running.issuer + PICTURE_PATH };
}
