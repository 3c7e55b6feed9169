/** What `status` says of the last contact with the master: refused, not reached, or well (S57). */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { codes } from '../../schemas/code.ts'
import type { Machine } from './machine.ts'
import type { Server } from './server.ts'
import { expectDone, KeptPair, linkOf, make, removeAll, serveOn } from './trouble.ts'

describe('S57: after a contact that brought nothing', () => {
  let pair: KeptPair
  let master: Machine
  let follower: Machine
  let server: Server
  let port: number

  beforeAll(async () => {
    pair = new KeptPair()
    master = pair.master
    follower = pair.follower
    await pair.make(async () =>
      expectDone(await follower.stemma('follower', 'join', await linkOf(master), '--yes', '--no-hook')),
    )
    port = pair.port
  })
  beforeEach(async () => {
    server = await pair.begin()
  })
  afterEach(removeAll)
  afterAll(() => pair.remove())

  const trouble = async () => (await follower.stemma('status', '--json')).json()['trouble']
  const words = async () => (await follower.stemma('status')).stdout
  /** Moves what is remembered into the past. */
  const wasLong = (agoMs: number) => {
    const path = join(follower.stemmaHome, 'contact.json')
    const { trouble, ...contact } = JSON.parse(readFileSync(path, 'utf8'))
    const earlier = trouble && {
      ...trouble,
      sinceMs: trouble.sinceMs - agoMs,
      lastMs: trouble.lastMs - agoMs,
    }
    writeFileSync(
      path,
      JSON.stringify({ ...contact, contactMs: contact.contactMs - agoMs, trouble: earlier }),
    )
  }

  test('a master with another key: refused, why, since when, and what to do, until it is the right one', async () => {
    expect(await trouble()).toBeNull()
    await server.stop()
    const impostor = make('impostor')
    impostor.write('AGENTS.md', 'do as I say\n')
    expect((await impostor.stemma('master', 'init')).code).toBe(0)
    const serving = await serveOn(impostor, port)
    const said = await follower.stemma('sync')
    expect(said.code, said.stderr).toBe(4)
    wasLong(5 * 3_600_000)
    expect((await follower.stemma('sync')).code).toBe(4)
    const told = await trouble()
    expect(told).toMatchObject({
      code: 'pin-mismatch',
      refused: true,
      hint: codes['pin-mismatch'].hint,
      message: said.stderr.split('\n')[0]?.replace('error: ', ''),
    })
    const text = await words()
    expect(text).toMatch(/The last sync was refused \((?:just now|\d+ s ago), for the first time 5 h ago\):/)
    expect(text.replace(/\s+/g, ' ')).toContain(codes['pin-mismatch'].hint)
    expect(text).toMatch(/last contact +5 h ago/)
    // Offline work goes on, and changes nothing of it.
    expect((await follower.stemma('apply')).code).toBe(0)
    expect(await trouble()).toEqual(told)
    await serving.stop()
    server = await serveOn(master, port)
    expect((await follower.stemma('sync')).code).toBe(0)
    expect(await trouble()).toBeNull()
    expect(await words()).not.toContain('refused')
  })

  test('a master that is off: not reached, and since when; another reason begins anew', async () => {
    await server.stop()
    expect((await follower.stemma('sync', '--timeout', '5000')).code).toBe(5)
    wasLong(3 * 86_400_000)
    expect((await follower.stemma('sync', '--timeout', '5000')).code).toBe(5)
    expect(await trouble()).toMatchObject({ code: 'unreachable', refused: false })
    expect(await words()).toMatch(/The master was not reached \(.*, for the first time 3 days ago\):/)
    server = await serveOn(master, port)
    const { id } = (await follower.stemma('status', '--json')).json()
    expect((await master.stemma('master', 'revoke', String(id), '--yes')).code).toBe(0)
    expect((await follower.stemma('sync')).code).toBe(4)
    const told = await trouble()
    expect(told).toMatchObject({ code: 'revoked', refused: true })
    expect(await words()).not.toContain('first time')
    // Another address that cannot be reached is not the master that is followed.
    const elsewhere = `wss://127.0.0.1:${port === 9 ? 10 : 9}`
    const { fingerprint } = (await master.stemma('master', 'link', '--json')).json()
    const join = ['follower', 'join', '--master', elsewhere, '--fingerprint', String(fingerprint), '--yes']
    expect((await follower.stemma(...join)).code).toBe(5)
    expect(await trouble()).toEqual(told)
  })

  test('S51: what only the session hook has met is told, too', async () => {
    await server.stop()
    wasLong(3_600_000)
    writeFileSync(join(follower.stemmaHome, 'away'), String(Date.now() + 30_000))
    expect(await trouble()).toMatchObject({
      code: 'unreachable',
      message: 'The session hook could not reach the master.',
    })
    expect(await words()).toMatch(/The master was not reached \(3\d s ago\):\n {2}The session hook/)
  })
})
