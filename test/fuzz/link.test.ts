/**
 * T11, Q3: random and mutated frames at the doors of the link. Almost all are no message; those that are one are
 * played to a living master or follower at some moment of its talk. Nothing throws but a fault with a code, nothing
 * is stored that was not signed, and the memory stays where it is.
 * A slice runs in the normal suite; `npm run test:fuzz` runs a million and more within a heap of 128 MB.
 */
import { expect, test } from 'vitest'
import { Random } from '../sim/random.ts'
import { type Direction, meddled, play, sceneOf } from '../transport/link/meddle.ts'
import { halfDone, makePair, type Pair, picture, sync } from '../transport/link/pair.ts'
import { attempt } from './corpus.ts'
import { messageDoor } from './doors.ts'
import { cases, mutant } from './mutate.ts'

const seed = 20260417
/** Of the frames that are messages, so many are played: a talk takes a thousand times as long as a look. */
const playedMax = cases(15_000) / 50

async function session() {
  const pair = await makePair()
  await pair.there.publish({ 'AGENTS.md': 'one\n' })
  await sync(pair)
  const lost = pair.there.save()
  await pair.there.publish({ 'AGENTS.md': 'two\n', 'rules/x': 'x' })
  await sync(pair)
  const ahead = pair.here.disk.restart()
  await pair.there.publish({ 'rules/y': 'y' })
  const behind = await sceneOf(pair)
  return { behind, recall: { ...behind, there: lost, here: ahead } }
}

test('Q3: random frames end a talk with a code, and nothing else happens', async () => {
  const random = new Random(seed)
  const scenes = Object.values(await session())
  const recorded = { up: [] as Buffer[], down: [] as Buffer[] }
  for (const scene of scenes) {
    const { frames } = await meddled(await play(scene), (_direction, _index, frame) => [frame])
    recorded.up.push(...frames.up)
    recorded.down.push(...frames.down)
  }
  const corpus = [...recorded.up, ...recorded.down]
  const total = cases(25_000)
  const ends = new Map<string, number>()
  let messages = 0
  let played = 0
  for (let n = 0; n < total; n++) {
    const frame = n % 10 === 0 ? random.bytes(random.below(200)) : mutant(corpus, random)
    if (!attempt(messageDoor, frame, () => `link, seed ${seed}, case ${n}`)) continue
    messages++
    // Every one while there is room, then fewer, so that late mutants have their turn.
    if (played >= playedMax || !random.chance(Math.min(1, (playedMax * 4) / total))) continue
    played++
    const scene = scenes[random.below(scenes.length)]
    if (!scene) break
    const direction: Direction = random.chance(0.5) ? 'up' : 'down'
    const at = random.below(5)
    const instead = random.chance(0.5)
    const pair = await play(scene)
    const before = picture(pair.here.disk)
    const where = `seed ${seed}, case ${n}: ${direction} ${at}${instead ? '' : ', and the one that belongs there'}`
    const { pull } = await meddled(pair, (along, index, own) =>
      along !== direction || index !== at ? [own] : instead ? [frame] : [frame, own],
    )
    ends.set(pull.code, (ends.get(pull.code) ?? 0) + 1)
    attempt(
      () => expectSound(pair, before),
      frame,
      () => where,
    )
  }
  const codes = [...ends].map(([code, times]) => `${code} ${times}`).join(', ')
  console.info(
    `link: seed ${seed}, ${total} frames, ${messages} of them messages, ${played} played: ${codes}`,
  )
  expect(messages).toBeGreaterThan(total / 100)
  expect(played).toBeGreaterThan(Math.min(playedMax, total / 200) / 2)
})

/** The follower has what it had, or what the master signed; nobody believes in a fork; nothing is half done. */
function expectSound({ there, here }: Pair, before: Record<string, string>): void {
  if (there.master.forked !== null) expect.fail('a false fork')
  const after = picture(here.disk)
  // A restored master that is kept from asking for its tail does show an older head: that finding is true.
  const ahead = (here.follower.head?.seq ?? 0) > there.master.head.seq
  const findings = here.disk.paths('/stemma/evidence')
  if (findings.some((path) => !(ahead && path.includes('/rollback-')))) expect.fail('false evidence')
  if (halfDone(here.disk).length > 0 || halfDone(there.disk).length > 0) expect.fail('half done')
  const moved = Object.entries(after).some(
    ([path, content]) => path.startsWith('/stemma/log/') && before[path] !== content,
  )
  if (moved && !here.follower.head?.entry.equals(there.master.head.entry)) expect.fail('another entry')
}
