/** A door in a crowd: thousands of sockets from many addresses, and an honest follower among them. All are real. */
import { connect as connectPlain, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { signingKey } from '../../../engine/keys/keys.ts'
import {
  handshakeTimeoutMs,
  helloTimeoutMs,
  membersPerNodeMax,
  strangersMax,
  strangersPerAddressMax,
} from '../../../schemas/limits.ts'
import { mintIdentity } from '../../../transport/identity/cert.ts'
import { host } from '../../../transport/link/host.ts'
import { SimClock } from '../../sim/clock.ts'
import { endOf, MasterSide } from './pair.ts'
import { closed, knock, stillOpen, upgrade, withDoor } from './siege.ts'
import { type Door, follower, host as loopback } from './world.ts'

/** Other systems have 127.0.0.1 alone: there no crowd can be made on one machine. */
const hasAddresses = process.platform === 'linux'
if (!hasAddresses) console.warn('crowd: this system has one loopback address, a crowd needs many')

const isFollower = (key: Uint8Array) => Buffer.from(key).equals(follower.public)
/** The n-th address of a crowd, 8 sockets to each. */
const from = (n: number): string => `127.${1 + (n >> 11)}.${(n >> 3) & 255}.2`

/** One of a crowd, however far it gets. */
function come(door: Door, n: number): Socket {
  const socket = connectPlain({ port: door.listener.port, host: loopback, localAddress: from(n) })
  return socket.on('error', () => {}).resume()
}
/** Until the door has seen them all: those that it keeps, and those that it sent away. */
async function met(door: Door, sockets: readonly Socket[], kept: number): Promise<void> {
  while (sockets.filter((socket) => socket.closed).length < sockets.length - kept)
    await new Promise((resolve) => setTimeout(resolve, 5))
  expect(door.listener.connections()).toBeLessThanOrEqual(strangersMax + 1)
}

test.skipIf(!hasAddresses)(
  'T12: 2,000 sockets that never say anything: a follower comes in all the same',
  () =>
    withDoor({ isEnrolled: isFollower, clock: new SimClock() }, async (door) => {
      const crowd: Socket[] = []
      for (let wave = 0; wave < 4; wave++) {
        crowd.push(...Array.from({ length: 500 }, (_, n) => come(door, wave * 500 + n)))
        await met(door, crowd, strangersMax)
        await stillOpen(door)
      }
      expect(new Set(door.refused)).toEqual(new Set(['too-many']))
      for (const socket of crowd) socket.destroy()
    }),
)

test.skipIf(!hasAddresses)(
  'T12: a link that stands is not touched by a crowd that is cut in its time',
  async () => {
    const clock = new SimClock()
    await withDoor({ isEnrolled: isFollower, clock }, async (door) => {
      const coming = door.next()
      const [near, far] = [await door.connect(), await coming]
      const crowd = Array.from({ length: 1000 }, (_, n) => {
        const socket = come(door, n)
        // A third stops within TLS, a third says plain HTTP, a third says nothing.
        if (n % 3 === 1) socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02]))
        if (n % 3 === 2) socket.write('GET / HTTP/1.1\r\n')
        return socket
      })
      await met(door, crowd, strangersMax)
      await far.send(Buffer.from('still here'))
      expect(await near.receive()).toHaveLength(10)
      await clock.advance(handshakeTimeoutMs)
      await Promise.all(crowd.map(closed))
      expect(door.listener.connections()).toBe(1)
    })
  },
)

test.skipIf(!hasAddresses)(
  'T12: strangers that never ask for the upgrade, or never say hello, are no followers',
  async () => {
    const clock = new SimClock()
    const there = await MasterSide.make(clock, 1)
    const ends: Promise<{ code: string }>[] = []
    const { master, gate } = there
    const onWire = (wire: Parameters<typeof host>[0]) => {
      if (isFollower(wire.peerKey)) return
      const alone = <T>(work: () => Promise<T>) => work()
      const talk = { master, gate, clock, joined: () => undefined, alone }
      ends.push(endOf(host(wire, talk, new AbortController().signal)))
    }
    await withDoor({ isEnrolled: isFollower, clock, onWire }, async (door) => {
      const strangers: Socket[] = []
      for (let n = 0; n < strangersPerAddressMax; n++) {
        const { socket } = await knock(
          door.listener.port,
          mintIdentity(signingKey(Buffer.alloc(32, 100 + n))),
        )
        if (n % 2 === 0) socket.write(upgrade())
        strangers.push(socket)
      }
      while (ends.length < strangers.length / 2) await new Promise((resolve) => setImmediate(resolve))
      const late = connectPlain(door.listener.port, loopback).on('error', () => {})
      await closed(late.resume())
      await clock.advance(Math.max(handshakeTimeoutMs, helloTimeoutMs))
      expect(new Set((await Promise.all(ends)).map(({ code }) => code))).toEqual(new Set(['timed-out']))
      for (const socket of strangers) socket.end()
      await Promise.all(strangers.map(closed))
      const near = await door.connect()
      near.close('gone', 'done')
      await near.closed
    })
  },
)

test('T12: one follower has so many links; a new one ends the oldest, and no other', () =>
  withDoor({ isEnrolled: () => true }, async (door) => {
    const other = mintIdentity(signingKey(Buffer.alloc(32, 90)))
    const links = [await door.connect({ identity: other })]
    for (let n = 0; n < membersPerNodeMax + 1; n++) links.push(await door.connect())
    const [strange, oldest, second] = links
    expect(await oldest?.closed).toMatchObject({ code: 'too-many' })
    expect(door.refused).toEqual(['too-many'])
    expect(door.listener.connections()).toBeGreaterThan(membersPerNodeMax)
    for (const link of [strange, second]) await link?.send(Buffer.from('here'))
    for (const link of links) link.close('gone', 'done')
  }))

test('T12: more followers than strangers may come from one address', () =>
  withDoor({ isEnrolled: () => true }, async (door) => {
    const links = []
    for (let n = 0; n < 2 * strangersPerAddressMax; n++)
      links.push(await door.connect({ identity: mintIdentity(signingKey(Buffer.alloc(32, 100 + n))) }))
    expect(door.listener.connections()).toBe(links.length)
    expect(door.refused).toEqual([])
    for (const link of links) link.close('gone', 'done')
  }))
