/** The writer lock, with real processes that race, die and are stopped. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openDisk } from '../../../engine/disk/real.ts'
import { systemClock as clock, systemIds as ids } from '../../../engine/env/system.ts'
import { Fault } from '../../../schemas/fault.ts'
import {
  controlClientsMax,
  controlLineBytesMax,
  controlTimeoutMs,
  lockCheckEveryMs,
} from '../../../schemas/limits.ts'
import { askOwner } from '../../../transport/control/ask.ts'
import { acquireLock, type Lock } from '../../../transport/control/lock.ts'
import { findPlace } from '../../../transport/control/place.ts'
import { bundle, type Compiled } from '../../compiled.ts'

const disk = await openDisk()
const uid = process.getuid?.() ?? null
const signal = new AbortController().signal
let compiled: Compiled
let home: string
const running: ChildProcess[] = []

beforeAll(async () => {
  compiled = await bundle('test/transport/control/contender.ts')
})
afterAll(() => compiled.remove())
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'stemma-lock-'))
})
afterEach(async () => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
  const place = await findPlace(disk, home, uid)
  if (place?.kind === 'folder') rmSync(place.folder, { recursive: true, force: true })
  rmSync(home, { recursive: true, force: true })
})

type Said = {
  owned?: number
  fault?: string
  message?: string
  facts?: object
  ready?: number
  released?: number
}
type Contender = {
  readonly child: ChildProcess
  next(): Promise<Said>
  /** Lets it go on: to claim at first, then to release. */
  proceed(): void
  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
  readonly ended: Promise<void>
}

