/** The budget of the hook, and what Codex tells it (S51). */
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { freshen, type Job } from '../../../cli/hook/freshen.ts'
import { readSession } from '../../../cli/hook/payload.ts'
import { type Card, saveCard } from '../../../engine/card.ts'
import { Fault } from '../../../schemas/fault.ts'
import { hookSyncMs } from '../../../schemas/limits.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimDisk } from '../../sim/disk.ts'
import { SimIds } from '../../sim/ids.ts'

const stemmaHome = '/user/stemma'
const hash = '0'.repeat(64) as Card['entry']

/** A machine whose master is away, so that it is not asked. */
async function world(more: Partial<Card> = {}) {
  const disk = new SimDisk()
  const clock = new SimClock()
  disk.plantFolder('/user')
  disk.plantFolder(stemmaHome)
  const card = { host: '127.0.0.1', port: 1, fingerprint: hash, cert: '', seq: 1, entry: hash, applied: true }
  await saveCard(disk, new SimIds(), stemmaHome, { ...card, staged: false, ...more })
  const awayUntil = (ms: number) => disk.plantFile(`${stemmaHome}/away`, String(clock.now() + ms), 0o600)
  awayUntil(1_000)
  return { world: { disk, clock, stemmaHome }, clock, awayUntil }
}
function jobs() {
  const started: Job[] = []
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const start = async (job: Job) => {
    started.push(job)
    return { ended }
  }
  return { started, start, end }
}
/** Whether it has settled by now. */
async function isOver(work: Promise<void>): Promise<boolean> {
  const open = Symbol('open')
  return (await Promise.race([work, new Promise((resolve) => setImmediate(() => resolve(open)))])) !== open
}

test('S51: with nothing to do nothing is started', async () => {
  const { world: at } = await world()
  const { started, start } = jobs()
  await freshen(at, 'start', start)
  expect(started).toEqual([])
})

test('S52: work is waited for', async () => {
  const { world: at } = await world({ staged: true })
  const { started, start, end } = jobs()
  const work = freshen(at, 'before', start)
  expect(await isOver(work)).toBe(false)
  expect(started).toEqual(['apply'])
  end()
  await work
})

test('S51: work that takes longer than the budget goes on by itself', async () => {
  const { world: at, clock } = await world({ staged: true })
  const { start } = jobs()
  const work = freshen(at, 'before', start)
  expect(await isOver(work)).toBe(false)
  await clock.advance(hookSyncMs - 1)
  expect(await isOver(work)).toBe(false)
  await clock.advance(1)
  expect(await isOver(work)).toBe(true)
})

test('S51: a probe is started and not waited for', async () => {
  const { world: at, awayUntil } = await world()
  awayUntil(-1)
  const { started, start } = jobs()
  await freshen(at, 'start', start)
  expect(started).toEqual(['probe'])
})

test('a start that fails is told to the caller', async () => {
  const { world: at } = await world({ staged: true })
  const failing = () => Promise.reject(new Fault('disk-denied', 'No.'))
  await expect(freshen(at, 'before', failing)).rejects.toMatchObject({ code: 'disk-denied' })
})

test('S10: the session is the one that Codex names, and nothing else is taken from it', async () => {
  const id = '01a1f877-6c21-7c73-a4c7-eebdfd22bf21'
  const read = (...texts: string[]) => readSession(Readable.from(texts.map((text) => Buffer.from(text))))
  expect(await read(`{"session_id":"${id}","cw`, 'd":"/"}')).toBe(id)
  for (const text of ['', '{', 'null', '{}', '{"session_id":1}', '{"session_id":"../../x"}', `"${id}"`])
    expect(await read(text)).toBe(null)
  expect(await read(`{"session_id":"${id}","x":"${'x'.repeat(70_000)}"}`)).toBe(null)
})
