/**
 * T1: whole sessions with one thing wrong. Whatever is altered, left out, repeated or moved, the follower ends with
 * what the master signed or with what it had; nothing half done stays; an honest sync mends it.
 * A slice runs in the normal suite; `npm run test:fuzz` alters every byte.
 */
import { describe, expect, test } from 'vitest'
import { Random } from '../sim/random.ts'
import { type Direction, type Meddle, meddled, play, type Scene, sceneOf } from '../transport/link/meddle.ts'
import { halfDone, makePair, type Pair, picture, sync } from '../transport/link/pair.ts'
import { cases } from './mutate.ts'

const done = { code: 'done', why: '' }

/** Sessions of every kind: a base, entries, a recall. */
const scenes: Readonly<Record<string, () => Promise<Scene>>> = {
  async cold() {
    const pair = await makePair()
    await pair.there.publish({ 'AGENTS.md': 'one\n', 'rules/x': 'x', 'rules/empty': '' })
    return sceneOf(pair)
  },
  async behind() {
    const pair = await makePair()
    await pair.there.publish({ 'AGENTS.md': 'one\n' })
    await sync(pair)
    await pair.there.publish({ 'AGENTS.md': 'two\n', 'rules/x': 'x' })
    await pair.there.publish({ 'rules/x': null })
    return sceneOf(pair)
  },
  async recall() {
    const pair = await makePair()
    await pair.there.publish({ 'AGENTS.md': 'one\n' })
    await sync(pair)
    const copy = pair.there.save()
    await pair.there.publish({ 'AGENTS.md': 'lost\n', 'rules/x': 'x' })
    await sync(pair)
    await pair.there.restore(copy)
    return sceneOf(pair)
  },
}

/** Plays a scene with somebody in the middle, and looks at what is left. True when the session came through. */
async function survives(scene: Scene, meddle: Meddle, where: () => string): Promise<boolean> {
  const pair = await play(scene)
  const before = picture(pair.here.disk)
  const { pull } = await meddled(pair, meddle)
  if (pair.there.master.forked !== null) expect.fail(`${where()}: a false fork at the master`)
  for (const side of [pair.there, pair.here])
    if (halfDone(side.disk).length > 0) expect.fail(`${where()}: half done ${halfDone(side.disk)}`)
  const moved = logOf(pair) !== logIn(before)
  // A recall that a later hello took the place of: the follower is ahead, and has what the master once signed.
  const ahead = (pair.here.follower.head?.seq ?? 0) > pair.there.master.head.seq
  if (moved || (pull.code === 'done' && !ahead)) expectLevel(pair, where)
  // A restored master that is kept from asking for its tail does show an older head: that finding is true.
  const findings = pair.here.disk.paths('/stemma/evidence')
  if (findings.some((path) => !(ahead && path.includes('/rollback-'))))
    expect.fail(`${where()}: false evidence (${pull.code})`)
  await pair.here.reopen()
  const mended = await sync(pair)
  if (mended.pull.code !== 'done')
    expect.fail(`${where()}: ${pull.code}, then ${mended.pull.code}: ${mended.pull.why}`)
  expectLevel(pair, where)
  for (const [path, content] of Object.entries(await pair.here.files()))
    if (content === undefined) expect.fail(`${where()}: ${path} is not here`)
  return pull.code === 'done'
}

const logIn = (shown: Record<string, string>): string =>
  JSON.stringify(Object.entries(shown).filter(([path]) => path.startsWith('/stemma/log/')))
const logOf = ({ here }: Pair): string => logIn(picture(here.disk))

function expectLevel({ there, here }: Pair, where: () => string): void {
  const own = here.follower.head
  if (!own?.entry.equals(there.master.head.entry)) expect.fail(`${where()}: not the entry of the master`)
  if (!here.follower.state?.stateHash().equals(there.master.state.stateHash()))
    expect.fail(`${where()}: not the state of the master`)
}

