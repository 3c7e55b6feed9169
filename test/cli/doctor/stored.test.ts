/** U4, Q1: what is stored is read whole, damage is found wherever it is, and nothing is written. */
import { describe, expect, test } from 'vitest'
import { lookAtStored } from '../../../cli/doctor/looks/stored.ts'
import { DryDisk } from '../../../engine/disk/dry.ts'
import { saveLocal } from '../../../engine/settings/file.ts'
import { isHash } from '../../../schemas/shape.ts'
import {
  join,
  type Machine,
  machine,
  masterHome,
  newMaster,
  openFollower,
  publish,
} from '../../engine/world.ts'

const { signal } = new AbortController()
const look = (at: Machine, role: 'master' | 'follower', stemmaHome: string, isOwned = false) =>
  lookAtStored({
    context: { ...at, signal, homes: { stemmaHome, codexHome: '/codex' } },
    disk: new DryDisk(at.disk),
    ...{ role, isOwned },
  })
const sound = { keys: null, log: null, missing: [], damaged: [], fork: null, cutOff: false, records: null }
const contentsOf = ({ disk }: Machine) =>
  disk.paths('/').map((path) => [path, disk.peek(path)?.toString('hex')])

/** A master with two segments, closed. */
async function twoSegments(): Promise<Machine> {
  const { at, master } = await newMaster()
  await publish(master, 'AGENTS.md', 'one')
  await publish(master, 'skills/a/SKILL.md', 'two')
  await master.compact()
  await publish(master, 'prompts/b.md', 'three')
  await master.close()
  return at
}
const segmentsOf = ({ disk }: Machine) =>
  disk.paths(`${masterHome}/log`).filter((path) => path.endsWith('.seg'))

describe('a master', () => {
  test('is sound, and as it was', async () => {
    const at = await twoSegments()
    const before = contentsOf(at)
    expect(segmentsOf(at)).toHaveLength(2)
    expect(await look(at, 'master', masterHome)).toEqual({ ...sound, seq: 4, folders: 4 })
    expect(contentsOf(at)).toEqual(before)
  })

  test('a flip of any byte of any segment is found, but for the last batch, which looks torn', async () => {
    const at = await twoSegments()
    const [older = '', newer = ''] = segmentsOf(at)
    for (const path of [older, newer]) {
      const whole = at.disk.peek(path) ?? Buffer.alloc(0)
      // The head and the entry of the last batch of the newest segment are below 1,000 bytes.
      const until = path === newer ? whole.length - 1_000 : whole.length
      for (let byte = 0; byte < until; byte += 7) {
        const broken = Buffer.from(whole)
        broken[byte] = (broken[byte] ?? 0) ^ 0x20
        at.disk.plantFile(path, broken)
        const { log } = await look(at, 'master', masterHome)
        expect(log?.code, `${path} at ${byte}`).toMatch(/^(?:log-damaged|upgrade-needed)$/)
        expect(at.disk.peek(path)?.equals(broken)).toBe(true)
      }
      at.disk.plantFile(path, whole)
    }
    expect((await look(at, 'master', masterHome)).log).toBeNull()
  })

  test('a tail that was torn is no damage, and is left to the next start', async () => {
    const at = await twoSegments()
    const [, newer = ''] = segmentsOf(at)
    const whole = at.disk.peek(newer) ?? Buffer.alloc(0)
    at.disk.plantFile(newer, whole.subarray(0, -5))
    expect(await look(at, 'master', masterHome)).toEqual({ ...sound, seq: 3, folders: 3 })
    expect(at.disk.peek(newer)).toHaveLength(whole.length - 5)
  })

  test('a content that is missing or damaged is named, and stays where it is', async () => {
    const at = await twoSegments()
    const [first = '', second = ''] = at.disk.paths(`${masterHome}/blobs`)
    at.disk.plantFile(first, Buffer.from('other'))
    await at.disk.unlink(second)
    const { missing, damaged } = await look(at, 'master', masterHome)
    expect([damaged, missing]).toEqual([[first.split('/').at(-1)], [second.split('/').at(-1)]])
    expect(missing.every(isHash)).toBe(true)
    expect(at.disk.peek(first)?.toString()).toBe('other')
  })

  test('keys of another log, open keys, no log', async () => {
    const at = await twoSegments()
    const { at: other, master } = await newMaster(2)
    await master.close()
    const key = `${masterHome}/keys/log.key`
    const own = at.disk.peek(key) ?? Buffer.alloc(0)
    at.disk.plantFile(key, other.disk.peek(key) ?? '', 0o600)
    expect((await look(at, 'master', masterHome)).keys?.code).toBe('keys-damaged')
    at.disk.plantFile(key, own, 0o644)
    expect((await look(at, 'master', masterHome)).keys?.code).toBe('keys-exposed')
    const empty = machine(3)
    await empty.disk.makeDir(masterHome)
    await saveLocal(empty.disk, empty.ids, masterHome, { role: 'master' })
    expect((await look(empty, 'master', masterHome)).log?.code).toBe('log-damaged')
  })

  test('somebody who writes meanwhile is not taken for damage: it is looked at again', async () => {
    const at = await twoSegments()
    const [blob = ''] = at.disk.paths(`${masterHome}/blobs`)
    const bytes = at.disk.peek(blob) ?? Buffer.alloc(0)
    let looks = 0
    const racing = new Proxy(at.disk, {
      get(disk, name) {
        if (name === 'list')
          return async (path: string) => {
            const found = await disk.list(path)
            // It goes while the first look is under way, and is back before the second.
            if (path === `${masterHome}/blobs` && ++looks === 1)
              return found?.filter((entry) => !blob.endsWith(entry.name)) ?? null
            return found
          }
        const value: unknown = Reflect.get(disk, name)
        return typeof value === 'function' ? value.bind(disk) : value
      },
    })
    const racer = { ...at, disk: racing }
    // Also where nobody owned the folder when it was asked: a watcher lends it for moments.
    for (const isOwned of [true, false]) {
      looks = 0
      expect((await look(racer, 'master', masterHome, isOwned)).missing).toEqual([])
      expect(looks).toBe(2)
    }
    expect(at.disk.peek(blob)?.equals(bytes)).toBe(true)
  })
})

test('a follower: before its first entry, and with all of the log', async () => {
  const { master } = await newMaster()
  await publish(master, 'AGENTS.md', 'one')
  const at = machine(7)
  const follower = await openFollower(at)
  expect(await look(at, 'follower', '/f')).toEqual({ ...sound, seq: null, folders: 1 })
  await join(master, follower)
  await follower.close()
  const before = contentsOf(at)
  expect(await look(at, 'follower', '/f')).toMatchObject({ ...sound, seq: 2, folders: 1 })
  expect(contentsOf(at)).toEqual(before)
})