async function contend(): Promise<Contender> {
  const child = spawn(process.execPath, [compiled.at('test/transport/control/contender.ts'), home], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  running.push(child)
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const next = async (): Promise<Said> => {
    const line = await lines.next()
    return line.done ? {} : JSON.parse(line.value)
  }
  await next()
  return { child, next, proceed: () => child.stdin.write('\n'), kill: (s) => child.kill(s), ended }
}

const claim = (what = 'sync') => acquireLock({ home, what, disk, clock, ids, pid: process.pid, uid, signal })
const ask = (request: Parameters<typeof askOwner>[1], timeoutMs = 2_000) =>
  askOwner(home, request, { disk, clock, uid, timeoutMs, signal })

describe('one writer', () => {
  test('S23: kill -9 of the owner frees the folder at once', async () => {
    for (let round = 0; round < 5; round++) {
      const owner = await contend()
      owner.proceed()
      expect(await owner.next()).toEqual({ owned: owner.child.pid })
      owner.kill('SIGKILL')
      await owner.ended
      const lock = await claim()
      await lock.release()
    }
    expect(readdirSync(join(home, 'run'))).toEqual([])
  })

  test('of 20 processes that start together exactly one owns the folder, in every round', async () => {
    for (let round = 0; round < 3; round++) {
      const all = await Promise.all(Array.from({ length: 20 }, contend))
      for (const one of all) one.proceed()
      const said = await Promise.all(all.map((one) => one.next()))
      const owners = said.filter((one) => one.owned !== undefined)
      expect(owners, JSON.stringify(said)).toHaveLength(1)
      expect(
        said.filter((one) => one.fault === 'locked'),
        JSON.stringify(said),
      ).toHaveLength(19)
      expect(await ask({ cmd: 'who' })).toEqual({
        ok: { state: 'owner', pid: owners[0]?.owned, what: 'master serve' },
      })
      for (const one of all) one.kill('SIGKILL')
      await Promise.all(all.map((one) => one.ended))
    }
  })

  test('owners that die under contention: two never own at the same time', async () => {
    // An owner lives at least until it is told to die here: whoever says "owned" before that owns beside it.
    let owner: number | undefined
    let won = 0
    const lineage = async () => {
      for (let life = 0; life < 5; life++) {
        const one = await contend()
        one.proceed()
        const { owned } = await one.next()
        if (owned !== undefined) {
          expect(owner).toBeUndefined()
          owner = owned
          await clock.wait(5)
          owner = undefined
          won++
          one.kill('SIGKILL')
        }
        await one.ended
      }
    }
    await Promise.all(Array.from({ length: 6 }, lineage))
    expect(won).toBeGreaterThan(0)
    await (await claim()).release()
  })

  test('claims and releases that cross: never two owners, and nothing is left behind', async () => {
    let holders = 0
    let won = 0
    const contender = async () => {
      for (let turn = 0; turn < 12; turn++) {
        const lock = await claim().catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'locked' })
          return null
        })
        if (lock) {
          expect(++holders).toBe(1)
          won++
          await clock.wait(ids.fraction() * 4)
          holders--
          await lock.release()
        }
        await clock.wait(ids.fraction() * 10)
      }
    }
    await Promise.all(Array.from({ length: 8 }, contender))
    expect(won).toBeGreaterThan(0)
    expect(readdirSync(join(home, 'run'))).toEqual([])
  })

  test('a stopped owner still owns', async () => {
    const owner = await contend()
    owner.proceed()
    await owner.next()
    owner.kill('SIGSTOP')
    await expect(claim()).rejects.toMatchObject({ code: 'locked' })
    owner.kill('SIGCONT')
    owner.proceed()
    expect(await owner.next()).toEqual({ released: owner.child.pid })
    await (await claim()).release()
  })

  test('`locked` names the command, the pid and the folder', async () => {
    const lock = await claim('master serve')
    await expect(claim('sync')).rejects.toMatchObject({
      code: 'locked',
      message: `\`stemma master serve\` (pid ${process.pid}) is using ${home}.`,
      facts: { home, pid: process.pid, what: 'master serve' },
    })
    await lock.release()
  })

  test('stale sockets and unfinished ones are swept, strange files are left alone', async () => {
    mkdirSync(join(home, 'run'), { mode: 0o700 })
    const stale = join(home, 'run', `w-${'0'.repeat(24)}.sock`)
    const unfinished = join(home, 'run', `c-${'0'.repeat(24)}.sock`)
    for (const path of [stale, unfinished]) writeFileSync(path, '')
    writeFileSync(join(home, 'run', 'note.txt'), 'mine')
    const lock = await claim()
    expect(existsSync(stale) || existsSync(unfinished)).toBe(false)
    await lock.release()
    expect(readdirSync(join(home, 'run'))).toEqual(['note.txt'])
  })

  test('somebody who accepts and says nothing, or something else, is not taken for dead', async () => {
    mkdirSync(join(home, 'run'), { mode: 0o700 })
    const path = join(home, 'run', `w-${'f'.repeat(24)}.sock`)
    const other = createServer((socket) => void socket.end('HTTP/1.1 200 OK\n'))
    await new Promise<void>((done) => void other.listen(path, done))
    await expect(claim()).rejects.toMatchObject({ code: 'locked' })
    expect(existsSync(path)).toBe(true)
    other.close()
  })

  test('a home whose path no socket can hold uses a short folder of its own', async () => {
    rmSync(home, { recursive: true })
    const deep = join(home, 'x'.repeat(90), 'y'.repeat(90))
    mkdirSync(deep, { recursive: true })
    const parent = home
    home = deep
    const place = await findPlace(disk, home, uid)
    expect(place).toMatchObject({ kind: 'folder', shared: true })
    const lock = await claim('master serve')
    await expect(claim()).rejects.toMatchObject({ code: 'locked' })
    expect(await ask({ cmd: 'who' })).toMatchObject({ ok: { state: 'owner' } })
    await lock.release()
    if (place?.kind === 'folder') rmSync(place.folder, { recursive: true })
    rmSync(parent, { recursive: true })
  })

  test('T19: a run folder that others may enter is refused', async () => {
    mkdirSync(join(home, 'run'), { mode: 0o700 })
    await disk.chmod(join(home, 'run'), 0o755)
    await expect(claim()).rejects.toMatchObject({ code: 'disk-denied' })
  })

  test('an aborted claim leaves no socket', async () => {
    await expect(
      acquireLock({
        home,
        what: 'sync',
        disk,
        clock,
        ids,
        pid: 1,
        uid,
        signal: AbortSignal.abort(new Error('stop')),
      }),
    ).rejects.toThrow('stop')
    expect(readdirSync(join(home, 'run'))).toEqual([])
  })

  test('an owner learns that its socket was removed', async () => {
    const alarms: (() => void)[] = []
    const manual = {
      ...clock,
      after: (delayMs: number, call: () => void) => {
        if (delayMs !== lockCheckEveryMs) return clock.after(delayMs, call)
        alarms.push(call)
        return () => {}
      },
    }
    const lock = await acquireLock({ home, what: 'sync', disk, clock: manual, ids, pid: 1, uid, signal })
    const served = lock.serve(async () => null)
    alarms.shift()?.()
    await clock.wait(0)
    while (alarms.length === 0) await clock.wait(1)
    rmSync(join(home, 'run'), { recursive: true })
    alarms.shift()?.()
    await expect(served).rejects.toMatchObject({ code: 'locked' })
    await lock.release()
  })
})

