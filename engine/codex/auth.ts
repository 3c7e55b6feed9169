/**
 * auth.json: which login it holds, until when, and how it looks without its refresh token. Pure.
 * Always holds: `emptyRefresh` changes nothing but the values of keys named `refresh_token`, at any depth, and what
 * it returns has none left; no function puts a part of the file into an error.
 * An emptied token is `""`: without the key, or with null, Codex drops the login without a word
 * (`test/e2e/auth.test.ts`).
 */

import { jsonTokens, readJson } from './json.ts'

export type Auth =
  | { readonly kind: 'apikey' }
  | {
      readonly kind: 'chatgpt'
      /** The workspace: Codex takes over a file that changes under it only while this stays the same. */
      readonly account: string | null
      /** When the access token ends; null when it does not say. */
      readonly expiresMs: number | null
      /** True while there is a refresh token to spend. */
      readonly refreshes: boolean
    }
  /** A way to sign in that came after this was written. */
  | { readonly kind: 'unknown' }
  /** Codex reads no login from it. */
  | { readonly kind: 'invalid' }

export function readAuth(text: string): Auth {
  const file = parseObject(text)
  if (file === null) return { kind: 'invalid' }
  const tokens = asObject(file['tokens'])
  const key = file['OPENAI_API_KEY']
  const mode = file['auth_mode'] ?? (typeof key === 'string' ? 'apikey' : tokens ? 'chatgpt' : null)
  if (mode === 'apikey') return { kind: typeof key === 'string' && key !== '' ? 'apikey' : 'invalid' }
  if (mode !== 'chatgpt') return { kind: mode === null ? 'invalid' : 'unknown' }
  const { id_token: id, access_token: access, refresh_token: refresh, account_id: account } = tokens ?? {}
  const claims = typeof id === 'string' ? readClaims(id) : null
  if (claims === null || typeof access !== 'string' || typeof refresh !== 'string') return { kind: 'invalid' }
  const claimed = asObject(claims['https://api.openai.com/auth'])?.['chatgpt_account_id']
  const named = typeof account === 'string' ? account : claimed
  return {
    kind: 'chatgpt',
    account: typeof named === 'string' ? named : null,
    expiresMs: expiryMs(access),
    refreshes: refresh !== '',
  }
}

/** When a JWT ends, in milliseconds since 1970; null when it does not say, or is none. Nothing is verified. */
export function expiryMs(token: string): number | null {
  const exp = readClaims(token)?.['exp']
  return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1000 : null
}

/**
 * The same text with every refresh token emptied, all other bytes as they were. Null when it is no JSON object, or
 * when a refresh token is something else than a text.
 */
export function emptyRefresh(text: string): string | null {
  if (parseObject(text) === null) return null
  const tokens = [...text.matchAll(jsonTokens)]
  let emptied = ''
  let copied = 0
  for (const [index, token] of tokens.entries()) {
    const value = tokens[index + 2]
    // Only a key stands before a colon. It may be spelled with escapes, and twice.
    const isKey = tokens[index + 1]?.[0] === ':' && JSON.parse(token[0]) === 'refresh_token'
    if (!isKey || !value?.[0].startsWith('"')) continue
    emptied += `${text.slice(copied, value.index)}""`
    copied = value.index + value[0].length
  }
  emptied += text.slice(copied)
  return holdsRefresh(parseObject(emptied)) ? null : emptied
}

function holdsRefresh(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(
    ([key, inner]) => (key === 'refresh_token' && inner !== '' && inner !== null) || holdsRefresh(inner),
  )
}

/** The claims of a JWT, unverified; null when it is none. */
function readClaims(token: string): Readonly<Record<string, unknown>> | null {
  const parts = token.split('.')
  return parts.length === 3 ? parseObject(Buffer.from(parts[1] ?? '', 'base64url').toString()) : null
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  const read = readJson(text)
  return 'fault' in read ? null : asObject(read.value)
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  return Object.fromEntries(Object.entries(value))
}
