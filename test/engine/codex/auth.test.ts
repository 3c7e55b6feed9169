/** auth.json without its refresh token; how Codex takes it is shown in `test/e2e/auth.test.ts`. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { emptyRefresh, expiryMs, readAuth } from '../../../engine/codex/auth.ts'

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const jwt = (claims: object) => `${part({ alg: 'none' })}.${part(claims)}.c2ln`
const login = (tokens: object = {}, more: object = {}) =>
  JSON.stringify({
    auth_mode: 'chatgpt',
    OPENAI_API_KEY: null,
    tokens: {
      id_token: jwt({ 'https://api.openai.com/auth': { chatgpt_account_id: 'claimed' } }),
      access_token: jwt({ exp: 1_800_000_000 }),
      refresh_token: 'rt-canary',
      account_id: 'acct',
      ...tokens,
    },
    last_refresh: '2026-01-01T00:00:00Z',
    ...more,
  })

describe('S29: which login it is', () => {
  test('an API key, with or without its mode', () => {
    expect(readAuth('{"auth_mode":"apikey","OPENAI_API_KEY":"sk"}')).toEqual({ kind: 'apikey' })
    expect(readAuth('{"OPENAI_API_KEY":"sk"}')).toEqual({ kind: 'apikey' })
    expect(readAuth('{"auth_mode":"apikey","OPENAI_API_KEY":null}')).toEqual({ kind: 'invalid' })
  })

  test('a ChatGPT login: its account, its end, and whether it can refresh', () => {
    const chatgpt = { kind: 'chatgpt', account: 'acct', expiresMs: 1_800_000_000_000, refreshes: true }
    expect(readAuth(login())).toEqual(chatgpt)
    expect(readAuth(login({}, { auth_mode: undefined }))).toEqual(chatgpt)
    expect(readAuth(login({ account_id: null }))).toEqual({ ...chatgpt, account: 'claimed' })
    expect(readAuth(login({ access_token: 'opaque' }))).toEqual({ ...chatgpt, expiresMs: null })
    expect(readAuth(emptyRefresh(login()) ?? '')).toEqual({ ...chatgpt, refreshes: false })
  })

  test('what Codex reads no login from, and what it may read one from later', () => {
    const none = [
      '',
      'x',
      '[]',
      'null',
      '{}',
      '\ufeff{}',
      login({ refresh_token: null }),
      login({ id_token: 'x' }),
    ]
    expect(none.map((text) => readAuth(text).kind)).toEqual(none.map(() => 'invalid'))
    expect(readAuth(login({ refresh_token: undefined })).kind).toBe('invalid')
    expect(readAuth('{"auth_mode":"later"}')).toEqual({ kind: 'unknown' })
  })
})

describe('S29: the refresh token is emptied', () => {
  test('and nothing else is touched: spaces, order, escapes, line ends', () => {
    const text = `{\r\n\t"note" : "refresh_token\\": \\"x",\n "tokens": {"refresh_token"\n : "a\\"b\\\\" , "z":1.0},"\\u00e9":[1e3]}\n`
    expect(emptyRefresh(text)).toBe(text.replace('"a\\"b\\\\"', '""'))
  })

  test('wherever and however it is spelled', () => {
    const text = '{"tokens":{"refresh_token":"a","refresh\\u005ftoken":"b"},"x":[{"refresh_token":"c"}]}'
    expect(emptyRefresh(text)).toBe(
      '{"tokens":{"refresh_token":"","refresh\\u005ftoken":""},"x":[{"refresh_token":""}]}',
    )
    expect(emptyRefresh('{"a":"refresh_token","b":["refresh_token","x"]}')).toBe(
      '{"a":"refresh_token","b":["refresh_token","x"]}',
    )
  })

  test('refused: what is no object, and a token that is no text', () => {
    const refused = ['', '[]', '"refresh_token"', '{"refresh_token":{"a":"b"}}', '{"refresh_token":1}']
    expect(refused.map(emptyRefresh)).toEqual(refused.map(() => null))
    expect(emptyRefresh('{"refresh_token":null}')).toBe('{"refresh_token":null}')
  })

  test('of any JSON: none is left, the rest is the same, and twice is once', () => {
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constantFrom(null, true),
        fc.array(tie('value')),
        tie('object'),
      ),
      object: fc.dictionary(fc.oneof(fc.string(), fc.constant('refresh_token')), tie('value')),
    })).object
    const empty = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(empty)
      if (typeof value !== 'object' || value === null) return value
      const members = Object.entries(value).map(([key, inner]) =>
        key === 'refresh_token' && typeof inner === 'string' ? [key, ''] : [key, empty(inner)],
      )
      return Object.fromEntries(members)
    }
    fc.assert(
      fc.property(json, fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        const emptied = emptyRefresh(text)
        if (emptied === null) return
        expect(emptied).toBe(JSON.stringify(empty(JSON.parse(text)), null, indent))
        expect(emptyRefresh(emptied)).toBe(emptied)
      }),
      { numRuns: 300 },
    )
  })
})

test('S29: the end of a token, or none', () => {
  expect(expiryMs(jwt({ exp: 1.5 }))).toBe(1500)
  const without = ['', 'a.b.c', 'opaque', jwt({}), jwt({ exp: '1' }), `${jwt({ exp: 1 })}.x`]
  expect(without.map(expiryMs)).toEqual(without.map(() => null))
})
