/** The hook's one question, and a connection before anything is said on it (S51). */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../engine/env/system.ts'
import { refuse } from '../../../schemas/fault.ts'
import { signedHeadBytes } from '../../../schemas/signable.ts'
import { dial } from '../../../transport/identity/dial.ts'
import { createTlsAcceptor } from '../../../transport/identity/tls.ts'
import { peek, peekHead } from '../../../transport/link/peek.ts'
import { SimClock } from '../../sim/clock.ts'
import { follower, host, listenOn, master, openDoor } from './world.ts'

const closing: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const head = Buffer.alloc(signedHeadBytes, 3)
const ask = (port: number, more: Partial<Parameters<typeof peekHead>[0]> = {}) =>
  peekHead({
    ...{ host, port, pin: master.fingerprint, identity: follower, clock: systemClock },
    ...{ timeoutMs: 10_000, answerMs: 10_000, ...more },
  })
async function door(more: Parameters<typeof openDoor>[0] = {}) {
  const { listener } = await openDoor({ head: () => head, ...more })
  closing.push(() => listener.close())
  return listener.port
}
const serve = (onSocket: (socket: Socket) => void) => listenOn(closing, onSocket)
/** A master that says this once the handshake is done. */
const says = (...words: (string | Buffer)[]) =>
  serve(
    createTlsAcceptor(master, ({ socket }) => {
      for (const word of words) socket.write(word)
      if (words.length > 0) socket.end()
    }),
  )

describe('the question', () => {
  test('is answered with the newest head, on a connection of its own or one that is there', async () => {
    const port = await door()
    expect((await ask(port)).equals(head)).toBe(true)
    const socket = await dial({ host, port, clock: systemClock, timeoutMs: 10_000 })
    expect((await ask(port, { socket })).equals(head)).toBe(true)
    expect(socket.destroyed).toBe(true)
  })

  test('U4: comes with the time at the master, where it says so', async () => {
    const port = await door()
    const to = {
      ...{ host, pin: master.fingerprint, identity: follower, clock: systemClock },
      ...{ timeoutMs: 10_000, answerMs: 10_000 },
    }
    const { dateMs } = await peek({ ...to, port })
    expect(Math.abs((dateMs ?? 0) - Date.now())).toBeLessThan(60_000)
    const silent = await says('HTTP/1.1 200 OK\r\n\r\n', head)
    expect(await peek({ ...to, port: silent })).toEqual({ head, dateMs: null })
    const odd = await says('HTTP/1.1 200 OK\r\nDate: some day\r\n\r\n', head)
    expect(await peek({ ...to, port: odd })).toEqual({ head, dateMs: null })
  })

  test('T3: is not answered to who is revoked, nor on another path of HTTP', async () => {
    const port = await door({ admit: () => refuse('revoked', 'No.') })
    await expect(ask(port)).rejects.toMatchObject({ code: 'revoked' })
    await expect(ask(await door({ head: () => null }))).rejects.toMatchObject({ code: 'protocol' })
  })

  test('S18: is not put to another key', async () => {
    const pin = follower.fingerprint
    await expect(ask(await door(), { pin })).rejects.toMatchObject({ code: 'pin-mismatch' })
  })

  test('Q3: takes no more than a head, in pieces or whole', async () => {
    const body = `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(3_000)}\r\n\r\n`
    for (const words of [
      [body, head],
      [`HTTP/1.1 200 OK\r\n\r\n`, head, 'x'],
      ['HTTP/1.1 200 OK\r\n\r\n', 'x'],
    ])
      await expect(ask(await says(...words)), String(words)).rejects.toMatchObject({ code: 'protocol' })
    const pieces = [...`HTTP/1.1 200 OK\r\n\r\n`].map((one) => Buffer.from(one))
    expect((await ask(await says(...pieces, head))).equals(head)).toBe(true)
  })

  test('S51: ends in time with a master that is silent, before the handshake and after it', async () => {
    await expect(ask(await serve(() => undefined), { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'timed-out',
    })
    await expect(ask(await says(), { answerMs: 100 })).rejects.toMatchObject({ code: 'timed-out' })
    const hangsUp = await serve(createTlsAcceptor(master, ({ socket }) => void socket.destroy()))
    await expect(ask(hangsUp)).rejects.toMatchObject({ code: 'unreachable' })
  })
})

describe('a connection', () => {
  test('S51: is there, or is not, in time', async () => {
    const timeoutMs = 10_000
    const port = await serve(() => undefined)
    const socket = await dial({ host, port, clock: systemClock, timeoutMs })
    expect(socket.remotePort).toBe(port)
    socket.destroy()
    const gone = createServer().listen(0, host)
    await once(gone, 'listening')
    const { port: dead } = gone.address() as AddressInfo
    gone.close()
    await once(gone, 'close')
    await expect(dial({ host, port: dead, clock: systemClock, timeoutMs })).rejects.toMatchObject({
      code: 'unreachable',
      facts: { host, port: dead },
    })
    await expect(dial({ host: 'x.invalid', port: 1, clock: systemClock, timeoutMs })).rejects.toMatchObject({
      code: 'unreachable',
    })
    const clock = new SimClock()
    const late = expect(dial({ host, port, clock, timeoutMs })).rejects.toMatchObject({ code: 'timed-out' })
    await clock.advance(timeoutMs)
    await late
  })
})
