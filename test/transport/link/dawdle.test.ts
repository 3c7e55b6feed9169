/** A door among peers that dawdle, stall, or leave. */
import { once } from 'node:events'
import { request } from 'node:https'
import { createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { frameBytesMax, pingEveryMs, queuedBytesMax, stallTimeoutMs } from '../../../schemas/limits.ts'
import { createTlsAcceptor } from '../../../transport/identity/tls.ts'
import { SimClock } from '../../sim/clock.ts'
import { binary, closed, frame, pong, rawLink, stranger, withDoor } from './siege.ts'
import { follower, host, master, openDoor } from './world.ts'

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
