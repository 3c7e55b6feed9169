/** A door among enemies: every socket here is real, on loopback. */
import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { expect, test } from 'vitest'
import { refuse } from '../../../schemas/fault.ts'
import {
  controlFramesMax,
  fragmentsMax,
  frameBytesMax,
  handshakeTimeoutMs,
  strangersPerAddressMax,
} from '../../../schemas/limits.ts'
import { SimClock } from '../../sim/clock.ts'
import {
  ask,
  binary,
  closed,
  continuation,
  frame,
  knock,
  ping,
  pong,
  rawLink,
  stillOpen,
  stranger,
  text,
  upgrade,
  withDoor,
} from './siege.ts'
import { host, rulesOf } from './world.ts'

test('S15: a peer that the rules refuse gets one alert and no TLS; ours says so with exit code 4', () =>
  withDoor({ rules: rulesOf([]) }, async (door) => {
    const socket = connectPlain(door.listener.port, host)
    const got: Buffer[] = []
    socket.on('data', (bytes) => got.push(bytes))
    await closed(socket)
    expect(Buffer.concat(got).toString('hex')).toBe('15030100020231')
    await expect(door.connect()).rejects.toMatchObject({ code: 'peer-refused' })
    expect(door.wires).toHaveLength(0)
    expect(door.refused).toEqual(['peer-refused', 'peer-refused'])
  }))

test('S15: a refused peer that never hangs up is cut', async () => {
  const clock = new SimClock()
  await withDoor({ rules: rulesOf([]), clock }, async (door) => {
    const socket = connectPlain({ port: door.listener.port, host, allowHalfOpen: true })
    socket.on('error', () => {})
    await once(socket, 'data')
    expect(door.listener.connections()).toBe(1)
    await clock.advance(1_000)
    socket.resume()
    while (door.listener.connections() > 0) await new Promise((resolve) => setImmediate(resolve))
    socket.destroy()
  })
})

test('T2: with the wrong pin the master sees TLS and nothing of HTTP', async () => {
  const asked: unknown[] = []
  const admit = (key: Uint8Array) => {
    asked.push(key)
    return null
  }
  await withDoor({ admit }, async (door) => {
    await expect(door.connect({ pin: stranger.fingerprint })).rejects.toMatchObject({
      code: 'pin-mismatch',
      facts: { expected: stranger.fingerprint },
    })
    while (door.listener.connections() > 0) await new Promise((resolve) => setImmediate(resolve))
    expect(asked).toHaveLength(0)
    expect(door.wires).toHaveLength(0)
  })
})

test('T3: a revoked node gets an empty 403 whatever it asks; ours says so', () =>
  withDoor(
    { admit: (key) => (Buffer.from(key).equals(stranger.public) ? refuse('revoked', 'Revoked.') : null) },
    async (door) => {
      const { port } = door.listener
      const answers = new Set<string>()
      for (const request of [
        upgrade(),
        upgrade([], '/other'),
        upgrade(['Origin: https://x']),
        'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      ]) {
        const { whole } = await ask(port, request, stranger)
        answers.add(whole.replace(/date: [^\r]*\r\n/i, '').toLowerCase())
        expect(whole).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*\r\n\r\n$/)
      }
      expect(answers.size).toBe(1)
      await expect(door.connect({ identity: stranger })).rejects.toMatchObject({ code: 'revoked' })
      expect(door.wires).toHaveLength(0)
      await stillOpen(door)
    },
  ))

test.each([
  ['another path', upgrade([], '/link/v2'), 404],
  ['a path with a query', upgrade([], '/link/v1?x=1'), 404],
  ['an absolute form', upgrade([], 'https://stemma/link/v1'), 404],
  ['an Origin', upgrade(['Origin: https://example.com']), 403],
  ['a null Origin', upgrade(['Origin: null']), 403],
  ['another method', upgrade([], '/link/v1', 'POST'), 405],
  ['no upgrade', 'GET /link/v1 HTTP/1.1\r\nHost: x\r\n\r\n', 426],
  ['a web page', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 404],
  ['another upgrade', upgrade().replace('websocket', 'h2c'), 400],
  ['another version', upgrade().replace('Version: 13', 'Version: 99'), 400],
  ['a bad key', upgrade().replace('AAAA==', '=='), 400],
  ['too many headers', upgrade(Array.from({ length: 40 }, (_, n) => `X-${n}: 1`)), 431],
  ['a header too long', upgrade([`X: ${'y'.repeat(8000)}`]), 431],
  ['no HTTP', '\x00\x01\x02\x03\r\n\r\n', 400],
])('T12: %s is answered with a status and hung up on', (_name, request, status) =>
  withDoor({}, async (door) => {
    expect(await ask(door.listener.port, request)).toMatchObject({ status })
    expect(door.wires).toHaveLength(0)
    await stillOpen(door)
  }),
)

