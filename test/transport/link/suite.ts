/** What every Wire does, real or simulated. */
import { expect, test } from 'vitest'
import type { Wire } from '../../../engine/env/wire.ts'
import { Fault } from '../../../schemas/fault.ts'
import { creditBytes, frameBytesMax } from '../../../schemas/limits.ts'

export type Pair = { readonly left: Wire; readonly right: Wire; readonly done: () => Promise<void> }

export function wireSuite(name: string, open: () => Promise<Pair>): void {
  const wire = (title: string, run: (pair: Pair) => Promise<void>) =>
    test(`${name}: ${title}`, async () => {
      const pair = await open()
      try {
        await run(pair)
      } finally {
        await pair.done()
      }
    })
  const frame = (length: number, fill = length) => Buffer.alloc(length, fill)
  const same = (got: Uint8Array | null, expected: Uint8Array) =>
    expect(got !== null && Buffer.from(got).equals(expected)).toBe(true)

  wire('S22: frames of every size arrive whole and in order, both ways', async ({ left, right }) => {
    for (const length of [0, 1, 125, 126, 65_535, 65_536, 262_144, frameBytesMax]) {
      const [there, back] = [left.receive(), right.receive()]
      await Promise.all([left.send(frame(length, 7)), right.send(frame(length, 9))])
      same(await there, frame(length, 9))
      same(await back, frame(length, 7))
    }
    for (let n = 0; n < 200; n++) await left.send(frame(3, n))
    for (let n = 0; n < 200; n++) same(await right.receive(), frame(3, n))
  })

  wire('S18: both ends share one exporter', async ({ left, right }) => {
    expect(left.exporter).toHaveLength(32)
    expect(Buffer.from(left.exporter).equals(right.exporter)).toBe(true)
    expect(left.peerKey).toHaveLength(32)
    expect(Buffer.from(left.peerKey).equals(right.peerKey)).toBe(false)
  })

  wire(
    'S22: a close carries its code and reason; what came before it is still read',
    async ({ left, right }) => {
      await left.send(frame(10))
      await left.send(frame(20))
      left.close('revoked', 'The master revoked this machine.')
      expect(await right.closed).toEqual({ code: 'revoked', why: 'The master revoked this machine.' })
      expect(await left.closed).toEqual({ code: 'revoked', why: 'The master revoked this machine.' })
      same(await right.receive(), frame(10))
      same(await right.receive(), frame(20))
      expect(await right.receive()).toBeNull()
      expect(await right.receive()).toBeNull()
      await expect(right.send(frame(1))).rejects.toMatchObject({ code: 'revoked' })
    },
  )

  wire('S22: after an own close nothing is read and nothing is sent', async ({ left, right }) => {
    await right.send(frame(5))
    const waiting = left.receive()
    same(await waiting, frame(5))
    const next = left.receive()
    left.close('gone', 'done')
    expect(await next).toBeNull()
    expect(await left.receive()).toBeNull()
    await expect(left.send(frame(1))).rejects.toBeInstanceOf(Fault)
    await expect(left.send(frame(1))).rejects.toMatchObject({ code: 'unreachable' })
    expect(await right.closed).toEqual({ code: 'gone', why: 'done' })
    left.close('fork', 'too late')
    expect(await left.closed).toEqual({ code: 'gone', why: 'done' })
  })

  wire(
    'S22: a reason too long for a close frame is cut, and nothing in it moves a cursor',
    async ({ left, right }) => {
      left.close('protocol', `\u001b[2J\u202e${'é'.repeat(200)}`)
      const { code, why } = await right.closed
      expect(code).toBe('protocol')
      expect(why).toMatch(/^\?\[2J\?é{40,60}$/)
    },
  )

  wire('S51: an aborted receive gives its reason and loses no frame', async ({ left, right }) => {
    const abort = new AbortController()
    const reason = new Error('enough')
    const waiting = right.receive(abort.signal)
    abort.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await expect(right.receive(abort.signal)).rejects.toBe(reason)
    await left.send(frame(30))
    same(await right.receive(), frame(30))
  })

  wire('T13: a reader that does not read holds back the sender', async ({ left, right }) => {
    const total = 48
    let sent = 0
    const sending = (async () => {
      for (let n = 0; n < total; n++) {
        await left.send(frame(frameBytesMax / 2, n))
        sent++
      }
    })()
    let before = -1
    while (before !== sent) {
      before = sent
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    // The system's own socket buffers take a few MiB more on a real line.
    expect(sent).toBeLessThan((creditBytes + 16 * 1024 * 1024) / (frameBytesMax / 2))
    for (let n = 0; n < total; n++) same(await right.receive(), frame(frameBytesMax / 2, n))
    await sending
    expect(sent).toBe(total)
  })

  wire('T13: a sender that is held back learns of the close', async ({ left, right }) => {
    const sending = (async () => {
      for (;;) await left.send(frame(frameBytesMax))
    })()
    const failed = expect(sending).rejects.toMatchObject({ code: 'revoked' })
    left.close('revoked', 'now')
    await failed
    right.close('gone', 'done')
  })

  wire('S22: two readers at once, and a frame beyond the bound, are bugs', async ({ left }) => {
    const first = left.receive()
    await expect(left.receive()).rejects.toThrow(/^bug/)
    await expect(left.send(frame(frameBytesMax + 1))).rejects.toThrow(/^bug/)
    left.close('gone', 'done')
    expect(await first).toBeNull()
  })
}
