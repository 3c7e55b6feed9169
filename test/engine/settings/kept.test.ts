/** Which home a stemma folder keeps: by where it really lies, there or away. */
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDisk } from '../../../engine/disk/real.ts'
import { type Eyes, isSameHome, mustKeep, realHome } from '../../../engine/settings/kept.ts'

const disk = await openDisk()
let root: string
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'stemma-kept-')))
  mkdirSync(join(root, 'disk', 'codex'), { recursive: true })
  mkdirSync(join(root, 'other'))
  symlinkSync('disk/codex', join(root, '.codex'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const at = (path: string) => join(root, path)
const same = (one: string, other: string, on: Eyes = disk) => isSameHome(on, at(one), at(other))

test('S1: a symlinked home is the one that it leads to', async () => {
  expect(await realHome(disk, at('.codex'))).toBe(at('disk/codex'))
  expect(await same('.codex', 'disk/codex')).toBe(true)
  expect(await same('.codex', 'other')).toBe(false)
})

test('S1: a home that is away, or not there yet, is still the same one', async () => {
  renameSync(at('disk'), at('unmounted'))
  expect(await same('.codex', 'disk/codex')).toBe(true)
  expect(await same('.codex', 'unmounted/codex')).toBe(false)
  symlinkSync('other', at('way'))
  expect(await same('way/new/.codex', 'other/new/.codex')).toBe(true)
  expect(await same('way/new/.codex', 'other/new/codex')).toBe(false)
})

test('links that lead round and round end', async () => {
  symlinkSync('b', at('a'))
  symlinkSync('a', at('b'))
  expect(await same('a', 'a')).toBe(true)
  expect(await same('a', 'other')).toBe(false)
})

test('names are compared as the disk does', async () => {
  const folding = {
    foldsNames: true,
    realPath: (path: string) => disk.realPath(path),
    readLink: (path: string) => disk.readLink(path),
    stat: (path: string) => disk.stat(path),
  }
  expect(await same('none/.Codex', 'none/.codex', folding)).toBe(true)
  if (!disk.foldsNames) expect(await same('none/.Codex', 'none/.codex')).toBe(false)
})

test('S1: another home is refused with both names; a folder of an older version takes any', async () => {
  const homes = { stemmaHome: at('.stemma'), codexHome: at('other') }
  await mustKeep(disk, homes, { role: 'master' })
  await mustKeep(disk, homes, { role: 'master', home: at('other') })
  await expect(mustKeep(disk, homes, { role: 'master', home: at('.codex') })).rejects.toMatchObject({
    code: 'other-home',
    message: `${at('.stemma')} keeps the Codex home ${at('.codex')}, not ${at('other')}.`,
    facts: { stemmaHome: at('.stemma'), home: at('.codex'), given: at('other') },
  })
})