describe.each(Object.keys(scenes))('a session (%s)', (name) => {
  const make = scenes[name] ?? scenes['cold']

  async function record(): Promise<{
    scene: Scene
    frames: { up: readonly Buffer[]; down: readonly Buffer[] }
  }> {
    const scene = (await make?.()) as Scene
    const { host, pull, frames } = await meddled(await play(scene), (_direction, _index, frame) => [frame])
    expect([host, pull]).toEqual([done, done])
    return { scene, frames }
  }
  const places = (frames: {
    up: readonly Buffer[]
    down: readonly Buffer[]
  }): [Direction, number, Buffer][] => [
    ...frames.up.map((frame, index): [Direction, number, Buffer] => ['up', index, frame]),
    ...frames.down.map((frame, index): [Direction, number, Buffer] => ['down', index, frame]),
  ]
  const only =
    (direction: Direction, index: number, instead: (frame: Buffer) => readonly Uint8Array[]): Meddle =>
    (along, at, frame) =>
      along === direction && at === index ? instead(frame) : [frame]

  test('T1: is the same whenever it is played', async () => {
    const { scene, frames } = await record()
    const again = await meddled(await play(scene), (_direction, _index, frame) => [frame])
    expect(again.frames).toEqual(frames)
  })

  test('T1: with one bit wrong, anywhere', async () => {
    const { scene, frames } = await record()
    const random = new Random(11)
    const bits = places(frames).flatMap(([direction, index, frame]) =>
      Array.from(frame, (_, at) => ({ direction, index, at, bit: random.below(8) })),
    )
    const step = Math.max(1, Math.ceil(bits.length / Math.min(bits.length, cases(1000) / 20)))
    let through = 0
    let played = 0
    for (let n = random.below(step); n < bits.length; n += step) {
      const place = bits[n]
      if (!place) break
      const { direction, index, at, bit } = place
      const flip = (frame: Buffer) => {
        const out = Buffer.from(frame)
        out[at] = (out[at] ?? 0) ^ (1 << bit)
        return [out]
      }
      played++
      if (await survives(scene, only(direction, index, flip), () => JSON.stringify({ name, ...place })))
        through++
    }
    console.info(
      `${name}: ${played} of ${bits.length} bytes with a bit wrong, ${through} sessions came through`,
    )
  })

  test('T1: with one frame cut short, left out, doubled, or swapped with the next', async () => {
    const { scene, frames } = await record()
    const kinds: Readonly<Record<string, (frame: Buffer) => readonly Uint8Array[]>> = {
      missing: () => [],
      doubled: (frame) => [frame, frame],
      'cut by one': (frame) => [frame.subarray(0, -1)],
      halved: (frame) => [frame.subarray(0, frame.length / 2)],
      emptied: () => [Buffer.alloc(0)],
      longer: (frame) => [Buffer.concat([frame, Buffer.of(0)])],
    }
    for (const [direction, index] of places(frames)) {
      for (const [kind, instead] of Object.entries(kinds))
        await survives(scene, only(direction, index, instead), () => `${name} ${direction} ${index} ${kind}`)
      let held: Buffer | null = null
      const swap: Meddle = (along, at, frame) => {
        if (along !== direction) return [frame]
        if (at === index) held = frame
        if (at <= index || held === null) return at === index ? [] : [frame]
        const out = [frame, held]
        held = null
        return out
      }
      await survives(scene, swap, () => `${name} ${direction} ${index} swapped`)
    }
  })

  test('T1: with a frame of one session in another', async () => {
    const { scene, frames } = await record()
    const others = places(frames)
    const random = new Random(5)
    for (let n = 0; n < Math.min(400, cases(60)); n++) {
      const [direction, index] = others[random.below(others.length)] ?? ['up', 0]
      const [, , strange] = others[random.below(others.length)] ?? []
      const alien = Buffer.from(strange ?? [])
      const where = () => `${name} ${direction} ${index} replaced, case ${n}`
      await survives(
        scene,
        only(direction, index, () => [alien]),
        where,
      )
    }
  })
})
