/**
 * Masters that hold the pinned key and let a follower wait: at every step of the way, over real sockets. A watcher is
 * never stuck: each ends with a code after its time, and `stay.ts` begins anew.
 */
import { afterEach, describe, expect, test } from 'vitest'
import { Fault } from '../../../schemas/fault.ts'
import { frameBytesMax, stallTimeoutMs, watchHelloMs, watchPingMs } from '../../../schemas/limits.ts'
import { connectWire } from '../../../transport/link/connect.ts'
import { SimClock } from '../../sim/clock.ts'
import { FollowerSide, makePair, picture, RawMaster, sync } from './pair.ts'
import { binary, falseMaster, frame, ping, pong } from './siege.ts'
import { follower, host, listenOn, master } from './world.ts'

const closing: (() => void | Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

/** What `follower watch` does between dialling and the end of its link; how long that took. */
async function watch(port: number, each: () => void = () => {}): Promise<{ code: string; afterMs: number }> {
  const clock = new SimClock()
  const side = await FollowerSide.make(clock, 7)
  const before = picture(side.disk)
  let end: string | null = null
  const visit = async () => {
    const wire = await connectWire({
      host,
      port,
      pin: master.fingerprint,
      identity: follower,
      clock,
      timeoutMs: watchHelloMs,
      beat: { everyMs: watchPingMs, missedMax: 1 },
    })
    return (await side.follow(wire, master.fingerprint, () => Promise.resolve())).code
  }
  void visit().then(
    (code) => {
      end = code
    },
    (error: unknown) => {
      end = error instanceof Fault ? error.code : String(error)
    },
  )
  let afterMs = 0
  for (; end === null && afterMs < 10 * stallTimeoutMs; afterMs += 1000) {
    each()
    // What is on its way arrives, then a second passes.
    await new Promise((resolve) => setTimeout(resolve, afterMs < 10_000 ? 20 : 2))
    await clock.advance(1000)
  }
  expect(picture(side.disk)).toEqual(before)
  return { code: end ?? 'for ever', afterMs }
}

describe('S22: a watcher gives up on a master', () => {
  test('that accepts and says nothing', async () => {
    const port = await listenOn(closing, (socket) => socket.resume())
    expect(await watch(port)).toEqual({ code: 'timed-out', afterMs: watchHelloMs })
  })

  test('that speaks TLS a byte a second', async () => {
    let more = () => {}
    const port = await listenOn(closing, (socket) => {
      const hello = Buffer.from('160303007a020000760303', 'hex')
      let at = 0
      more = () => void socket.write(hello.subarray(at, ++at))
    })
    expect(await watch(port, () => more())).toEqual({ code: 'timed-out', afterMs: watchHelloMs })
  })

  test('that never answers the request for a link', async () => {
    const port = await falseMaster(
      closing,
      () => undefined,
      () => undefined,
    )
    expect(await watch(port)).toEqual({ code: 'timed-out', afterMs: watchHelloMs })
  })

  test('that answers it a byte a second', async () => {
    let more = () => {}
    const answer = `HTTP/1.1 101 Switching Protocols\r\n${'X: y\r\n'.repeat(100)}`
    let at = 0
    const port = await falseMaster(
      closing,
      () => undefined,
      (socket) => {
        more = () => void socket.write(answer.slice(at, ++at))
      },
    )
    expect(await watch(port, () => more())).toEqual({ code: 'timed-out', afterMs: watchHelloMs })
  })

  test('that answers it and then says nothing', async () => {
    const port = await falseMaster(closing, () => undefined)
    const { code, afterMs } = await watch(port)
    expect(code).toBe('timed-out')
    expect(afterMs).toBeLessThanOrEqual(3 * watchPingMs)
  })

  test('that says a frame without end, a byte a second', async () => {
    let more = () => {}
    const port = await falseMaster(closing, (socket) => {
      socket.write(frame(binary, Buffer.alloc(0), { length: frameBytesMax, masked: false }))
      more = () => void (socket.destroyed || socket.write(Buffer.of(0)))
    })
    const { code, afterMs } = await watch(port, () => more())
    expect(code).toBe('timed-out')
    expect(afterMs).toBeLessThanOrEqual(3 * watchPingMs)
  })

  test('that is there, by every sign, and never says hello', async () => {
    let more = () => {}
    const port = await falseMaster(closing, (socket) => {
      more = () => {
        if (socket.destroyed) return
        for (const opcode of [ping, pong]) socket.write(frame(opcode, Buffer.alloc(0), { masked: false }))
      }
    })
    const { code, afterMs } = await watch(port, () => more())
    expect(code).toBe('timed-out')
    expect(afterMs).toBeLessThanOrEqual(stallTimeoutMs + 1000)
  })
})

describe('S22: a follower gives up on a master whose key and greeting are good', () => {
  const slips: readonly [string, (raw: RawMaster) => Promise<unknown>][] = [
    ['and that sends nothing of what was wanted', (raw) => raw.expect('want')],
    [
      'and that ends in the middle of the entries',
      async (raw) => {
        const { from } = await raw.expect('want')
        await raw.say({ t: 'entries', records: (await raw.records(from)).slice(0, 1) })
        await raw.expect('ack')
      },
    ],
    [
      'and that sends none of the contents',
      async (raw) => {
        const { from } = await raw.expect('want')
        const records = await raw.records(from)
        await raw.say({ t: 'entries', records })
        await raw.say({ t: 'head', head: records.at(-1) ?? Buffer.alloc(0) })
        await raw.expectPast('need')
      },
    ],
  ]
  test.each(slips)('%s', async (_what, play) => {
    const pair = await makePair()
    const { there, here, clock } = pair
    await there.publish({ 'AGENTS.md': 'one' })
    expect(await syncOnce(pair)).toEqual(['done', 'done'])
    await there.publish({ 'AGENTS.md': 'two' })
    const before = here.seq
    const raw = new RawMaster(pair)
    await raw.greet()
    await play(raw)
    await clock.advance(stallTimeoutMs - 1)
    expect(await Promise.race([raw.pulled, 'still here'])).toBe('still here')
    await clock.advance(1)
    expect(await raw.pulled).toMatchObject({ code: 'timed-out' })
    raw.wire.close('gone', 'done')
    expect(here.seq).toBeGreaterThanOrEqual(before)
    await here.reopen()
    expect(await syncOnce(pair)).toEqual(['done', 'done'])
    expect(clock.waiting).toBe(0)
  })
})

async function syncOnce(pair: Parameters<typeof sync>[0]): Promise<string[]> {
  const { host: hosted, pull } = await sync(pair)
  return [hosted.code, pull.code]
}
