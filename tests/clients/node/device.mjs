// A device without a browser, in two runs: the first shows a code, the second asks for the tokens.
import * as client from 'openid-client'
import { answer, asked, connectOpenID } from './connect.mjs'

const config = await connectOpenID()
if (asked.shown) {
  const tokens = await client.pollDeviceAuthorizationGrant(config, asked.shown)
  answer({ claims: tokens.claims(), scope: tokens.scope })
} else {
  answer(await client.initiateDeviceAuthorization(config, { scope: 'openid email' }))
}
