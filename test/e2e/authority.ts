/**
 * What a ChatGPT login talks to, on loopback: the model, its neighbours, and the endpoint that refreshes tokens.
 * Always holds: it listens on 127.0.0.1 only, every request is kept before its answer leaves, and a refresh is
 * never granted.
 */
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { answer } from './model.ts'

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
/** A token as Codex reads one; it is not signed, and Codex does not look. */
export const jwt = (claims: Readonly<Record<string, unknown>>) =>
  `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.c2ln`

/** The access token of a login; `mark` makes it differ from another one. */
export const accessToken = (account: string, mark: string, expiresInMs: number) =>
  jwt({ sub: account, mark, exp: Math.floor((Date.now() + expiresInMs) / 1000) })

/** An auth.json of a ChatGPT login. */
export const loginText = (account: string, access: string, refresh: string | null | undefined) =>
  JSON.stringify({
    auth_mode: 'chatgpt',
    OPENAI_API_KEY: null,
    tokens: {
      id_token: jwt({
        email: 'a@example.com',
        'https://api.openai.com/auth': {
          chatgpt_plan_type: 'pro',
          chatgpt_user_id: `user-${account}`,
          chatgpt_account_id: account,
        },
      }),
      access_token: access,
      refresh_token: refresh,
      account_id: account,
    },
    last_refresh: '2026-01-01T00:00:00Z',
  })

export type Authority = {
  /** The environment that leads Codex here for tokens. */
  readonly env: Readonly<Record<string, string>>
  /** Bodies that came to the token endpoint. */
  readonly refreshes: readonly Readonly<Record<string, unknown>>[]
  /** Bearers with which the model was asked; null where there was none. */
  readonly bearers: readonly (string | null)[]
  /** Decides whether the model takes a bearer. At first it takes all. */
  takes: (bearer: string | null) => boolean
  /** Called before a refresh is refused, and before a bearer is. */
  onRefused: () => void
  /** How a refresh is refused. */
  refusal: { readonly status: number; readonly body: unknown }
  /** Writes a config.toml that sends Codex here with its ChatGPT login. */
  writeConfig(home: string): void
  close(): Promise<void>
}

export async function startAuthority(): Promise<Authority> {
  const refreshes: Readonly<Record<string, unknown>>[] = []
  const bearers: (string | null)[] = []

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const piece of request) parts.push(piece)
    const path = new URL(request.url ?? '/', 'http://authority').pathname
    const reply = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (path === '/oauth/token') {
      refreshes.push(JSON.parse(Buffer.concat(parts).toString()))
      authority.onRefused()
      reply(authority.refusal.status, authority.refusal.body)
    } else if (path === '/v1/responses') {
      const bearer = request.headers.authorization?.replace(/^Bearer /, '') ?? null
      bearers.push(bearer)
      if (authority.takes(bearer)) {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).end(answer(`resp_${bearers.length}`))
        return
      }
      authority.onRefused()
      reply(401, { error: { message: 'Provided authentication token is expired.', code: 'token_expired' } })
    } else if (path === '/v1/models') reply(200, { models: [] })
    else reply(404, {})
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(Error(String(error))))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('bug: no TCP address')
  const base = `http://127.0.0.1:${address.port}`

  const authority: Authority = {
    env: {
      CODEX_REFRESH_TOKEN_URL_OVERRIDE: `${base}/oauth/token`,
      CODEX_REVOKE_TOKEN_URL_OVERRIDE: `${base}/oauth/revoke`,
    },
    refreshes,
    bearers,
    takes: () => true,
    onRefused: () => {},
    refusal: { status: 401, body: { error: { code: 'refresh_token_invalidated' } } },
    writeConfig(home) {
      mkdirSync(home, { recursive: true })
      writeFileSync(
        join(home, 'config.toml'),
        `model = "gpt-5.1"
model_provider = "fake"
check_for_update_on_startup = false
chatgpt_base_url = "${base}/backend-api"

[model_providers.fake]
name = "fake"
base_url = "${base}/v1"
requires_openai_auth = true
request_max_retries = 0
stream_max_retries = 0

[analytics]
enabled = false

[features]
apps = false
plugins = false
unbounded_connection_retries = false
`,
      )
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return authority
}
