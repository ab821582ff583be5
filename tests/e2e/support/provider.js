// The OpenID provider: npm's certified oidc-provider, behind a recorder of its requests.

import { randomBytes } from 'node:crypto';

import { exportJWK, generateKeyPair } from 'jose';
import OidcProvider, { errors, interactionPolicy } from 'oidc-provider';

import { startHttpsServer } from './https_server.js';

export const CLIENT_ID = 'kubernetes';

/** A client that may not use the device flow. */
export const BROWSER_CLIENT_ID = 'kubernetes-browser';

/** The only resource that tokens can be for. */
export const RESOURCE = 'https://k8s.example.com';
/** A program with a secret, and one with a key. */
export const SECRET_CLIENT_ID = 'deployer';
export const KEY_CLIENT_ID = 'deployer-with-key';

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
 * `programs`: the secret of the one program, and the private key of the other as a JWK.
 * `tokenOfProgram`: the token that a program got, as the provider knows it.
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
    programs: await programs(),
    stop: server.stop,
    start: server.start,
  };
  const provider = new Provider(server.url, await settings(running, Provider === OidcProvider));
  provider.on('grant.success', (ctx) => running.grants.push(ctx.oidc.params.grant_type));
  provider.on('grant.error', (ctx) => running.grants.push(`${ctx.oidc.params?.grant_type} refused`));
  running.refreshToken = (value) => provider.RefreshToken.find(value, { ignoreExpiration: true });
  running.tokenOfProgram = (value) => provider.ClientCredentials.find(value);
  running.authorizationRequests = () => running.requests.filter(({ path }) => path === '/auth');
  running.handle = withAccountChoice(provider);
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

/**
 * The page on which a user chooses an account. oidc-provider has none of its own; its other pages are left to it.
 */
function withAccountChoice(provider) {
  const handle = provider.callback();
  return async (request, response) => {
    if (!/^\/interaction\/[\w-]+(\/account)?$/.test(request.url) || !await isAccountChoice(provider, request, response)) {
      handle(request, response);
    } else if (request.url.endsWith('/account')) {
      await provider.interactionFinished(request, response, { select_account: {} }, { mergeWithLastSubmission: true });
    } else {
      const form = `<form method="post" action="${request.url}/account"><button type="submit">Another account</button></form>`;
      response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><title>Accounts</title>${form}`);
    }
  };
}

async function isAccountChoice(provider, request, response) {
  const details = await provider.interactionDetails(request, response).catch(() => undefined);
  return details?.prompt.name === 'select_account';
}

function getResourceServerInfo(_ctx, resource) {
  if (resource !== RESOURCE) throw new errors.InvalidTarget();
  return { scope: '', accessTokenFormat: 'opaque' };
}

function policy() {
  const base = interactionPolicy.base();
  base.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0);
  return base;
}

/** `isOurVersion`: the policy of prompts and the errors are of that version's classes. */
async function settings(running, isOurVersion) {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const day = 24 * 3600;
  return {
    clients: [
      client(CLIENT_ID, DEVICE_GRANT),
      client(BROWSER_CLIENT_ID),
      program(SECRET_CLIENT_ID, { token_endpoint_auth_method: 'client_secret_basic', client_secret: running.programs.secret }),
      program(KEY_CLIENT_ID, { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [running.programs.publicKey] } }),
    ],
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => claims(running, sub) }),
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'picture'] },
    // Off: the claims of the scopes are in the ID token, where an API server looks for them.
    conformIdTokenClaims: false,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: 3600,
      ClientCredentials: 3600,
      DeviceCode: 600,
      Grant: day,
      IdToken: () => running.idTokenSeconds,
      Interaction: 3600,
      RefreshToken: day,
      Session: day,
    },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true },
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      ...isOurVersion && { resourceIndicators: { enabled: true, getResourceServerInfo } },
    },
    ...isOurVersion && { interactions: { policy: policy() } },
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

function program(id, more) {
  return { client_id: id, grant_types: ['client_credentials'], redirect_uris: [], response_types: [], ...more };
}

async function programs() {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const named = async (key) => ({ ...(await exportJWK(key)), kid: 'deployer-1', alg: 'ES256' });
  return {
    secret: randomBytes(24).toString('base64url'),
    publicKey: await named(publicKey),
    key: await named(privateKey),
  };
}

function claims(running, sub) {
  const name = `${sub[0].toUpperCase()}${sub.slice(1)} Example`;
  return { sub, name, email: `${sub}@example.com`, email_verified: true, picture: running.issuer + PICTURE_PATH };
}
