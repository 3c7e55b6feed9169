/** When the home is looked at, in simulated time; and that no change is ever missed, at any disk call. */
import { expect, test } from 'vitest'
import { Publisher } from '../../../engine/canon/publisher.ts'
import { Fault } from '../../../schemas/fault.ts'
import {
  againMaxMs,
  changedMax,
  fullAfterMs,
  fullScanEveryMs,
  fullScanMaxMs,
  fullScanRest,
  settleMaxMs,
  settleMs,
} from '../../../schemas/limits.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimDisk, type SimDiskOptions } from '../../sim/disk.ts'
import { home, SimHome } from './home.ts'

/** A publisher whose looks are noted with their times, and end when the test says so. */
function bench(look: (nth: number) => Promise<boolean> = async () => false) {
  const clock = new SimClock()
  const end = new AbortController()
  const looks: number[] = []
  const faults: string[] = []
  const publisher = new Publisher({
    clock,
    signal: end.signal,
    look: () => look(looks.push(clock.monotonic())),
    onFault: (fault) => faults.push(fault.code),
  })
  return { clock, end, looks, faults, publisher, done: publisher.run() }
}

test('S25: one look at the start, one a minute without hints', async () => {
  const { clock, end, looks, done } = bench()
  await clock.advance(2 * fullScanEveryMs + 1)
  expect(looks).toEqual([0, fullScanEveryMs, 2 * fullScanEveryMs])
  end.abort()
  await done
  expect(clock.waiting).toBe(0)
})

test('S25: a burst of hints is one look; a stream of them is looked at while it lasts', async () => {
  const { clock, end, looks, publisher, done } = bench()
  await clock.advance(1000)
  for (let i = 0; i < 5; i++) publisher.hint(null)
  await clock.advance(settleMs)
  expect(looks).toEqual([0, 1000 + settleMs])
  for (let i = 0; i < 100; i++) {
    publisher.hint(null)
    await clock.advance(10)
  }
  expect(looks.slice(2)).toEqual([1000 + settleMs + settleMaxMs, 1000 + settleMs + 2 * settleMaxMs])
  end.abort()
  await done
})

/** A publisher whose looks say when and where, and take `ms` each. */
function places(ms: (nth: number) => number = () => 0, fail: (nth: number) => boolean = () => false) {
  const clock = new SimClock()
  const end = new AbortController()
  const looks: [number, string[] | null][] = []
  const publisher = new Publisher({
    clock,
    signal: end.signal,
    look: async (_, changed) => {
      const nth = looks.push([clock.monotonic(), changed && [...changed]])
      if (ms(nth) > 0) await clock.wait(ms(nth), end.signal)
      if (fail(nth)) throw new Fault('disk-io', 'planned')
      return false
    },
    onFault: () => undefined,
  })
  return { clock, end, looks, publisher, done: publisher.run() }
}

test('S25: what hints named is looked at first, and all of the home soon after', async () => {
  const { clock, end, looks, publisher, done } = places()
  await clock.advance(1000)
  publisher.hint('/a')
  publisher.hint('/b')
  publisher.hint('/a')
  await clock.advance(settleMs)
  expect(looks.slice(1)).toEqual([[1000 + settleMs, ['/a', '/b']]])
  // Changes that go on do not put it off.
  await clock.advance(1000)
  publisher.hint('/c')
  await clock.advance(fullAfterMs)
  expect(looks.slice(2)).toEqual([
    [2000 + 2 * settleMs, ['/c']],
    [1000 + settleMs + fullAfterMs, null],
  ])
  await clock.advance(fullScanEveryMs)
  expect(looks.length).toBe(5)
  end.abort()
  await done
})

test('S25: where nobody knows what changed, or too much did, all of the home is looked at', async () => {
  const { clock, end, looks, publisher, done } = places()
  await clock.advance(1000)
  publisher.hint('/a')
  publisher.hint(null)
  publisher.hint('/b')
  await clock.advance(settleMs)
  for (let i = 0; i <= changedMax; i++) publisher.hint(`/${i}`)
  await clock.advance(settleMs)
  publisher.hint('/a')
  const asked = publisher.rescan()
  await clock.advance(settleMs)
  await asked
  expect(looks.map(([, changed]) => changed)).toEqual([null, null, null, null])
  end.abort()
  await done
})

