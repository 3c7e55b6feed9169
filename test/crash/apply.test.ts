/** Apply under every fault at every disk call: a second sync, a first join, and the recovery itself. */
import { describe, expect, test } from 'vitest'
import { loadJournal } from '../../engine/apply/journal.ts'
import { sha256Hex } from '../../engine/crypto/hash.ts'
import {
  applySecond,
  at,
  checkEnd,
  checkMoment,
  checkWhole,
  codexHome,
  edits,
  optionsOf,
  prepare,
  second,
  stemmaHome,
} from '../engine/apply/home.ts'
import { pathOf, rigOn, storeBlobs } from '../engine/apply/rig.ts'
import { SimClock } from '../sim/clock.ts'
import { type DiskFaultKind, SimDisk } from '../sim/disk.ts'
import { SimIds } from '../sim/ids.ts'
import { ofEachKind, sweepsAll } from '../sim/slice.ts'
import { type Scenario, type Swept, sweep } from '../sim/sweep.ts'

/** Every kind of call in the normal suite, every call and more reboots after each crash in `npm run test:sweep`. */
const effort: Pick<Scenario<never>, 'strikes' | 'reboots'> = sweepsAll
  ? { reboots: 4 }
  : { reboots: 1, strikes: ofEachKind }
/** A fault of one file leaves the others done; a crash leaves all or nothing. */
const isCrash = (fault: DiskFaultKind | null) => fault === null || /crash|torn/.test(fault)

const base = (windows: boolean): Scenario<never> => ({
  name: 'apply',
  windows,
  ...effort,
  seed: 7,
  prepare,
  async run(disk, world) {
    const { faults } = await applySecond(disk, world)
    // What concerns one file alone is told and does not stop the others.
    for (const { fault } of faults) expect(fault.code).toMatch(/^disk-/)
  },
  async check(disk, { world, fault }) {
    checkMoment(disk)
    if (isCrash(fault)) await checkWhole(disk, world)
    await checkEnd(disk, world)
  },
})

async function run(scenario: Scenario<never>): Promise<Swept> {
  const swept = await sweep(scenario)
  const where = scenario.windows ? 'Windows' : 'POSIX'
  console.info(
    `${scenario.name} (${where}): ${swept.calls} calls, ${swept.runs} runs, ${swept.checks} checks`,
  )
  return swept
}

describe.each([false, true])('S37: every fault at every disk call, Windows: %s', (windows) => {
  test('a sync into a home with local edits', async () => {
    expect((await run(base(windows))).calls).toBeGreaterThan(200)
  }, 300_000)

  test('S40: the first join of a home in use', async () => {
    const name = 'first join'
    const join = async (disk: SimDisk, world: Parameters<typeof optionsOf>[0]) => {
      disk.plantFolder('/user')
      await storeBlobs(disk, optionsOf(world), second)
      for (const [path, text] of Object.entries(edits)) disk.plantFile(at(path), text)
      disk.plantFile(at('skills/a/SKILL.md'), second['skills/a/SKILL.md'] ?? '')
    }
    const check: Scenario<never>['check'] = async (disk, { world }) => {
      for (const [path, text] of Object.entries(edits))
        expect(disk.peek(at(path))?.toString(), path).toBe(text)
      const { faults, conflicts } = await applySecond(disk, world)
      expect(faults).toEqual([])
      expect(conflicts.map(({ path, kind }) => [path, kind])).toEqual([['prompts/edited.md', 'exists']])
      for (const [path, text] of Object.entries({ ...second, ...edits }))
        expect(disk.peek(at(path.replace('*', '')))?.toString(), path).toBe(text)
    }
    await run({ ...base(windows), name, prepare: join, check })
  }, 300_000)

  test('the recovery of a sync that was cut off after its commit', async () => {
    const name = 'recovery'
    // Between the commit and the end, in the middle of the swaps.
    const committed = async (draft: SimDisk, world: Parameters<typeof optionsOf>[0]) => {
      await prepare(draft, world)
      const probe = draft.clone()
      await applySecond(probe, world)
      const journal = probe.trace.findIndex(
        ({ call, path }) => call === 'rename' && path.endsWith('/journal.json'),
      )
      const end = probe.trace.findIndex(
        ({ call, path }) => call === 'unlink' && path.endsWith('/journal.json'),
      )
      draft.failAt(draft.calls + Math.round((journal + end) / 2), 'crash-before')
      await expect(applySecond(draft, world)).rejects.toThrow('power')
      const again = draft.restart()
      expect(await loadJournal(again, `${stemmaHome}/apply/journal.json`)).not.toBeNull()
    }
    await run({ ...base(windows), name, prepare: committed })
  }, 300_000)
})

test('S39: what is written between a crash and the next start is an edit of what the crash left', async () => {
  const ports = () => ({ ids: new SimIds(5), clock: new SimClock() })
  const made = new SimDisk({ seed: 5 })
  await prepare(made, ports())
  const probe = made.settled()
  await applySecond(probe, ports())
  const calls = probe.trace.flatMap(({ call }, index) => (call === 'rename' ? [index + 1] : []))
  let [replaced, removed] = [0, 0]
  for (const call of calls) {
    const disk = made.settled()
    disk.failAt(call, 'crash-after')
    await expect(applySecond(disk, ports())).rejects.toThrow('power')
    const next = disk.restart()
    const isNew = next.peek(at('AGENTS.md'))?.toString() === second['AGENTS.md']
    // Until its folder is dropped too.
    const isGone = next.paths(codexHome).includes(`${at('rules')}/`) && next.paths(at('rules')).length === 0
    const write = async (path: string) => {
      next.plantFile('/user/beside', `written ${call}`)
      await next.rename('/user/beside', at(path))
    }
    if (isNew) await write('AGENTS.md')
    if (isGone) await write('rules/dropped.md')
    await applySecond(next, ports())
    const lies = await rigOn(next, optionsOf(ports())).applier.lastPut()
    if (isNew) {
      replaced++
      expect(next.peek(at('AGENTS.md'))?.toString()).toBe(`written ${call}`)
      expect(lies(pathOf('AGENTS.md'))).toBe(sha256Hex(Buffer.from(second['AGENTS.md'] ?? '')))
    }
    if (isGone) {
      removed++
      expect(next.peek(at('rules/dropped.md'))?.toString()).toBe(`written ${call}`)
      expect(lies(pathOf('rules/dropped.md'))).toBe(null)
    }
  }
  expect(
    [replaced, removed].every((times) => times > 0),
    `${replaced} ${removed}`,
  ).toBe(true)
})

test('S37: recovering with nothing to do writes nothing', async () => {
  const ports = { ids: new SimIds(1), clock: new SimClock() }
  const disk = new SimDisk({ seed: 1 })
  await prepare(disk, ports)
  const from = disk.trace.length
  expect(await rigOn(disk, optionsOf(ports)).applier.recover()).toBeNull()
  const changing = /write|sync|rename|link|chmod|Dir/
  expect(disk.trace.slice(from).filter(({ call }) => changing.test(call))).toEqual([])
})
