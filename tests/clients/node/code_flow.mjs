// Signs a person in, in two runs: the first says where to send them, the second takes what they
// bring back, reads who they are, refreshes, and says where they sign out.
import * as client from 'openid-client'
import { answer, asked, connectOpenID } from './connect.mjs'

const config = await connectOpenID()

async function begin() {
  const verifier = client.randomPKCECodeVerifier()
  const kept = { verifier, state: client.randomState(), nonce: client.randomNonce() }
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: asked.callback,
    scope: 'openid profile email offline_access',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state: kept.state,
    nonce: kept.nonce,
    ...asked.parameters,
  })
  answer({ address: address.href, kept })
}

// What a browser posts to the callback, or the address to which it was redirected.
function arrival() {
  if (!asked.form) return new URL(asked.arrived)
  return new Request(asked.callback, {
    method: 'POST',
    body: new URLSearchParams(asked.form),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
}

async function end() {
  const { verifier, state, nonce } = asked.kept
  const tokens = await client.authorizationCodeGrant(config, arrival(), {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
    maxAge: asked.parameters?.max_age,
  })
  const claims = tokens.claims()
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
  const logout = client.buildEndSessionUrl(config, {
    id_token_hint: renewed.id_token,
    post_logout_redirect_uri: asked.goodbye,
    state: 'a-state',
  })
  answer({ claims, userinfo, renewedClaims: renewed.claims(), logout: logout.href })
}

await (asked.kept ? end() : begin())
