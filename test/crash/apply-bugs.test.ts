/**
 * Does the harness catch what it is for? Bugs are planted between apply and its disk; each must be caught by
 * the slice of the sweep that the normal suite has, or by the edits at every call.
 */
import { describe, expect, test } from 'vitest'
import type { Disk } from '../../engine/disk/disk.ts'
import {
  applySecond,
  at,
  checkEnd,
  checkMoment,
  checkWhole,
  codexHome,
  prepare,
} from '../engine/apply/home.ts'
import { type Meddle, meddled } from '../engine/apply/meddle.ts'
import { SimClock } from '../sim/clock.ts'
import { SimDisk } from '../sim/disk.ts'
import { SimIds } from '../sim/ids.ts'
import { ofEachKind } from '../sim/slice.ts'
import { sweep } from '../sim/sweep.ts'

const isStaged = (path: string) => path.startsWith(`${codexHome}/.stemma-stage/`) && !path.endsWith('.old')
const isHome = (path: string | null) =>
  path?.startsWith(codexHome) === true && !path.includes('.stemma-stage')

type Bug = readonly [name: string, plant: (disk: SimDisk) => Meddle]
const skip =
  (when: (call: Parameters<Meddle>[0]) => boolean): Bug[1] =>
  () =>
  async (call) =>
    when(call)

describe('S37: the sweep catches', () => {
  const bugs: readonly Bug[] = [
    ['staged content that is not synced', skip(({ call, path }) => call === 'sync' && isStaged(path))],
    [
      'staged names that are not synced',
      skip(({ call, path }) => call === 'syncDir' && /stage\/\w+$/.test(path)),
    ],
    ['folders of the home that are not synced', skip(({ call, path }) => call === 'syncDir' && isHome(path))],
    ['records that are not synced', skip(({ call, path }) => call === 'sync' && path.includes('/apply/'))],
    ['a backup that is not synced', skip(({ call, path }) => call === 'sync' && path.includes('/backups/'))],
    [
      'a backup whose name is not synced',
      skip(({ call, path }) => call === 'syncDir' && path.endsWith('/backups')),
    ],
    ['a mode that is not synced', skip(({ call, path }) => call === 'sync' && path === at('hooks/run.sh'))],
    [
      'removal before rename',
      (disk) =>
        async ({ call, to }) => {
          if (call === 'rename' && to !== null && isHome(to)) await disk.unlink(to)
          return false
        },
    ],
    [
      'a journal that goes before the swap',
      (disk) =>
        async ({ call, to }) => {
          if (call === 'rename' && to !== null && isHome(to))
            await disk.unlink('/user/stemma/apply/journal.json')
          return false
        },
    ],
    [
      'a ledger saved before the swap',
      (disk) => {
        const held: (() => Promise<void>)[] = []
        return async ({ call, path, to }) => {
          // Renames into the home wait until the ledger is there.
          if (call === 'rename' && isHome(to) && to !== null) {
            held.push(() => disk.rename(path, to))
            return true
          }
          if (call === 'unlink' && path.endsWith('/journal.json'))
            for (const late of held.splice(0)) await late()
          return false
        }
      },
    ],
  ]
  test.each(bugs)('%s', async (name, plant) => {
    const wrap = (disk: SimDisk): Disk => meddled(disk, plant(disk))
    const caught = sweep<never>({
      name,
      seed: 7,
      faults: ['crash-after', 'torn'],
      strikes: ofEachKind,
      prepare,
      run: async (disk, world) => void (await applySecond(wrap(disk), world)),
      check: async (disk, { world }) => {
        checkMoment(disk)
        await checkWhole(disk, world)
        await checkEnd(disk, world)
      },
    })
    await expect(caught).rejects.toThrow(name)
  })
})

describe('S39: an edit at every call catches', () => {
  const lies: readonly (readonly [name: string, path: string, plant: (disk: SimDisk) => Meddle])[] = [
    ['a replaced file that is not held', 'AGENTS.md', skip(({ call, to }) => call === 'link' && !isHome(to))],
    [
      'a creation that overwrites',
      'skills/new/deep/SKILL.md',
      (disk) =>
        async ({ call, path, to }) => {
          if (call !== 'link' || to === null || !isHome(to)) return false
          await disk.rename(path, to)
          return true
        },
    ],
    [
      'a removal that does not look',
      'rules/dropped.md',
      (disk) =>
        async ({ call, path }) => {
          if (call === 'rename' && path === at('rules/dropped.md')) return disk.unlink(path)
          return false
        },
    ],
  ]
  test.each(lies)('%s', async (_, path, plant) => {
    const ports = () => ({ ids: new SimIds(4), clock: new SimClock() })
    const start = new SimDisk({ seed: 3 })
    await prepare(start, ports())
    let lost = 0
    for (let strike = 1, going = true; going; strike++) {
      const disk = start.clone()
      let calls = 0
      going = false
      const bug = plant(disk)
      const wrapped = meddled(disk, async (call) => {
        if (++calls === strike) {
          going = true
          disk.plantFile(at(path), 'EDIT')
        }
        return bug(call)
      })
      await applySecond(wrapped, ports())
      if (going && disk.peek(at(path))?.toString() !== 'EDIT') lost++
    }
    expect(lost).toBeGreaterThan(0)
  })
})
