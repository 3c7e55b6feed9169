/**
 * Does the slice of the normal suite catch what it is for? Bugs are planted between a machine and its disk, in how it
 * seals, wraps anew, applies a config and moves approvals; each must be caught.
 */
import { describe, expect, test } from 'vitest'
import type { Disk, DiskFile } from '../../engine/disk/disk.ts'
import { assert } from '../../schemas/fault.ts'
import { type Meddle, meddled } from '../engine/apply/meddle.ts'
import { at, codexHome, stemmaHome } from '../engine/machines.ts'
import type { SimDisk } from '../sim/disk.ts'
import { ofEachKind } from '../sim/slice.ts'
import { type Scenario, sweep } from '../sim/sweep.ts'
import { composing } from './composing.ts'
import { acts, sealing } from './sealing.ts'

type Bug = readonly [name: string, by: string, plant: (disk: SimDisk) => Disk]
type Call = Parameters<Meddle>[0]

const skip = (when: (call: Call) => boolean) => (disk: SimDisk) => meddled(disk, async (call) => when(call))

/** The vault comes to its name only after entries were made durable. */
const lateVault = (disk: SimDisk) => {
  let appended = false
  let held: (() => Promise<void>) | null = null
  return meddled(disk, async ({ call, path, to }) => {
    const now = appended
    appended ||= call === 'dataSync'
    if (now) await held?.()
    if (now) held = null
    if (call !== 'rename' || to !== `${stemmaHome}/vault.json` || now) return false
    held = () => disk.rename(path, to)
    return true
  })
}

/** Records come to their name only when the apply is over. */
const lateRecords = (disk: SimDisk) => {
  let held: (() => Promise<void>) | null = null
  return meddled(disk, async ({ call, path, to }) => {
    if (call === 'unlink' && path.endsWith('/journal.json')) await held?.()
    if (call !== 'rename' || to !== `${stemmaHome}/apply/composed`) return false
    held = () => disk.rename(path, to)
    return true
  })
}

/** A file that anybody may open, until it is synced. */
const open = (when: (path: string) => boolean) => (disk: SimDisk) => {
  const plain = meddled(disk, async () => false)
  return {
    ...plain,
    async open(path, mode, permissions) {
      if (mode !== 'create' || !when(path)) return disk.open(path, mode, permissions)
      const file = await disk.open(path, mode, 0o644)
      const sync: DiskFile['sync'] = async () => {
        await disk.chmod(path, 0o600)
        await file.sync()
      }
      return {
        read: (into, position) => file.read(into, position),
        write: (parts, position) => file.write(parts, position),
        truncate: (length) => file.truncate(length),
        sync,
        dataSync: () => file.dataSync(),
        stat: () => file.stat(),
        close: () => file.close(),
      }
    },
  } satisfies Disk
}

/** A file of the home that is put in its place before there is a journal. */
const early = (name: string, mark: string) => (disk: SimDisk) =>
  meddled(disk, async ({ call, to }) => {
    if (call !== 'rename' || to?.endsWith('/journal.json') !== true) return false
    const staged = disk
      .paths(`${codexHome}/.stemma-stage`)
      .find((path) => disk.peek(path)?.includes(mark) === true)
    assert(staged, `${name} is staged`)
    await disk.rename(staged, at(name))
    return false
  })

/** A file of the home that is written where it lies. */
const inPlace = (name: string) => (disk: SimDisk) =>
  meddled(disk, async ({ call, path, to }) => {
    if (call !== 'rename' || to !== at(name)) return false
    const content = disk.peek(path)
    assert(content, `${name} is staged`)
    const file = await disk.open(at(name), 'edit')
    await file.truncate(0)
    await file.write([content], 0)
    await file.sync()
    await file.close()
    await disk.unlink(path)
    return true
  })

const isIn = (folder: string) => (path: string) => path.startsWith(`${stemmaHome}/${folder}/`)
const isVault = (path: string) => path.startsWith(`${stemmaHome}/.tmp-`)
const isStaged = (path: string) => path.startsWith(`${codexHome}/.stemma-stage/`)

/** Struck as in the normal suite, by crashes. */
const isCaught = async <T>(scenario: Scenario<T>, by: string): Promise<void> =>
  expect(
    sweep({ ...scenario, faults: ['crash-after', 'torn'], reboots: 1, strikes: ofEachKind }),
  ).rejects.toThrow(by)

const others = 'what others can read'
describe.each(acts)('Q1: the sweep of a master catches, while it does $name:', (act) => {
  const needless = 'no epoch begins without a reason'
  const bugs: readonly Bug[] = [
    [
      'ciphertexts and wraps that are not synced',
      needless,
      skip(({ call, path }) => call === 'sync' && isIn('blobs')(path)),
    ],
    [
      'ciphertexts and wraps whose names are not synced',
      needless,
      skip(({ call, path }) => call === 'syncDir' && path.endsWith('/blobs')),
    ],
    ['a vault that is not synced', needless, skip(({ call, path }) => call === 'sync' && isVault(path))],
    ['a vault that others can read at first', others, open(isVault)],
    [
      'entries that are not synced',
      'what was acknowledged is there',
      skip(({ call }) => call === 'dataSync'),
    ],
  ]
  // A vault that is there has the key already: what comes late then are digests, which cost an entry and no more.
  const late: Bug = ['wraps in the log before the key of their epoch is durable', needless, lateVault]
  const all = act.name === 'publish' ? bugs : [...bugs, late]
  test.each(all)('%s', async (_, by, plant) => isCaught(sealing(act, false, plant), by))
})

describe('S37: the sweep of a follower catches', () => {
  const mixed = 'neither old nor new'
  const bugs: readonly Bug[] = [
    // The other way round does no lasting harm: the next sync finds an approval by its hash.
    ['a config.toml that is there before the journal', 'made up', early('config.toml', '# Canonical')],
    ['a config.toml that is written where it lies', mixed, inPlace('config.toml')],
    ['a secret that is written where it lies', mixed, inPlace('auth.json')],
    ['records that come after the files', 'made up', lateRecords],
    ['a staged secret that others can read at first', others, open(isStaged)],
    ['a backup that others can read at first', others, open(isIn('backups'))],
    ['records that others can read at first', others, open(isIn('apply'))],
    [
      'staged secrets that are not synced',
      mixed,
      skip(({ call, path }) => call === 'sync' && isStaged(path)),
    ],
  ]
  test.each(bugs)('%s', async (_, by, plant) => isCaught(await composing(false, plant), by))
})
