/**
 * Followers and strangers that ask without end, each kind of asking over real sockets: what they cause is bounded, and
 * another follower is served meanwhile.
 */
import { randomBytes } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../../engine/env/system.ts'
import type { Wire } from '../../../engine/env/wire.ts'
import { signingKey } from '../../../engine/keys/keys.ts'
import { enrolmentsPerAddressHourMax } from '../../../schemas/limits.ts'
import { down, type Up, wireVersion } from '../../../schemas/wire/index.ts'
import { mintIdentity, type NodeIdentity } from '../../../transport/identity/cert.ts'
import { host } from '../../../transport/link/host.ts'
import { peekHead } from '../../../transport/link/peek.ts'
import { hear, say } from '../../../transport/link/talk.ts'
import { SimClock } from '../../sim/clock.ts'
import { FollowerSide, MasterSide } from './pair.ts'
import { type Door, host as loopback, openDoor } from './world.ts'

/** On two busy cores; without a flood it takes some ten milliseconds. */
const soonMs = 5_000

type Scene = { readonly there: MasterSide; readonly door: Door; readonly honest: FollowerSide }
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function makeScene(): Promise<Scene> {
  const clock = new SimClock()
  const there = await MasterSide.make(clock, 1)
  await there.publish({ 'AGENTS.md': 'one', 'skills/a/large': Buffer.alloc(3_000_000, 1) })
  const { master, gate } = there
  const links: Promise<unknown>[] = []
  const stop = new AbortController()
  const alone = <T>(work: () => Promise<T>) => work()
  const context = { master, gate, clock: systemClock, joined: () => undefined, alone }
  const door = await openDoor({
    identity: mintIdentity(master.keys.node),
    isEnrolled: (key) => master.standing(key) === 'enrolled',
    head: (key) => (master.standing(key) === 'enrolled' ? master.head.bytes : null),
    onWire: (wire) => void links.push(host(wire, context, stop.signal).catch(() => undefined)),
  })
  closing.push(async () => {
    stop.abort(new Error('over'))
    await door.listener.close()
    await Promise.all(links)
  })
  const scene = { there, door, honest: await FollowerSide.make(clock, 2) }
  await sync(scene)
  return scene
}

const dial = ({ door, there }: Scene, identity: NodeIdentity): Promise<Wire> =>
  door.connect({ identity, pin: there.master.fingerprint })
const identityOf = (n: number): NodeIdentity => {
  const seed = Buffer.alloc(32, 200)
  seed.writeUInt32BE(n)
  return mintIdentity(signingKey(seed))
}

/** A follower by hand, past its hello. */
async function join(scene: Scene, n: number): Promise<Wire> {
  const wire = await dial(scene, identityOf(n))
  const seal = Buffer.alloc(32, n + 1)
  await say(wire, {
    t: 'hello',
    version: wireVersion,
    name: `flood-${n}`,
    platform: 'linux',
    seal,
    head: null,
    follow: true,
  })
  while ((await hear(wire, down))?.t !== 'hello');
  return wire
}

async function sync(scene: Scene): Promise<void> {
  const { there, honest } = scene
  const wire = await dial(scene, mintIdentity(honest.follower.keys.node))
  expect((await honest.pull(wire, there.master.fingerprint)).code).toBe('done')
}

/** Syncs the honest follower while others do their worst; how long each sync took. */
async function served(scene: Scene): Promise<number[]> {
  const { there, honest } = scene
  const took: number[] = []
  for (let n = 0; n < 3; n++) {
    await there.publish({ 'AGENTS.md': `${n}`, [`rules/${n}`]: 'x'.repeat(100_000) })
    const startMs = performance.now()
    await sync(scene)
    took.push(performance.now() - startMs)
    expect((await honest.files())['AGENTS.md']).toBe(`${n}`)
  }
  return took
}

/** All of them at it, until the honest one has been served three times. */
async function under(
  scene: Scene,
  floods: readonly ((isOver: () => boolean) => Promise<void>)[],
): Promise<void> {
  let over = false
  const before = process.memoryUsage().rss
  const running = floods.map((flood) => flood(() => over).catch(() => undefined))
  const took = await served(scene)
  over = true
  await Promise.all(running)
  expect(Math.max(...took)).toBeLessThan(soonMs)
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024)
}

