// oidc-provider in two processes. The first one makes the first tokens, writes what the load needs
// to the file FACTS, and starts the others. STORE is "postgresql" or "memory".
import cluster from 'node:cluster';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import Provider from 'oidc-provider';

import { inMemory, inPostgres, makeTable } from './adapters.mjs';

const { STORE, PORT, FACTS, CHAINS, WORKERS, CONNECTIONS } = process.env;
const AUDIENCE = 'https://orders.example/';
const CLIENTS = [
  { client_id: 'opaque', scope: 'read', grant_types: ['client_credentials'], redirect_uris: [],
    response_types: [] },
  { client_id: 'jwt', scope: 'read', grant_types: ['client_credentials'], redirect_uris: [],
    response_types: [] },
  { client_id: 'refreshing', scope: 'read offline_access',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: ['https://client.example/'] },
];

function configuration(secret, jwk, adapter) {
  return {
    adapter,
    jwks: { keys: [jwk] },
    scopes: ['openid', 'offline_access', 'read'],
    clients: CLIENTS.map((client) => ({ ...client, client_secret: secret })),
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    cookies: { keys: [secret] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: (_ctx, client, token) =>
        client.clientId === token.clientId },
      resourceIndicators: {
        enabled: true,
        // Only the client "jwt" asks for an Api, whose tokens are JWTs and leave no row.
        defaultResource: (ctx) => (ctx.oidc.client.clientId === 'jwt' ? AUDIENCE : undefined),
        getResourceServerInfo: () => ({
          scope: 'read', audience: AUDIENCE, accessTokenFormat: 'jwt',
          accessTokenTTL: 3600, jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    rotateRefreshToken: true,
    ttl: { AccessToken: 3600, ClientCredentials: 3600, RefreshToken: 86400, Grant: 86400 },
  };
}

function makeProvider(secret, jwk, adapter) {
  return new Provider(`http://127.0.0.1:${PORT}`, configuration(secret, jwk, adapter));
}

async function makeTokens(provider) {
  const opaque = await provider.Client.find('opaque');
  const refreshing = await provider.Client.find('refreshing');
  const token = new provider.ClientCredentials({ client: opaque, scope: 'read' });
  const tokens = [];
  for (let number = 0; number < Number(CHAINS); number += 1) {
    const grant = new provider.Grant({ accountId: 'bench', clientId: refreshing.clientId });
    grant.addOIDCScope('read offline_access');
    const refresh = new provider.RefreshToken({
      accountId: 'bench', client: refreshing, grantId: await grant.save(),
      gty: 'authorization_code', scope: 'read offline_access',
    });
    tokens.push(await refresh.save());
  }
  return { access_tokens: { opaque: await token.save() }, refresh_tokens: { refresh: tokens } };
}

function writeFacts(secret, tokens) {
  const clients = { opaque: ['opaque', secret], jwt: ['jwt', secret],
    refresh: ['refreshing', secret] };
  const facts = { token_path: '/token', introspection_path: '/token/introspection', clients,
    ...tokens };
  writeFileSync(`${FACTS}.unfinished`, JSON.stringify(facts));
  renameSync(`${FACTS}.unfinished`, FACTS);
}

async function lead() {
  const secret = randomBytes(32).toString('base64url');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'bench' };
  const entities = new Map();
  if (STORE === 'postgresql') await makeTable();
  const adapter = STORE === 'postgresql' ? await inPostgres(1) : inMemory(entities);
  const tokens = await makeTokens(makeProvider(secret, jwk, adapter));
  for (let number = 0; number < Number(WORKERS); number += 1) {
    // Each process in memory knows the first tokens; what it issues later, only it knows.
    cluster.fork().send({ secret, jwk, entities: [...entities] });
  }
  cluster.on('exit', () => process.exit(1));
  let listening = 0;
  cluster.on('listening', () => {
    listening += 1;
    if (listening === Number(WORKERS)) writeFacts(secret, tokens);
  });
}

async function serve({ secret, jwk, entities }) {
  const adapter = STORE === 'postgresql'
    ? await inPostgres(Number(CONNECTIONS)) : inMemory(new Map(entities));
  makeProvider(secret, jwk, adapter).listen(Number(PORT), '127.0.0.1');
}

if (cluster.isPrimary) await lead();
else {
  process.once('message', serve);
  process.once('disconnect', () => process.exit(0));
}
