/** A door among enemies: every socket here is real, on loopback. */
import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { expect, test } from 'vitest'
import { systemClock } from '../../../engine/env/system.ts'
import { refuse } from '../../../schemas/fault.ts'
import { handshakeTimeoutMs, strangersPerAddressMax } from '../../../schemas/limits.ts'
import { connectWire } from '../../../transport/link/connect.ts'
import { SimClock } from '../../sim/clock.ts'
import { forged } from './forged.ts'
import {
  ask,
  binary,
  closed,
  falseMaster,
  frame,
  knock,
  rawLink,
  stillOpen,
  stranger,
  upgrade,
  withDoor,
} from './siege.ts'
import { follower, host, master, rulesOf } from './world.ts'

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
  ['a request to a proxy', 'CONNECT stemma:443 HTTP/1.1\r\nHost: x\r\n\r\n', 0],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['two lengths', 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
  [
    'a length and pieces',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    400,
  ],
  ['no HTTP', '\x00\x01\x02\x03\r\n\r\n', 400],
])('T12: %s is answered with a status and hung up on', (_name, request, status) =>
  withDoor({}, async (door) => {
    expect(await ask(door.listener.port, request)).toMatchObject({ status })
    expect(door.wires).toHaveLength(0)
    await stillOpen(door)
  }),
)

test('T12: of many requests at once the first is answered, and a link never stands behind one of them', async () => {
  let asked = 0
  const admit = () => {
    asked++
    return null
  }
  await withDoor({ admit }, async (door) => {
    const get = 'GET /link/v1 HTTP/1.1\r\nHost: x\r\n\r\n'
    const { whole } = await ask(door.listener.port, get.repeat(1000))
    expect(whole.match(/HTTP\/1\.1 (?!503)/g)).toHaveLength(1)
    expect(asked).toBe(1)
    const behind = await ask(door.listener.port, get + upgrade())
    expect(behind.status).toBe(426)
    await Promise.all(door.wires.map((wire) => wire.closed))
    await stillOpen(door)
  })
})

test.each([
  ['a web page without TLS', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
  ['a link without TLS', Buffer.from(upgrade())],
  [
    'the hello of SSL 2',
    Buffer.concat([
      Buffer.from('802e0100020015000000100100800200800300800400800500800600400700c0', 'hex'),
      Buffer.alloc(64),
    ]),
  ],
  ['a record of 2^16 bytes', Buffer.concat([Buffer.from('160301ffff', 'hex'), Buffer.alloc(70_000)])],
  [
    'a ClientHello of 2^24 bytes',
    Buffer.concat([Buffer.from('160301400001ffffff', 'hex'), Buffer.alloc(20_000)]),
  ],
  ['an alert', Buffer.from('15030100020100', 'hex')],
  ['nothing but zeros', Buffer.alloc(100_000)],
])('S18: %s at the port is hung up on', (_name, bytes) =>
  withDoor({}, async (door) => {
    const socket = connectPlain(door.listener.port, host)
    const heard: Buffer[] = []
    socket.on('error', () => {}).on('data', (piece) => heard.push(piece))
    socket.write(bytes)
    await closed(socket)
    // An alert at most: nothing of HTTP, and no certificate.
    expect(Buffer.concat(heard).length).toBeLessThanOrEqual(7)
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

test.each(forged('follower'))('T12: %s ends the wire with the code protocol', (name, bytes) =>
  withDoor({}, async (door) => {
    const { socket, far } = await rawLink(door)
    const next = far.receive()
    socket.write(bytes)
    expect(await next).toBeNull()
    // One that never answers the close is cut in its time; the others need not be waited for.
    if (name !== 'text') socket.destroy()
    expect(await far.closed).toMatchObject({ code: 'protocol' })
    await closed(socket)
    await stillOpen(door)
  }),
)

test.each(forged('master'))(
  'T12: %s from a master ends the wire with the code protocol',
  async (_name, bytes) => {
    const closing: (() => void | Promise<void>)[] = []
    const port = await falseMaster(closing, (socket) => {
      socket.write(bytes)
      socket.once('data', () => socket.destroy())
    })
    const near = await connectWire({
      host,
      port,
      pin: master.fingerprint,
      identity: follower,
      clock: systemClock,
      timeoutMs: 10_000,
    })
    expect(await near.receive()).toBeNull()
    expect(await near.closed).toMatchObject({ code: 'protocol' })
    await Promise.all(closing.map((close) => close()))
  },
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
