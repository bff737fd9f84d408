// Authenticates with a signed assertion, and refreshes.
import * as client from 'openid-client'
import { importJWK } from 'jose'
import { answer, asked, connect } from './connect.mjs'

const key = await importJWK(asked.jwk, 'ES256')
const authentication = client.PrivateKeyJwt({ key, kid: asked.jwk.kid })
const config = await connect(asked.clientId, authentication)
const first = await client.clientCredentialsGrant(config, { resource: asked.audience })
const second = await client.refreshTokenGrant(config, first.refresh_token)
const introspected = await client.tokenIntrospection(config, second.access_token)
answer({ first, second, introspected })