describe('control channel', () => {
  let lock: Lock | undefined
  afterEach(async () => {
    await lock?.release()
    lock = undefined
  })

  /** Sends raw bytes to the owner and gives all it answers. */
  async function raw(bytes: string): Promise<string> {
    const [name = ''] = readdirSync(join(home, 'run'))
    const socket = connect(join(home, 'run', name))
    socket.on('error', () => {})
    socket.write(bytes)
    let answer = ''
    socket.setEncoding('utf8').on('data', (part: string) => {
      answer += part
    })
    await new Promise((done) => void socket.once('close', done))
    return answer
  }

  test('nobody there is null', async () => {
    expect(await ask({ cmd: 'status' })).toBeNull()
    rmSync(home, { recursive: true })
    expect(await ask({ cmd: 'status' })).toBeNull()
    mkdirSync(home)
  })

  test('an owner that does not serve says who it is', async () => {
    lock = await claim('apply')
    expect(await ask({ cmd: 'status' })).toMatchObject({
      error: { code: 'locked', facts: { what: 'apply', pid: process.pid } },
    })
  })

  test('a request reaches the handler, its answer and its fault come back', async () => {
    lock = await claim()
    const served = lock.serve(async (request) => {
      if (request.cmd === 'revoke') throw new Fault('unknown-follower', 'No follower is named x.', { x: 1 })
      return request
    })
    expect(await ask({ cmd: 'approve', follower: 'laptop' })).toEqual({
      ok: { cmd: 'approve', follower: 'laptop' },
    })
    expect(await ask({ cmd: 'revoke', follower: 'x' })).toEqual({
      error: { code: 'unknown-follower', message: 'No follower is named x.', facts: { x: 1 } },
    })
    await lock.release()
    await served
  })

  test('a bug in the handler is told to the client and ends the serving', async () => {
    lock = await claim()
    const served = lock.serve(async () => {
      throw new Error('bug: impossible')
    })
    const failed = expect(served).rejects.toThrow('bug: impossible')
    expect(await ask({ cmd: 'open' })).toMatchObject({ error: { code: 'bug' } })
    await failed
  })

  test.each([
    ['not JSON', 'hello\n'],
    ['an unknown command', '{"cmd":"format"}\n'],
    ['an unknown key', '{"cmd":"open","now":true}\n'],
    ['a name that moves the cursor', '{"cmd":"approve","follower":"a\\u001b[2J"}\n'],
    ['two lines', '{"cmd":"open"}\n{"cmd":"open"}\n'],
    ['too long a line', `${'x'.repeat(controlLineBytesMax + 1)}\n`],
  ])('Q3: %s is refused at the door', async (_, bytes) => {
    let called = 0
    lock = await claim()
    void lock.serve(async () => ++called)
    expect(JSON.parse(await raw(bytes))).toMatchObject({ error: { code: 'protocol' } })
    expect(called).toBe(0)
    expect(await ask({ cmd: 'open' })).toEqual({ ok: 1 })
  })

  test('Q3: any line is answered, and the owner goes on', async () => {
    lock = await claim()
    void lock.serve(async () => null)
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), async (text) => {
        expect(JSON.parse(await raw(`${text}\n`))).toHaveProperty('error.code', 'protocol')
      }),
      { numRuns: 100 },
    )
    expect(await ask({ cmd: 'open' })).toEqual({ ok: null })
  })

  test('Q3: a client that does not ask loses its place in time, and more than the cap find none', async () => {
    const alarms: (() => void)[] = []
    const manual = {
      ...clock,
      after: (delayMs: number, call: () => void) => {
        if (delayMs !== controlTimeoutMs) return clock.after(delayMs, call)
        alarms.push(call)
        return () => {}
      },
    }
    lock = await acquireLock({ home, what: 'sync', disk, clock: manual, ids, pid: 1, uid, signal })
    const silent = Array.from({ length: controlClientsMax }, () => raw(''))
    while (alarms.length < controlClientsMax) await clock.wait(1)
    expect(await raw('{"cmd":"who"}\n')).toBe('')
    for (const alarm of alarms.splice(0)) alarm()
    for (const answer of await Promise.all(silent))
      expect(JSON.parse(answer)).toMatchObject({ error: { code: 'protocol' } })
    expect(JSON.parse(await raw('{"cmd":"who"}\n'))).toMatchObject({ ok: { state: 'owner' } })
  })

  test('release gives the answer that is under way, and lets go of silent clients', async () => {
    lock = await claim()
    let begun: () => void = () => {}
    const started = new Promise<void>((resolve) => {
      begun = resolve
    })
    let finish: (value: string) => void = () => {}
    void lock.serve(() => {
      begun()
      return new Promise((resolve) => {
        finish = resolve
      })
    })
    const silent = raw('')
    const answer = ask({ cmd: 'stop' })
    await started
    const released = lock.release()
    lock = undefined
    finish('stopping')
    expect(await answer).toEqual({ ok: 'stopping' })
    await released
    expect(await silent).toBe('')
  })
})
