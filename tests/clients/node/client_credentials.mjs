// Discovers, gets a token, verifies it with jose, introspects it, revokes it.
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { answer, asked, connect, refusal } from './connect.mjs'

const authentications = {
  client_secret_basic: client.ClientSecretBasic,
  client_secret_post: client.ClientSecretPost,
}
const config = await connect(asked.clientId, authentications[asked.method](asked.secret))
const server = config.serverMetadata()
const token = await client.clientCredentialsGrant(config, { scope: 'read write' })
const keys = createRemoteJWKSet(new URL(server.jwks_uri))
const verified = await jwtVerify(token.access_token, keys, {
  issuer: server.issuer,
  audience: asked.audience,
  typ: 'at+jwt',
  algorithms: ['ES256'],
})
const before = await client.tokenIntrospection(config, token.access_token)
await client.tokenRevocation(config, token.access_token)
const after = await client.tokenIntrospection(config, token.access_token)
const tooMuch = await refusal(() =>
  client.clientCredentialsGrant(config, { scope: 'invoices:read' }),
)
answer({ token, claims: verified.payload, before, after, tooMuch })