test('S25: the hints that a failed look had taken are not lost', async () => {
  const { clock, end, looks, publisher, done } = places(undefined, (nth) => nth === 2)
  await clock.advance(1000)
  publisher.hint('/a')
  await clock.advance(settleMs)
  publisher.hint('/b')
  await clock.advance(settleMs)
  publisher.hint('/c')
  await clock.advance(settleMs)
  expect(looks.map(([, changed]) => changed).slice(1)).toEqual([['/a'], null, ['/c']])
  end.abort()
  await done
})

test('Q6: looks that take long come less often when nobody asks for them', async () => {
  // A single one that took long, because there was much to read, says nothing.
  const { clock, end, looks, done } = places((nth) => (nth === 1 ? 30_000 : nth === 2 ? 10 : 400))
  await clock.advance(30_000 + 2 * fullScanEveryMs + 10)
  await clock.advance(400 + fullScanEveryMs + 400 + 400 * fullScanRest)
  const third = 30_000 + 2 * fullScanEveryMs + 10
  const fourth = third + 400 + fullScanEveryMs
  expect(looks.map(([atMs]) => atMs)).toEqual([
    0,
    30_000 + fullScanEveryMs,
    third,
    fourth,
    fourth + 400 + 400 * fullScanRest,
  ])
  end.abort()
  await done
  const slow = places(() => 60_000)
  await slow.clock.advance(3 * 60_000 + fullScanEveryMs + fullScanMaxMs)
  expect(slow.looks.map(([atMs]) => atMs)).toEqual([
    0,
    60_000 + fullScanEveryMs,
    2 * 60_000 + fullScanEveryMs + fullScanMaxMs,
  ])
  slow.end.abort()
  await slow.done
})

test('S25: a hint during a look causes another one', async () => {
  const gates: (() => void)[] = []
  const { clock, end, looks, publisher, done } = bench((nth) =>
    nth === 2 ? new Promise((resolve) => gates.push(() => resolve(false))) : Promise.resolve(false),
  )
  await clock.advance(10)
  publisher.hint(null)
  await clock.advance(settleMs)
  expect(looks.length).toBe(2)
  publisher.hint(null)
  await clock.advance(5000)
  expect(looks.length).toBe(2)
  gates[0]?.()
  await clock.advance(0)
  expect(looks.length).toBe(3)
  end.abort()
  await done
})

test('S25: rescan resolves only with a look that began after the call', async () => {
  const gates: (() => void)[] = []
  const { clock, end, looks, publisher, done } = bench(
    () => new Promise((resolve) => gates.push(() => resolve(false))),
  )
  await clock.advance(0)
  let resolved = 0
  const first = publisher.rescan().then(() => resolved++)
  const second = publisher.rescan().then(() => resolved++)
  gates[0]?.()
  await clock.advance(0)
  expect(resolved).toBe(0)
  expect(looks.length).toBe(2)
  gates[1]?.()
  await Promise.all([first, second])
  expect(looks).toEqual([0, 0])
  const last = publisher.rescan()
  const refused = expect(last).rejects.toThrow('over')
  await clock.advance(0)
  const never = expect(publisher.rescan()).rejects.toThrow('over')
  end.abort(new Error('over'))
  gates[2]?.()
  await done
  await never
  await expect(publisher.rescan()).rejects.toThrow('over')
  await refused.catch(() => undefined)
})

test('S25: a look that asks for another gets it, ever more slowly', async () => {
  const { clock, end, looks, done } = bench(async (nth) => nth < 12)
  await clock.advance(60_000)
  const gaps = looks.map((at, i) => at - (looks[i - 1] ?? 0)).slice(1, 11)
  expect(gaps.slice(0, 4)).toEqual([2, 4, 8, 16].map((by) => by * settleMs))
  expect(Math.max(...gaps)).toBe(againMaxMs)
  end.abort()
  await done
})

