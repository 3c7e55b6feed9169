/** What the hook finds to do, at each of its moments, with every kind of master (S51, S52). */
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findNeed, type Moment } from '../../../cli/hook/check.ts'
import { type Card, saveCard } from '../../../engine/card.ts'
import type { Disk, OpenMode } from '../../../engine/disk/disk.ts'
import { diskFault } from '../../../engine/disk/errno.ts'
import { openDisk } from '../../../engine/disk/real.ts'
import { systemClock, systemIds } from '../../../engine/env/system.ts'
import { createFollowerKeys, signingKey } from '../../../engine/keys/keys.ts'
import { dropWatching, loadWatching, noteWatching } from '../../../engine/watching.ts'
import { refuse } from '../../../schemas/fault.ts'
import { hookAwayMs, hookConnectMs } from '../../../schemas/limits.ts'
import { headBytes, signedHeadBytes } from '../../../schemas/signable.ts'
import { mintIdentity } from '../../../transport/identity/cert.ts'
import { host, listenOn, master, openDoor } from '../../transport/link/world.ts'

const disk = await openDisk()
let stemmaHome: string
let cert: string
const closing: (() => void | Promise<void>)[] = []
beforeEach(async () => {
  stemmaHome = mkdtempSync(join(tmpdir(), 'stemma-check-'))
  cert = mintIdentity((await createFollowerKeys(disk, systemIds, stemmaHome)).node).certPem
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
  rmSync(stemmaHome, { recursive: true, force: true })
})

const entry = Buffer.alloc(32, 7)
function headOf(seq: number): Buffer {
  const none = Buffer.alloc(32)
  const fields = { seq, entry, state: none, revision: none, foldVersion: 1, timeMs: 1 }
  const body = headBytes({ logId: Buffer.alloc(16), ...fields })
  return Buffer.concat([body, Buffer.alloc(signedHeadBytes - body.length)])
}
const deal = (port: number, more: Partial<Card> = {}) =>
  saveCard(disk, systemIds, stemmaHome, {
    ...{ host, port, fingerprint: master.fingerprint, cert, seq: 5, applied: true, staged: false },
    entry: entry.toString('hex') as Card['entry'],
    ...more,
  })
const need = (moment: Moment = 'work') =>
  findNeed({ disk, clock: systemClock, stemmaHome, isAlive: (pid) => pid === living }, moment)
const living = 4711
const away = () => join(stemmaHome, 'away')