test('T12: slow-loris: in TCP, in TLS, in HTTP, whoever dawdles is cut in time', async () => {
  const clock = new SimClock()
  await withDoor({ clock }, async (door) => {
    const { port } = door.listener
    const silent = connectPlain(port, host)
    const inTls = connectPlain(port, host)
    inTls.write(Buffer.from([0x16, 0x03, 0x01]))
    const quiet = (await knock(port)).socket
    const inHttp = (await knock(port)).socket
    inHttp.write('GET /link/v1 HTTP/1.1\r\nHo')
    const inBody = (await knock(port)).socket
    inBody.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx')
    const all = [silent, inTls, quiet, inHttp, inBody]
    for (const socket of all) socket.on('error', () => {}).resume()
    while (door.listener.connections() < all.length) await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(handshakeTimeoutMs - 1)
    expect(silent.closed || quiet.closed || inHttp.closed).toBe(false)
    await clock.advance(1)
    await Promise.all(all.map(closed))
  })
})

test('T12: one address gets so many sockets and no more; a socket that goes makes room', () =>
  withDoor({}, async (door) => {
    const sockets = Array.from({ length: strangersPerAddressMax + 5 }, () => {
      const socket = connectPlain(door.listener.port, host)
      socket.on('error', () => {}).resume()
      return socket
    })
    while (sockets.filter((socket) => socket.closed).length < 5)
      await new Promise((resolve) => setTimeout(resolve, 5))
    expect(door.listener.connections()).toBe(strangersPerAddressMax)
    await expect(door.connect()).rejects.toMatchObject({ code: 'unreachable' })
    expect(door.refused.every((code) => code === 'too-many')).toBe(true)
    for (const socket of sockets) socket.destroy()
    while (door.listener.connections() > 0) await new Promise((resolve) => setImmediate(resolve))
    await stillOpen(door)
  }))

const forged: [string, Buffer | Buffer[]][] = [
  ['text', frame(text, Buffer.from('hello'))],
  ['a frame too large', frame(binary, Buffer.alloc(10), { length: frameBytesMax + 1 })],
  ['a frame of 2^60 bytes', frame(binary, Buffer.alloc(10), { length: 2 ** 60 })],
  [
    'fragments of one byte',
    Array.from({ length: fragmentsMax + 1 }, (_, n) =>
      frame(n === 0 ? binary : continuation, Buffer.from('x'), { fin: false }),
    ),
  ],
  [
    'empty fragments',
    Array.from({ length: 1000 }, (_, n) =>
      frame(n === 0 ? binary : continuation, Buffer.alloc(0), { fin: false }),
    ),
  ],
  [
    'fragments that add up',
    Array.from({ length: 6 }, (_, n) =>
      frame(n === 0 ? binary : continuation, Buffer.alloc(frameBytesMax / 4), { fin: false }),
    ),
  ],
  ['a compressed frame', frame(binary, Buffer.alloc(10), { rsv: 4 })],
  ['reserved bits', frame(binary, Buffer.alloc(10), { rsv: 1 })],
  ['an unknown opcode', frame(3, Buffer.alloc(10))],
  ['a continuation of nothing', frame(continuation, Buffer.alloc(10))],
  ['a long ping', frame(ping, Buffer.alloc(126))],
  ['a ping in pieces', frame(ping, Buffer.alloc(3), { fin: false })],
  ['a frame without mask', Buffer.from([0x82, 0x01, 0x00])],
  ['a flood of pings', Array.from({ length: controlFramesMax + 1 }, () => frame(ping, Buffer.alloc(125)))],
  ['a flood of pongs', Array.from({ length: controlFramesMax + 1 }, () => frame(pong, Buffer.alloc(125)))],
]
test.each(forged)('T12: %s ends the wire with the code protocol', (_name, bytes) =>
  withDoor({}, async (door) => {
    const { socket, far } = await rawLink(door)
    const next = far.receive()
    socket.write(Buffer.concat([bytes].flat()))
    expect(await next).toBeNull()
    expect(await far.closed).toMatchObject({ code: 'protocol' })
    await closed(socket)
    await stillOpen(door)
  }),
)

test('T12: a frame in pieces of one byte ends the wire before it fills memory', () =>
  withDoor({}, async (door) => {
    const { socket, far } = await rawLink(door)
    socket.setNoDelay()
    socket.write(frame(binary, Buffer.alloc(0), { length: 100_000 }))
    const over = far.closed.then(() => true)
    // Each write is a TLS record of its own, so each byte arrives as a piece of its own.
    for (let sent = 0; sent < 100_000 && !socket.destroyed; sent++) {
      if (!socket.write(Buffer.from('x'))) await Promise.race([once(socket, 'drain').catch(() => {}), over])
      if (sent % 64 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await far.closed).toMatchObject({ code: 'protocol' })
    socket.destroy()
    await stillOpen(door)
  }))
