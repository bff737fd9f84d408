// Swaps a partner's assertion for a token, as a public client.
import { importJWK, SignJWT } from 'jose'
import * as client from 'openid-client'
import { answer, asked, connect, refusal } from './connect.mjs'

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const key = await importJWK(asked.jwk, 'ES256')
const assertion = await new SignJWT({})
  .setProtectedHeader({ alg: 'ES256', kid: asked.jwk.kid })
  .setIssuer(asked.partner)
  .setSubject('dominick')
  .setAudience(asked.issuer)
  .setIssuedAt()
  .setExpirationTime('5m')
  .setJti(crypto.randomUUID())
  .sign(key)
const config = await connect('spa', client.None())
const token = await client.genericGrantRequest(config, GRANT, { assertion })
const again = await refusal(() => client.genericGrantRequest(config, GRANT, { assertion }))
answer({ token, again })