test('a fault that passes is told and outlived; any other error ends the loop', async () => {
  const { clock, faults, looks, publisher, done } = bench(async (nth) => {
    if (nth <= 2) throw new Fault('home-missing', 'There is no home.')
    if (nth === 4) throw new Fault('log-poisoned', 'The disk refused.')
    return false
  })
  const ended = expect(done).rejects.toMatchObject({ code: 'log-poisoned' })
  const refused = expect(publisher.rescan()).rejects.toMatchObject({ code: 'home-missing' })
  await clock.advance(againMaxMs)
  await refused
  expect(faults).toEqual(['home-missing', 'home-missing'])
  expect(looks.length).toBe(3)
  const last = expect(publisher.rescan()).rejects.toMatchObject({ code: 'log-poisoned' })
  await clock.advance(0)
  await Promise.all([ended, last])
})

/** Calls back before one disk call. */
class Meddled extends SimDisk {
  meddle: { readonly call: number; readonly act: () => void } | null = null
  override async call<T>(...args: Parameters<SimDisk['call']>): Promise<T> {
    if (this.meddle && this.calls + 1 >= this.meddle.call) {
      const { act } = this.meddle
      this.meddle = null
      act()
    }
    return (await super.call(...args)) as T
  }
}

type Change = { readonly name: string; readonly act: (at: SimHome) => void }
const changes: readonly Change[] = [
  { name: 'an edit of the same length', act: (at) => at.put('AGENTS.md', 'ONE') },
  { name: 'an edit of another length', act: (at) => at.put('skills/a/SKILL.md', 'longer than before') },
  { name: 'a new file', act: (at) => at.put('skills/a/new', 'new') },
  { name: 'a new folder', act: (at) => at.put('prompts/deep/er/new', 'new') },
  { name: 'a removal', act: (at) => void at.disk.unlink(`${home}/skills/a/SKILL.md`) },
  { name: 'a rename of a folder', act: (at) => void at.disk.rename(`${home}/skills/a`, `${home}/skills/A`) },
]

/** What a home on the simulated disk holds that travels. */
const truth = (at: SimHome): Record<string, string> =>
  Object.fromEntries(
    at.disk
      .paths(home)
      .filter((path) => !path.endsWith('/'))
      .map((path) => [path.slice(home.length + 1), at.disk.peek(path)?.toString() ?? '']),
  )

test.each(changes)(
  'S25: $name at any disk call of a look is in the publication that follows',
  async ({ act }) => {
    let call = 1
    for (; ; call++) {
      let made: Meddled | null = null
      // A tick of two seconds, as on the coarsest file systems: times never tell one change from another.
      const make = (all: SimDiskOptions) =>
        (made = new Meddled({ ...all, now: () => Math.floor((all.now?.() ?? 0) / 2000) * 2000 }))
      const at = new SimHome({}, make)
      const disk: Meddled = made ?? expect.fail()
      at.put('AGENTS.md', 'one')
      at.put('skills/a/SKILL.md', 'a')
      at.put('skills/b/x/y', 'b')
      const end = new AbortController()
      const publisher = new Publisher({
        clock: at.clock,
        signal: end.signal,
        look: async () => (await at.look()).again,
        onFault: (fault) => expect.fail(fault.message),
      })
      await at.clock.advance(60_000)
      await at.look()
      at.put('skills/b/x/y', 'something to read')
      const from = disk.calls
      disk.meddle = {
        call: from + call,
        act: () => {
          act(at)
          publisher.hint(null)
        },
      }
      const done = publisher.run()
      await at.clock.advance(0)
      if (disk.meddle !== null) {
        end.abort()
        await done
        break
      }
      // The watcher's hint is all there is: long before the next full scan.
      await at.clock.advance(settleMaxMs + againMaxMs)
      end.abort()
      await done
      expect(await at.contents(), `changed before call ${call}`).toEqual(truth(at))
    }
    expect(call).toBeGreaterThan(20)
  },
)
