/** Who has to go for whom, when more come than there is room for. */
import { expect, test } from 'vitest'
import { isRefusal } from '../../../schemas/fault.ts'
import {
  membersMax,
  membersPerAddressMax,
  membersPerNodeMax,
  strangerIdleMs,
  strangersMax,
  strangersPerAddressMax,
} from '../../../schemas/limits.ts'
import { sourceOf } from '../../../transport/identity/peer.ts'
import { type Place, Room } from '../../../transport/link/room.ts'
import { SimClock } from '../../sim/clock.ts'
import { Random } from '../../sim/random.ts'

const nodeOf = (n: number): Buffer => Buffer.alloc(32, n % 251).fill(n >> 8, 30)

/** A room, who is enrolled, and who was sent away. */
function makeRoom() {
  const enrolled = new Set<string>()
  const gone: string[] = []
  const clock = new SimClock()
  const room = new Room(
    (node) => enrolled.has(Buffer.from(node).toString('hex')),
    () => clock.monotonic(),
  )
  const enter = (source: string, name = source): Place | null => {
    const place = room.enter(source, () => gone.push(name))
    return isRefusal(place) ? null : place
  }
  const come = (source: string, name = source): Place => {
    const place = enter(source, name)
    if (!place) throw new Error(`${name} was refused`)
    return place
  }
  const enrol = (node: Uint8Array) => enrolled.add(Buffer.from(node).toString('hex'))
  return { clock, room, gone, enrol, enter, come }
}

test('T12: a crowd makes room for whoever comes alone, oldest first', () => {
  const { come, enter, gone, room } = makeRoom()
  const quiet = come('quiet')
  const crowds = strangersMax / strangersPerAddressMax
  for (let n = 0; n < strangersMax - 1; n++) come(`crowd ${n % crowds}`, `${n}`)
  expect([gone, room.size]).toEqual([[], strangersMax])
  come('another')
  come('a third')
  expect(gone).toEqual(['0', '1'])
  for (let n = 0; n < 2000; n++) enter(`crowd ${n % crowds}`, 'more')
  expect(gone).not.toContain('quiet')
  expect(gone).not.toContain('another')
  room.left(quiet)
  expect(room.size).toBe(strangersMax - 1)
})

test('T12: when each comes alone the one that has been longest goes', () => {
  const { come, gone } = makeRoom()
  for (let n = 0; n < strangersMax + 3; n++) come(`${n}`)
  expect(gone).toEqual(['0', '1', '2'])
})

test('T12: no flood of strangers takes the place of a follower', () => {
  const { come, enter, enrol, gone, room } = makeRoom()
  const places: Place[] = []
  for (let n = 0; n < 200; n++) {
    enrol(nodeOf(n))
    const place = come(`10.0.${n}`, `member ${n}`)
    expect(room.settle(place, nodeOf(n))).toBeNull()
    places.push(place)
  }
  for (let n = 0; n < 1000; n++) enter(`${n}`, 'stranger')
  expect(room.size).toBe(200 + strangersMax)
  expect(gone.filter((name) => name.startsWith('member'))).toEqual([])
})

test('T12: links that are not known yet count as strangers, and no longer once they are enrolled', () => {
  const { come, enter, enrol, room } = makeRoom()
  for (let n = 0; n < strangersPerAddressMax; n++)
    expect(room.settle(come('router', `${n}`), nodeOf(n))).toBeNull()
  expect(enter('router')).toBeNull()
  for (let n = 0; n < strangersPerAddressMax; n++) enrol(nodeOf(n))
  expect(enter('router')).not.toBeNull()
  expect(room.size).toBe(strangersPerAddressMax + 1)
})

test('S22: so many followers share an address, and so many links a master', () => {
  const { come, enrol, room } = makeRoom()
  for (let n = 0; n <= membersMax; n++) enrol(nodeOf(n))
  const crowded = Array.from({ length: membersPerAddressMax + 1 }, (_, n) =>
    room.settle(come('router', `${n}`), nodeOf(n)),
  )
  expect(crowded.filter((refusal) => refusal !== null)).toHaveLength(1)
  for (let n = membersPerAddressMax; n < membersMax; n++)
    expect(room.settle(come(`10.${n}`), nodeOf(n))).toBeNull()
  expect(room.settle(come('late'), nodeOf(membersMax))).toMatchObject({ refused: 'too-many' })
})

test('T12: one node has so many links, and the newest of them', () => {
  const { come, enrol, gone, room } = makeRoom()
  enrol(nodeOf(1))
  enrol(nodeOf(2))
  room.settle(come('other'), nodeOf(2))
  for (let n = 0; n < membersPerNodeMax + 2; n++) room.settle(come(`${n}`, `link ${n}`), nodeOf(1))
  expect(gone).toContain('link 0')
  expect(gone).not.toContain(`link ${membersPerNodeMax + 1}`)
  expect(gone).not.toContain('other')
})

test('T12: whatever comes and goes, the counts are those of who is there', () => {
  const seed = 20260911
  const random = new Random(seed)
  const { enrol, enter, room } = makeRoom()
  const here = new Set<Place>()
  for (let n = 0; n < 5000; n++) {
    const what = random.below(10)
    const [some] = [...here].slice(random.below(Math.max(1, here.size)))
    if (what < 6) {
      const place = room.enter(`${random.below(40)}`, () => undefined)
      if (!isRefusal(place)) here.add(place)
    } else if (what < 8 && some) {
      room.left(some)
      here.delete(some)
    } else if (what === 8 && some && some.node === null) room.settle(some, nodeOf(random.below(90)))
    else if (random.chance(0.1)) enrol(nodeOf(random.below(90)))
  }
  for (const place of here) room.left(place)
  expect(room.size, `seed ${seed}`).toBe(0)
  for (let n = 0; n < strangersMax; n++) expect(enter(`${n}`), `seed ${seed}`).not.toBeNull()
})

test.each([
  ['192.168.1.7', '192.168.1.7'],
  ['fd7a:115c:a1e0::1', 'fd7a:115c:a1e0::1'],
  ['fd00:1:2:3::1', 'fd00000100020003::/64'],
  ['fd00:1:2:3:ffff::9', 'fd00000100020003::/64'],
  ['fd00:1:2:4::1', 'fd00000100020004::/64'],
  ['nonsense', 'nonsense'],
])('T12: %s is counted as %s', (address, source) => expect(sourceOf(address)).toBe(source))

test('T12: one address full of sockets that say nothing keeps nobody out for long', async () => {
  const { clock, come, enter, gone, room } = makeRoom()
  for (let n = 0; n < strangersPerAddressMax; n++) come('office', `idle ${n}`)
  // Many that come at one moment are many hooks: those that are there are served.
  expect([enter('office'), gone]).toEqual([null, []])
  await clock.advance(strangerIdleMs)
  come('office', 'hook')
  expect([gone, room.size]).toEqual([['idle 0'], strangersPerAddressMax])
})

test('T12: a link that waits for approval does not go for who comes from the same address', async () => {
  const { clock, come, enter, gone, room } = makeRoom()
  for (let n = 0; n < strangersPerAddressMax; n++)
    expect(room.settle(come('office', `waits ${n}`), nodeOf(n))).toBeNull()
  await clock.advance(10 * strangerIdleMs)
  expect([enter('office'), gone]).toEqual([null, []])
})
