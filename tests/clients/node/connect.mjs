// Connects openid-client to the issuer that the test names on standard input.
import { readFileSync } from 'node:fs'
import * as client from 'openid-client'

export const asked = JSON.parse(readFileSync(0, 'utf8'))

// Discovers the issuer by RFC 8414; plain http is for this machine's loopback only.
export function connect(clientId, authentication) {
  return client.discovery(new URL(asked.issuer), clientId, undefined, authentication, {
    algorithm: 'oauth2',
    execute: [client.allowInsecureRequests],
  })
}

// Discovers it by OpenID Connect, checking every signature and, if asked, signed userinfo.
export async function connectOpenID() {
  const authentications = {
    client_secret_basic: client.ClientSecretBasic,
    client_secret_post: client.ClientSecretPost,
    none: client.None,
  }
  const authentication = authentications[asked.method](asked.secret)
  return client.discovery(new URL(asked.issuer), asked.clientId, asked.metadata, authentication, {
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
  })
}

// Says an OAuth error as JSON, so that the test can look at it.
export async function refusal(request) {
  try {
    await request()
  } catch (error) {
    return { error: error.error, status: error.status, cause: String(error.cause ?? error) }
  }
  return null
}

export function answer(result) {
  process.stdout.write(JSON.stringify(result))
}
