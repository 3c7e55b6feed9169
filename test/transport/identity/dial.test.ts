/** S22: a master is found again soon after the network's return: a fresh connect is always on its way. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../engine/env/system-clock.ts'
import { Fault } from '../../../schemas/fault.ts'
import { watchDialMs, watchRedialMs } from '../../../schemas/limits.ts'
import { type DialOptions, dial } from '../../../transport/identity/dial.ts'
import { redial } from '../../../transport/identity/redial.ts'
import { until } from '../../e2e/patience.ts'
import { SimClock } from '../../sim/clock.ts'

const host = '127.0.0.1'
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** Somebody who listens, and says nothing. */
async function listener() {
  const sockets: Socket[] = []
  const server = createServer((socket) => void sockets.push(socket.on('error', () => {}).resume()))
  server.listen(0, host)
  await once(server, 'listening')
  closing.push(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return { port: (server.address() as AddressInfo).port, server }
}

/** A port where nobody listens. */
async function nobody(): Promise<number> {
  const { port } = await listener()
  await closing.pop()?.()
  return port
}

type Try = DialOptions & { readonly beganMs: number }

/** Connects that the test answers: each waits, as in a network that swallows it, until it is answered or ended. */
function swallowing(clock: SimClock, answer: (index: number, to: DialOptions) => Promise<Socket> | null) {
  const tries: Try[] = []
  const open = new Set<number>()
  const connect: typeof dial = (to) => {
    const index = tries.push({ ...to, beganMs: clock.monotonic() }) - 1
    const answered = answer(index, to)
    if (answered) return answered
    open.add(index)
    to.trying?.()
    return new Promise((_resolve, reject) => {
      const end = (why: unknown) => {
        cancel()
        open.delete(index)
        reject(why)
      }
      const cancel = clock.after(to.timeoutMs, () => end(new Fault('timed-out', 'Nobody answers.')))
      to.signal?.addEventListener('abort', () => end(to.signal?.reason))
    })
  }
  return { tries, open, connect }
}

const way = (clock: SimClock, port: number, signal: AbortSignal) => ({
  ...{ host, port, clock, signal },
  ...{ timeoutMs: watchDialMs, everyMs: watchRedialMs },
})
const never = new AbortController().signal

describe('S22: a connection to somebody who is out of reach', () => {
  test('a fresh connect is begun while those before it wait, and the first that is there wins', async () => {
    const { port } = await listener()
    const clock = new SimClock()
    const net = swallowing(clock, (index, to) => (index === 2 ? dial(to) : null))
    const found = redial(way(clock, port, never), net.connect)
    await clock.advance(2 * watchRedialMs - 1)
    expect(net.open).toEqual(new Set([0, 1]))
    await clock.advance(1)
    const socket = await found
    expect(socket.remotePort).toBe(port)
    expect(net.open.size).toBe(0)
    expect(clock.waiting).toBe(0)
    socket.destroy()
  })

  test('the first may be slow: it is not given up when others are begun', async () => {
    const { port } = await listener()
    const clock = new SimClock()
    let answer = () => {}
    const net = swallowing(clock, (index, to) => {
      if (index > 0) return null
      to.trying?.()
      return new Promise((resolve) => {
        answer = () => resolve(dial({ ...to, clock: systemClock }))
      })
    })
    const found = redial(way(clock, port, never), net.connect)
    await clock.advance(watchDialMs - 1)
    expect(net.tries.map(({ beganMs }) => beganMs)).toEqual([0, 1, 2, 3, 4, 5].map((n) => n * watchRedialMs))
    answer()
    const socket = await found
    expect(net.open.size).toBe(0)
    socket.destroy()
  })

  test('two that are there at one moment: one wins, the other is closed', async () => {
    const { port } = await listener()
    const clock = new SimClock()
    const sockets: Socket[] = []
    let answer = () => {}
    const both = new Promise<void>((resolve) => {
      answer = resolve
    })
    const connect: typeof dial = async (to) => {
      to.trying?.()
      const socket = await dial({ host, port, clock: systemClock, timeoutMs: 10_000 })
      sockets.push(socket)
      await both
      return socket
    }
    const found = redial(way(clock, port, never), connect)
    await clock.advance(watchRedialMs)
    while (sockets.length < 2) await new Promise((resolve) => setImmediate(resolve))
    answer()
    const winner = await found
    expect(sockets.map((socket) => socket.destroyed)).toEqual(sockets.map((socket) => socket !== winner))
    winner.destroy()
  })

  test('nobody answers: it ends in time, with all of it', async () => {
    const clock = new SimClock()
    const net = swallowing(clock, () => null)
    const lost = expect(redial(way(clock, 9, never), net.connect)).rejects.toMatchObject({
      code: 'timed-out',
    })
    await clock.advance(watchDialMs - 1)
    expect(net.open.size).toBe(watchDialMs / watchRedialMs)
    await clock.advance(1)
    expect(net.tries).toHaveLength(watchDialMs / watchRedialMs)
    await lost
    expect(net.open.size).toBe(0)
    expect(clock.waiting).toBe(0)
  })

  test('a port that is closed ends it at once', async () => {
    const clock = new SimClock()
    const net = swallowing(clock, (index, to) => (index === 1 ? dial(to) : null))
    const lost = expect(redial(way(clock, await nobody(), never), net.connect)).rejects.toMatchObject({
      code: 'unreachable',
    })
    await clock.advance(watchRedialMs)
    await lost
    expect([net.tries.length, net.open.size, clock.waiting]).toEqual([2, 0, 0])
  })

  test('a name that is not found yet is asked for once', async () => {
    const clock = new SimClock()
    const net = swallowing(clock, () => new Promise(() => {}))
    const stop = new AbortController()
    const lost = expect(redial(way(clock, 9, stop.signal), net.connect)).rejects.toBe('over')
    await clock.advance(watchDialMs)
    expect(net.tries).toHaveLength(1)
    net.tries[0]?.trying?.()
    await clock.advance(watchRedialMs)
    expect(net.tries).toHaveLength(2)
    stop.abort('over')
    await lost
    net.tries[1]?.trying?.()
    expect(clock.waiting).toBe(0)
  })

  test('it ends at once when it is told to, before it or on the way', async () => {
    const clock = new SimClock()
    const net = swallowing(clock, () => null)
    const stop = new AbortController()
    const lost = expect(redial(way(clock, 9, stop.signal), net.connect)).rejects.toBe('elsewhere')
    await clock.advance(watchRedialMs)
    stop.abort('elsewhere')
    await lost
    await expect(redial(way(clock, 9, stop.signal), net.connect)).rejects.toBe('elsewhere')
    expect([net.tries.length, net.open.size, clock.waiting]).toEqual([2, 0, 0])
  })
})

describe('a connect', () => {
  test('S22: ends with its signal, and nothing is left of it', async () => {
    const { port, server } = await listener()
    const clock = new SimClock()
    const stop = new AbortController()
    const to = { host, port, clock, timeoutMs: watchDialMs }
    const trying = () => stop.abort('elsewhere')
    await expect(dial({ ...to, signal: stop.signal, trying })).rejects.toBe('elsewhere')
    await expect(dial({ ...to, signal: stop.signal })).rejects.toBe('elsewhere')
    const socket = await dial({ ...to, signal: never })
    expect(clock.waiting).toBe(0)
    await until('the other is closed', async () => (await open(server)) === 1)
    socket.destroy()
    await until('this one too', async () => (await open(server)) === 0)
  })

  test('S22: tells when its way is tried, by address and by name', async () => {
    const { port } = await listener()
    for (const name of [host, 'localhost']) {
      let tried = 0
      const trying = () => void tried++
      const socket = await dial({ host: name, port, clock: systemClock, timeoutMs: 10_000, trying })
      expect(tried).toBe(1)
      socket.destroy()
    }
  })
})

const open = (server: ReturnType<typeof createServer>): Promise<number> =>
  new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )
