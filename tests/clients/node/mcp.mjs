// Connects the official MCP client to a server that wants tokens, in two runs: the first ends where
// a person has to decide, the second goes on with what the first has kept.
import { readFileSync } from 'node:fs'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const asked = JSON.parse(readFileSync(0, 'utf8'))
const kept = asked.kept ?? {}
let address

const authProvider = {
  redirectUrl: asked.callback,
  clientMetadataUrl: asked.document ?? undefined,
  clientMetadata: {
    client_name: 'A tool user',
    redirect_uris: [asked.callback],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  },
  state: () => 'a-state',
  clientInformation: () => kept.client,
  saveClientInformation: (client) => { kept.client = client },
  tokens: () => kept.tokens,
  saveTokens: (tokens) => { kept.tokens = tokens },
  redirectToAuthorization: (url) => { address = url.href },
  saveCodeVerifier: (verifier) => { kept.verifier = verifier },
  codeVerifier: () => kept.verifier,
  saveDiscoveryState: (state) => { kept.discovery = state },
  discoveryState: () => kept.discovery,
}

const open = () => new StreamableHTTPClientTransport(new URL(asked.server), { authProvider })

if (asked.told) {
  if (asked.told.state !== 'a-state') throw new Error('another state')
  await open().finishAuth(asked.told.code)
}
const client = new Client({ name: 'a-tool-user', version: '1' })
try {
  await client.connect(open())
  const result = await client.callTool({ name: 'add', arguments: { a: 2, b: 3 } })
  process.stdout.write(JSON.stringify({ sum: result.content[0].text, kept }))
  await client.close()
} catch (error) {
  if (!(error instanceof UnauthorizedError) || asked.told) throw error
  process.stdout.write(JSON.stringify({ address, kept }))
}
