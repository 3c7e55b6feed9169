/** The budget of the hook, and what Codex tells it (S51). */
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { freshen, type Job } from '../../../cli/hook/freshen.ts'
import { readSession } from '../../../cli/hook/payload.ts'
import { waitForWork } from '../../../cli/hook/worker.ts'
import { type Card, saveCard } from '../../../engine/card.ts'
import { dropWorker, loadWorker, noteWorker } from '../../../engine/worker.ts'
import { Fault } from '../../../schemas/fault.ts'
import { hookGraceMs, hookLookMs, hookSyncMs, lockPatienceMs } from '../../../schemas/limits.ts'
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
  const alive = new Set<number>()
  const at = { disk, clock, stemmaHome, pid: 7, isAlive: (pid: number) => alive.has(pid) }
  return { world: at, disk, clock, awayUntil, alive }
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

test('S51: at the start of a session, and for a master that was away, work is begun and not waited for', async () => {
  const { world: at, awayUntil } = await world()
  awayUntil(-1)
  for (const moment of ['start', 'before'] as const) {
    const { started, start } = jobs()
    await freshen(at, moment, start)
    expect(started).toEqual(['work'])
  }
})

test('S51: who works behind a session says so while it does, and has no budget', async () => {
  const { world: at, disk, clock } = await world({ applied: false })
  const { started, start, end } = jobs()
  const work = freshen(at, 'work', start)
  expect(await isOver(work)).toBe(false)
  expect([started, disk.peek(`${stemmaHome}/worker`)?.toString()]).toEqual([['apply'], '7'])
  await clock.advance(10 * hookSyncMs)
  expect(await isOver(work)).toBe(false)
  end()
  await work
  expect(disk.peek(`${stemmaHome}/worker`)).toBe(null)
})

test('S10: the end of a session waits for what its start began, and for nothing that is over', async () => {
  const { world: at, disk, clock, alive } = await world()
  disk.plantFile(`${stemmaHome}/worker`, '9', 0o600)
  const nobody = jobs()
  await freshen(at, 'end', nobody.start)
  expect(nobody.started).toEqual([])
  alive.add(9)
  const somebody = jobs()
  const work = freshen(at, 'end', somebody.start)
  await clock.advance(hookGraceMs - hookLookMs)
  expect(somebody.started).toEqual([])
  await clock.advance(2 * hookLookMs)
  expect(await isOver(work)).toBe(false)
  expect(somebody.started).toEqual(['apply'])
  somebody.end()
  await work
})

test('S10: what is applied then waits for that work, but not for ever', async () => {
  const { world: at, disk, clock, alive } = await world()
  disk.plantFile(`${stemmaHome}/worker`, '9', 0o600)
  await waitForWork(at, lockPatienceMs)
  alive.add(9)
  const first = waitForWork(at, lockPatienceMs)
  await clock.advance(1_000)
  expect(await isOver(first)).toBe(false)
  await dropWorker(disk, stemmaHome, 9)
  await clock.advance(hookLookMs)
  expect(await isOver(first)).toBe(true)
  disk.plantFile(`${stemmaHome}/worker`, '9', 0o600)
  const second = waitForWork(at, lockPatienceMs)
  await clock.advance(lockPatienceMs + hookLookMs)
  expect(await isOver(second)).toBe(true)
})

test('one that began later is the one to wait for', async () => {
  const { disk } = await world()
  for (const pid of [1, 2]) await noteWorker(disk, stemmaHome, pid)
  await dropWorker(disk, stemmaHome, 1)
  expect(await loadWorker(disk, stemmaHome)).toBe(2)
  for (const odd of ['', '-1', 'x', '1e3']) {
    disk.plantFile(`${stemmaHome}/worker`, odd, 0o600)
    expect(await loadWorker(disk, stemmaHome)).toBe(null)
  }
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
