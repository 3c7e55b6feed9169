/** A door among enemies: every socket here is real, on loopback. */
import { once } from 'node:events'
import { request } from 'node:https'
import { connect as connectPlain, createServer, type Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import type { Wire } from '../../../engine/env/wire.ts'
import { signingKey } from '../../../engine/keys/keys.ts'
import { refuse } from '../../../schemas/fault.ts'
import {
  controlFramesMax,
  fragmentsMax,
  frameBytesMax,
  handshakeTimeoutMs,
  pingEveryMs,
  queuedBytesMax,
  socketsPerAddressMax,
  stallTimeoutMs,
} from '../../../schemas/limits.ts'
import { mintIdentity } from '../../../transport/identity/cert.ts'
import { createTlsAcceptor } from '../../../transport/identity/tls.ts'
import { SimClock } from '../../sim/clock.ts'
import { type Door, follower, host, master, openDoor, rulesOf } from './world.ts'

const stranger = mintIdentity(signingKey(Buffer.alloc(32, 3)))
const closed = (socket: Socket) =>
  socket.closed ? Promise.resolve() : new Promise<void>((resolve) => socket.once('close', () => resolve()))

/** Opens a door, runs, and shows that afterwards the door still works and nothing is left open. */
async function withDoor(
  more: Parameters<typeof openDoor>[0],
  run: (door: Door) => Promise<void>,
): Promise<void> {
  const door = await openDoor(more)
  try {
    await run(door)
  } finally {
    await door.listener.close()
  }
  expect(door.listener.connections()).toBe(0)
}
const stillOpen = async (door: Door) => {
  const coming = door.next()
  const [near, far] = [await door.connect(), await coming]
  await near.send(Buffer.from('hello'))
  expect(Buffer.from((await far.receive()) ?? '').toString()).toBe('hello')
  near.close('gone', 'done')
  await Promise.all([near.closed, far.closed])
}

/** TLS as a follower, and from there whatever a test writes. `heard` is all that came back. */
async function knock(port: number, identity = follower) {
  const socket = connect({
    host,
    port,
    key: identity.keyPem,
    cert: identity.certPem,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
  })
  const heard: Buffer[] = []
  socket.on('error', () => {})
  socket.on('data', (bytes: Buffer) => heard.push(bytes))
  await new Promise((resolve) => socket.once('secureConnect', resolve))
  return { socket, heard: () => Buffer.concat(heard) }
}
const upgrade = (lines: readonly string[] = [], path = '/link/v1', method = 'GET') =>
  [
    `${method} ${path} HTTP/1.1`,
    'Host: stemma',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ...lines,
    '',
    '',
  ].join('\r\n')
/** The first line of the answer to a request, and all of it, once the server has hung up. */
async function ask(
  port: number,
  text: string,
  identity = follower,
): Promise<{ status: number; whole: string }> {
  const { socket, heard } = await knock(port, identity)
  socket.write(text)
  await closed(socket)
  const whole = heard().toString('latin1')
  return { status: Number(whole.split(' ')[1] ?? 0), whole }
}
/** An upgraded socket on which a test writes WebSocket frames by hand, and the master's end of it. */
async function rawLink(door: Door): Promise<{ socket: TLSSocket; far: Wire; heard: () => Buffer }> {
  const coming = door.next()
  const { socket, heard } = await knock(door.listener.port)
  socket.write(upgrade())
  return { socket, far: await coming, heard: () => heard().subarray(heard().indexOf('\r\n\r\n') + 4) }
}
/** A client's frame, masked with zeros. */
function frame(
  opcode: number,
  payload: Uint8Array,
  { fin = true, rsv = 0, length = payload.length } = {},
): Buffer {
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  const mask = Buffer.alloc(4)
  if (length < 126) return Buffer.concat([Buffer.from([first, 0x80 | length]), mask, payload])
  const head = Buffer.alloc(10)
  head.set([first, 0x80 | 127])
  head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([head, mask, payload])
}
const [continuation, text, binary, ping, pong] = [0, 1, 2, 9, 10]

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
    const sockets = Array.from({ length: socketsPerAddressMax + 5 }, () => {
      const socket = connectPlain(door.listener.port, host)
      socket.on('error', () => {}).resume()
      return socket
    })
    while (sockets.filter((socket) => socket.closed).length < 5)
      await new Promise((resolve) => setTimeout(resolve, 5))
    expect(door.listener.connections()).toBe(socketsPerAddressMax)
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

test('T13: frames that nobody reads stop the socket, not the process', () =>
  withDoor({}, async (door) => {
    const { socket, far } = await rawLink(door)
    const payload = Buffer.alloc(16 * 1024)
    let written = 0
    while (written < 64 * 1024 * 1024) {
      if (socket.write(frame(binary, payload))) {
        written += payload.length
        continue
      }
      written += payload.length
      const drained = await Promise.race([
        once(socket, 'drain').then(() => true),
        new Promise((resolve) => setTimeout(resolve, 300, false)),
      ])
      if (!drained) break
    }
    // What the two systems' socket buffers hold, and our queue.
    expect(written).toBeLessThan(queuedBytesMax + 20 * 1024 * 1024)
    for (let read = 0; read < written; read += payload.length)
      expect(await far.receive()).toHaveLength(payload.length)
    socket.destroy()
    expect(await far.closed).toMatchObject({ code: 'gone' })
  }))

test('T13: a reader that takes nothing is dropped, and what waits for it stays bounded', async () => {
  const clock = new SimClock()
  await withDoor({ clock }, async (door) => {
    const { socket, far } = await rawLink(door)
    socket.pause()
    const sending = (async () => {
      for (;;) await far.send(Buffer.alloc(frameBytesMax / 4))
    })()
    const failed = expect(sending).rejects.toMatchObject({ code: 'timed-out' })
    // It goes on talking, so that only its not reading can give it away.
    for (let ms = 0; ms <= stallTimeoutMs + pingEveryMs; ms += pingEveryMs) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      if (!socket.destroyed) socket.write(frame(pong, Buffer.alloc(0)))
      await new Promise((resolve) => setTimeout(resolve, 50))
      await clock.advance(pingEveryMs)
    }
    await failed
    expect(await far.closed).toMatchObject({ code: 'timed-out' })
    socket.destroy()
  })
})