/** Asks, takes the answer and asks again, on four links at once. */
const asking = (
  scene: Scene,
  n: number,
  ask: () => Up,
  answers: () => (message: { t: string; bytes: number }) => boolean,
) =>
  Array.from({ length: 4 }, () => async (isOver: () => boolean) => {
    const wire = await join(scene, n)
    const taken = { entries: 0, bytes: 0 }
    while (!isOver()) {
      await say(wire, ask())
      const isWhole = answers()
      for (let whole = false; !whole; ) {
        const message = await hear(wire, down)
        if (message === null) return
        if (message.t === 'blob') {
          taken.bytes += message.parts.reduce((sum, part) => sum + part[2].length, 0)
          await say(wire, { t: 'ack', ...taken })
        }
        whole = isWhole({ t: message.t, bytes: taken.bytes })
      }
    }
    wire.close('gone', 'done')
  })

test('Q3: followers that ask for what nobody has, a thousand at a time', async () => {
  const scene = await makeScene()
  let lacking = 0
  const hashes = Array.from({ length: 1024 }, () => randomBytes(32))
  await under(
    scene,
    asking(
      scene,
      1,
      () => ({ t: 'need', hashes }),
      () => {
        let open = hashes.length
        return () => {
          lacking++
          return --open === 0
        }
      },
    ),
  )
  expect(lacking).toBeGreaterThan(1000)
})

test('Q3: followers that ask for the largest file again and again', async () => {
  const scene = await makeScene()
  const large = [...scene.there.master.files.values()].find((file) => file.size === 3_000_000)
  const hashes = Array.from({ length: 1024 }, () => Buffer.from(large?.blob ?? '', 'hex'))
  await under(
    scene,
    asking(
      scene,
      1,
      () => ({ t: 'need', hashes }),
      () => () => false,
    ).map((flood) => (isOver) => Promise.race([flood(isOver), untilOver(isOver)])),
  )
})
const untilOver = async (isOver: () => boolean) => {
  while (!isOver()) await new Promise((resolve) => setTimeout(resolve, 10))
}

test('Q3: followers that begin a link, want everything, and begin another', async () => {
  const scene = await makeScene()
  let begun = 0
  const floods = Array.from({ length: 8 }, (_, n) => async (isOver: () => boolean) => {
    while (!isOver()) {
      const wire = await join(scene, n % 2)
      begun++
      await say(wire, { t: 'want', from: 0 })
      await hear(wire, down)
      wire.close('gone', 'done')
      await wire.closed
    }
  })
  await under(scene, floods)
  expect(begun).toBeGreaterThan(8)
})

test('Q3: followers that want everything at one time share one copy of it', async () => {
  const scene = await makeScene()
  const [one, two] = await Promise.all([scene.there.master.log.base(), scene.there.master.log.base()])
  expect(one.parts).toBe(two.parts)
  await scene.there.publish({ 'AGENTS.md': 'new' })
  expect((await scene.there.master.log.base()).parts).not.toBe(one.parts)
})

test('Q3: followers that acknowledge, ask twice, or say hello again are cut, and come again', async () => {
  const scene = await makeScene()
  const rude: readonly Up[] = [
    { t: 'ack', entries: 0, bytes: 0 },
    { t: 'entries', records: [] },
    { t: 'lack', hashes: [Buffer.alloc(32)] },
    { t: 'blob', parts: [] },
  ]
  const codes = new Set<string>()
  const floods = rude.map((message, n) => async (isOver: () => boolean) => {
    while (!isOver()) {
      const wire = await join(scene, n)
      for (let sent = 0; sent < 1000; sent++)
        if (
          await say(wire, message).then(
            () => false,
            () => true,
          )
        )
          break
      codes.add((await wire.closed).code)
    }
  })
  await under(scene, floods)
  expect(codes).toEqual(new Set(['protocol']))
})

test('Q3: a follower that asks for the newest head without end', async () => {
  const scene = await makeScene()
  const wire = await join(scene, 1)
  let asked = 0
  const floods = Array.from({ length: 8 }, () => async (isOver: () => boolean) => {
    while (!isOver()) {
      await peekHead({
        host: loopback,
        port: scene.door.listener.port,
        pin: scene.there.master.fingerprint,
        identity: identityOf(1),
        clock: systemClock,
        timeoutMs: 10_000,
        answerMs: 10_000,
      })
      asked++
    }
  })
  await under(scene, floods)
  expect(asked).toBeGreaterThan(8)
  wire.close('gone', 'done')
})

test('Q3: strangers that enrol without end: so many of one address, and a follower is served', async () => {
  const scene = await makeScene()
  let tried = 0
  const floods = Array.from({ length: 8 }, () => async (isOver: () => boolean) => {
    while (!isOver()) {
      await join(scene, tried++)
        .then((wire) => wire.close('gone', 'done'))
        .catch(() => undefined)
    }
  })
  await under(scene, floods)
  expect(tried).toBeGreaterThan(enrolmentsPerAddressHourMax)
  expect(scene.there.master.followers().length).toBeLessThanOrEqual(enrolmentsPerAddressHourMax)
})
