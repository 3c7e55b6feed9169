/** How the real Codex lives with a ChatGPT login whose refresh token was emptied. What `engine/codex/auth.ts` rests on. */
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { emptyRefresh, readAuth } from '../../engine/codex/auth.ts'
import { type Authority, accessToken, loginText, startAuthority } from './authority.ts'
import { describeCodex, runCodexExec } from './codex.ts'

const hourMs = 3_600_000

describeCodex('an emptied login in the real Codex CLI', () => {
  let authority: Authority
  let root: string
  let home: string
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'stemma-auth-'))
    home = join(root, '.codex')
    authority = await startAuthority()
    authority.writeConfig(home)
  })
  afterEach(async () => {
    await authority.close()
    rmSync(root, { recursive: true, force: true })
  })

  const file = () => join(home, 'auth.json')
  const put = (text: string) => {
    writeFileSync(`${file()}.new`, text, { mode: 0o600 })
    renameSync(`${file()}.new`, file())
  }
  const emptied = (account: string, access: string) =>
    emptyRefresh(loginText(account, access, 'rt-canary')) ?? 'never'
  const exec = () => runCodexExec({ home, prompt: 'Say hello.', env: authority.env })
  const reasons = () => [...new Set(authority.refreshes.map((body) => body['refresh_reason']))]
  const tokensSent = () => [...new Set(authority.refreshes.map((body) => body['refresh_token']))]

  test('S29: while the access token lasts it works, and no refresh is asked for', async () => {
    const access = accessToken('acct-1', 'a', hourMs)
    const text = emptied('acct-1', access)
    put(text)
    expect(readAuth(text)).toMatchObject({ kind: 'chatgpt', account: 'acct-1', refreshes: false })
    const run = await exec()
    expect([run.code, run.stdout.trim()], run.stderr).toEqual([0, 'done'])
    expect(authority.bearers).toEqual([access])
    expect(authority.refreshes).toEqual([])
    expect(readFileSync(file(), 'utf8')).toBe(text)
    expect(statSync(file()).mode & 0o777).toBe(0o600)
  })

  test('S29: emptied is not the same as gone: without the key, or with null, the login is dropped silently', async () => {
    for (const refresh of [undefined, null]) {
      const text = loginText('acct-1', accessToken('acct-1', 'a', hourMs), refresh)
      put(text)
      expect(readAuth(text)).toEqual({ kind: 'invalid' })
      expect((await exec()).code).toBe(0)
      expect(authority.bearers.at(-1)).toBeNull()
    }
  })

  test('A7: from five minutes before the end it asks for a refresh with an empty token, and goes on without', async () => {
    for (const leftMs of [290_000, -60_000]) {
      const access = accessToken('acct-1', `${leftMs}`, leftMs)
      const text = emptied('acct-1', access)
      put(text)
      const run = await exec()
      expect([run.code, run.stdout.trim()], run.stderr).toEqual([0, 'done'])
      expect(authority.bearers.at(-1)).toBe(access)
      expect(reasons()).toEqual(['proactive_expiry'])
      expect(tokensSent()).toEqual([''])
      expect(readFileSync(file(), 'utf8')).toBe(text)
    }
    const before = authority.refreshes.length
    put(emptied('acct-1', accessToken('acct-1', 'b', 330_000)))
    expect((await exec()).code).toBe(0)
    expect(authority.refreshes).toHaveLength(before)
  })

  test('S29: once the service refuses the token the turn fails and says to sign in; the file stays', async () => {
    const refusals = [
      { status: 401, body: { error: { code: 'refresh_token_invalidated' } }, says: 'was revoked' },
      { status: 401, body: { error: { code: 'refresh_token_expired' } }, says: 'has expired' },
      { status: 400, body: { error: 'invalid_grant' }, says: 'log out and sign in again' },
      { status: 400, body: { error: 'invalid_request' }, says: '400 Bad Request' },
      { status: 500, body: {}, says: '500 Internal Server Error' },
    ]
    authority.takes = () => false
    for (const { says, ...refusal } of refusals) {
      const text = emptied('acct-1', accessToken('acct-1', 'a', -60_000))
      put(text)
      authority.refusal = refusal
      const run = await exec()
      expect(run.code).toBe(1)
      expect(run.stderr).toContain(says)
      expect(readFileSync(file(), 'utf8')).toBe(text)
    }
    expect(tokensSent()).toEqual([''])
  })

  test('A5: a fresh access token of the same account is taken up in the middle of a turn, without a refresh', async () => {
    const fresh = accessToken('acct-1', 'fresh', hourMs)
    authority.takes = (bearer) => bearer === fresh
    authority.onRefused = () => put(emptied('acct-1', fresh))
    const stale = accessToken('acct-1', 'stale', hourMs)
    put(emptied('acct-1', stale))
    const run = await exec()
    expect([run.code, run.stdout.trim()], run.stderr).toEqual([0, 'done'])
    expect(authority.bearers).toEqual([stale, fresh])
    expect(authority.refreshes).toEqual([])
  })

  test('A5: it is taken up by a start that finds its own about to end, too', async () => {
    const fresh = accessToken('acct-1', 'fresh', hourMs)
    authority.takes = (bearer) => bearer === fresh
    authority.onRefused = () => put(emptied('acct-1', fresh))
    put(emptied('acct-1', accessToken('acct-1', 'stale', 200_000)))
    expect((await exec()).code).toBe(0)
    expect(authority.bearers).toEqual([fresh])
    expect(tokensSent()).toEqual([''])
  })

  test('S10: another account in the file ends a turn that is under way', async () => {
    authority.takes = () => false
    authority.onRefused = () => put(emptied('acct-2', accessToken('acct-2', 'other', hourMs)))
    put(emptied('acct-1', accessToken('acct-1', 'a', hourMs)))
    const run = await exec()
    expect(run.code).toBe(1)
    expect(run.stderr).toContain('signed in to another account')
    expect(authority.refreshes).toEqual([])
  })
})