test('T13: a peer that answers no ping is dropped after two', async () => {
  const clock = new SimClock()
  await withDoor({ clock }, async (door) => {
    const { socket, far, heard } = await rawLink(door)
    for (let beat = 1; beat <= 3; beat++) {
      await clock.advance(pingEveryMs)
      if (beat < 3) while (heard().length < 2 * beat) await once(socket, 'data')
    }
    expect(heard().toString('hex')).toBe('89008900')
    expect(await far.closed).toMatchObject({ code: 'timed-out', why: 'The other side has fallen silent.' })
    await closed(socket)
  })
})

test('T13: two ends that have nothing to say keep their wire', async () => {
  const clock = new SimClock()
  await withDoor({ clock }, async (door) => {
    const coming = door.next()
    const [near, far] = [await door.connect({ clock }), await coming]
    for (let beat = 0; beat < 12; beat++) {
      await clock.advance(pingEveryMs)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await near.send(Buffer.from('still here'))
    expect(await far.receive()).toHaveLength(10)
  })
})

test('Q4: a revoked follower is cut at once, with what waited to be sent to it', () =>
  withDoor({}, async (door) => {
    const { socket, far } = await rawLink(door)
    socket.pause()
    const sending = (async () => {
      for (;;) await far.send(Buffer.alloc(frameBytesMax / 4))
    })()
    const failed = expect(sending).rejects.toMatchObject({ code: 'revoked' })
    await new Promise((resolve) => setTimeout(resolve, 100))
    const coming = door.next()
    const idle = await door.connect()
    await coming
    expect(door.listener.cut(stranger.public)).toBe(0)
    expect(door.listener.cut(follower.public)).toBe(2)
    await failed
    expect(await far.closed).toMatchObject({ code: 'revoked' })
    expect(await idle.closed).toEqual({ code: 'revoked', why: 'The master revoked this machine.' })
    socket.destroy()
  }))

test('T12: frames and then a broken connection: what came whole is read', () =>
  withDoor({}, async (door) => {
    const { socket, far } = await rawLink(door)
    socket.write(
      Buffer.concat([frame(binary, Buffer.from('one')), frame(binary, Buffer.from('tw'), { length: 3 })]),
    )
    expect(Buffer.from((await far.receive()) ?? '').toString()).toBe('one')
    socket.destroy()
    expect(await far.receive()).toBeNull()
    expect(await far.closed).toMatchObject({ code: 'gone' })
  }))

test('S17: a browser that trusts every certificate still gets nothing without a node key', () =>
  withDoor({}, async (door) => {
    const { port } = door.listener
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
      request({ host, port, rejectUnauthorized: false, path: '/link/v1' }, () =>
        expect.unreachable('it must not be answered'),
      )
        .on('error', resolve)
        .end()
    })
    expect(error.code).toBe('ECONNRESET')
    expect(door.wires).toHaveLength(0)
  }))

test('S22: masters that answer nonsense: a code, and nothing left open', async () => {
  const door = await openDoor()
  for (const [answer, code] of [
    ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno', 'protocol'],
    ['HTTP/1.1 302 Found\r\nLocation: https://example.com/\r\nContent-Length: 0\r\n\r\n', 'protocol'],
    ['HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n', 'unreachable'],
    ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n', 'unreachable'],
    [`HTTP/1.1 200 ${'x'.repeat(20_000)}`, 'unreachable'],
    ['\x00\x00\x00\x00', 'unreachable'],
    ['', 'timed-out'],
  ] as const) {
    const sockets: Socket[] = []
    const accept = createTlsAcceptor(master, ({ socket }) => socket.resume().write(answer))
    const server = createServer((socket) => {
      sockets.push(socket)
      accept(socket)
    })
    server.listen(0, host)
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    const attempt = door.connect({ port: address.port, timeoutMs: code === 'timed-out' ? 200 : 5000 })
    await expect(attempt).rejects.toMatchObject({ code })
    await Promise.all(sockets.map(closed))
    server.close()
  }
  await door.listener.close()
})