/** A port where nobody listens. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
const serve = (onSocket: (socket: Socket) => void) => listenOn(closing, onSocket)
async function door(head: Buffer, more: Parameters<typeof openDoor>[0] = {}): Promise<number> {
  const { listener } = await openDoor({ head: () => head, ...more })
  closing.push(() => listener.close())
  return listener.port
}

describe('S51: without a word from the master', () => {
  const moments = ['before', 'start', 'work', 'end'] as const
  const needs = async () => [await need('before'), await need('start'), await need('work'), await need('end')]

  test('whoever follows nobody has nothing to do; a damaged card is left to a sync', async () => {
    for (const moment of moments) expect(await need(moment)).toBe('nothing')
    writeFileSync(join(stemmaHome, 'local.toml'), '')
    expect(await needs()).toEqual(['sync', 'work', 'sync', 'nothing'])
    writeFileSync(join(stemmaHome, 'card.json'), '{"host":')
    expect(await need()).toBe('sync')
  })

  test('S10: after a session what waited is put in; neither then nor at its start the master is asked', async () => {
    let asked = 0
    await deal(await serve(() => asked++), { staged: true })
    expect([await need('start'), await need('end')]).toEqual(['work', 'apply'])
    await deal(await serve(() => asked++))
    expect([await need('start'), await need('end')]).toEqual(['work', 'nothing'])
    expect(asked).toBe(0)
    expect(existsSync(away())).toBe(false)
  })

  test('a master that is away is asked once, and then by nobody for a minute', async () => {
    for (const moment of ['before', 'work'] as const) {
      rmSync(away(), { force: true })
      await deal(await deadPort())
      expect(await need(moment)).toBe('nothing')
      const until = Number(readFileSync(away(), 'utf8'))
      expect(Math.abs(until - Date.now() - hookAwayMs)).toBeLessThan(10_000)
      let asked = 0
      await deal(await serve(() => asked++))
      expect(await needs()).toEqual(['nothing', 'nothing', 'nothing', 'nothing'])
      expect(asked).toBe(0)
    }
  })

  test('S52: nobody asks it while a process that lives hears of every change', async () => {
    let asked = 0
    const place = { disk, clock: systemClock, stemmaHome }
    const port = await serve((socket) => {
      asked++
      socket.destroy()
    })
    await deal(port)
    await noteWatching(place, living)
    expect(await needs()).toEqual(['nothing', 'nothing', 'nothing', 'nothing'])
    await deal(port, { staged: true })
    expect(await needs()).toEqual(['apply', 'nothing', 'nothing', 'apply'])
    await deal(port, { applied: false })
    expect(await needs()).toEqual(['apply', 'work', 'apply', 'nothing'])
    expect(asked).toBe(0)
    await deal(port)
    const file = join(stemmaHome, 'watching')
    const words = [
      `${living + 1} ${Date.now() + 10_000}`,
      `${living} ${Date.now() - 1}`,
      `${living} ${Date.now() + 1e9}`,
      '',
    ]
    for (const [index, word] of words.entries()) {
      writeFileSync(file, word)
      rmSync(away(), { force: true })
      expect(await need('work')).toBe('nothing')
      expect(asked, word).toBe(index + 1)
    }
    await noteWatching(place, living)
    await dropWatching(place)
    expect(await loadWatching(place)).toBe(null)
  })

  test('then a process asks that nobody waits for, and the next minute begins', async () => {
    for (const over of [String(Date.now() - 1), String(Date.now() + 2 * hookAwayMs), 'x']) {
      await deal(await deadPort())
      writeFileSync(away(), over)
      expect([await need('before'), await need('start')]).toEqual(['work', 'work'])
      expect(readFileSync(away(), 'utf8')).toBe(over)
      expect(await need('work')).toBe('nothing')
      expect([await need('before'), await need('start')]).toEqual(['nothing', 'nothing'])
    }
  })

  test('a master that is there again is no longer away', async () => {
    writeFileSync(away(), '1')
    await deal(await door(headOf(5)))
    expect(await need()).toBe('nothing')
    expect(existsSync(away())).toBe(false)
  })

  test('S52: before a session what is here goes in, with the master away as well', async () => {
    const port = await deadPort()
    for (const until of [String(Date.now() + 10_000), '1']) {
      writeFileSync(away(), until)
      await deal(port, { staged: true })
      expect(await need('before')).toBe('apply')
      await deal(port, { applied: false })
      expect([await need('before'), await need('start')]).toEqual(['apply', 'work'])
    }
    expect(await need('work')).toBe('apply')
    expect(existsSync(away())).toBe(true)
  })

  test('a disk that is full costs the memory, not the session', async () => {
    await deal(await deadPort())
    const full: Disk = new Proxy(disk, {
      get(target, name) {
        if (name === 'open')
          return async (path: string, mode: OpenMode, permissions?: number) => {
            if (mode === 'create') throw diskFault('ENOSPC', 'open', path)
            return target.open(path, mode, permissions)
          }
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const world = { disk: full, clock: systemClock, stemmaHome, isAlive: () => false }
    for (const moment of ['before', 'work'] as const) expect(await findNeed(world, moment)).toBe('nothing')
    writeFileSync(away(), '1')
    expect(await findNeed(world, 'work')).toBe('nothing')
  })
})

describe('S51: of the master', () => {
  test('the head that is here is no news; a newer, an older and another one are', async () => {
    await deal(await door(headOf(5)))
    expect(await need()).toBe('nothing')
    for (const seq of [6, 4]) {
      await deal(await door(headOf(seq)))
      expect(await need()).toBe('sync')
    }
    await deal(await door(headOf(5)), { entry: '0'.repeat(64) as Card['entry'] })
    expect(await need()).toBe('sync')
    await deal(await door(Buffer.alloc(signedHeadBytes)))
    expect(await need()).toBe('sync')
    expect(existsSync(away())).toBe(false)
  })

  test('one with another key, one that has revoked us and one that speaks nonsense are told by a sync that nobody waits for', async () => {
    await deal(await door(headOf(6)), { fingerprint: '0'.repeat(64) as Card['fingerprint'] })
    expect([await need('before'), await need()]).toEqual(['work', 'sync'])
    await deal(await door(headOf(6), { admit: () => refuse('revoked', 'No.') }))
    expect([await need('before'), await need()]).toEqual(['work', 'sync'])
    await deal(await serve((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n')))
    expect([await need('before'), await need()]).toEqual(['work', 'sync'])
    await deal(await door(Buffer.alloc(3_000)))
    expect([await need('before'), await need()]).toEqual(['work', 'sync'])
    expect(existsSync(away())).toBe(false)
    // What is here goes in first: that sync would end before it.
    await deal(await door(Buffer.alloc(3_000)), { applied: false })
    expect([await need('before'), await need()]).toEqual(['apply', 'apply'])
  })

  test('one that accepts and says nothing counts as away, after the time to connect', async () => {
    await deal(await serve(() => undefined))
    const startMs = performance.now()
    expect(await need()).toBe('nothing')
    expect(performance.now() - startMs).toBeGreaterThan(hookConnectMs - 50)
    expect(existsSync(away())).toBe(true)
  })

  test('a key of this machine that is exposed, or another one than its certificate, is told by a sync', async () => {
    await deal(await door(headOf(5)), { cert: mintIdentity(signingKey(Buffer.alloc(32, 9))).certPem })
    expect(await need()).toBe('sync')
    await deal(await door(headOf(6)))
    if (!disk.windows) {
      chmodSync(join(stemmaHome, 'keys'), 0o755)
      expect(await need()).toBe('sync')
    }
    expect(existsSync(away())).toBe(false)
  })
})
