/** The real disk passes the suite; and what only a real one can show. */
import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openDisk } from '../../../engine/disk/real.ts'
import { diskSuite } from './suite.ts'

const root = mkdtempSync(join(tmpdir(), 'stemma-disk-'))
// Mode bits bind everybody but root: as root the tests step down to an unknown user.
const isRoot = process.getuid?.() === 0
if (isRoot) {
  chownSync(root, 65534, 65534)
  process.seteuid?.(65534)
}
let made = 0
const freshDir = () => {
  const dir = join(root, `d${made++}`)
  mkdirSync(dir)
  return dir
}
const servers: ReturnType<typeof createServer>[] = []
afterAll(() => {
  if (isRoot) process.seteuid?.(0)
  for (const server of servers) server.close()
  rmSync(root, { recursive: true, force: true })
})

diskSuite('real disk', async () => ({
  disk: await openDisk(root),
  dir: freshDir(),
  plantLink: (path, target) => symlinkSync(target, path),
  plantFifo: (path) => void execFileSync('mkfifo', [path]),
  plantSocket: (path) => new Promise((resolve) => servers.push(createServer().listen(path, () => resolve()))),
  obeysModes: process.platform !== 'win32',
}))

test('T16: probing for folded names leaves nothing behind and needs no folder', async () => {
  const dir = freshDir()
  const linux = process.platform === 'linux'
  const before = readdirSync(root)
  const disk = await openDisk(dir)
  if (linux) expect(disk.foldsNames).toBe(false)
  expect((await openDisk(join(dir, 'none', 'deeper'))).foldsNames).toBe(disk.foldsNames)
  expect((await openDisk()).foldsNames).toBe(process.platform !== 'linux')
  expect(readdirSync(dir)).toEqual([])
  expect(readdirSync(root)).toEqual(before)
  writeFileSync(join(dir, 'Twin'), '')
  writeFileSync(join(dir, 'tWIN'), '')
  if (linux) expect((await openDisk(dir)).foldsNames).toBe(false)
})

test('a path with NUL is a bug of the caller, no fault of the disk', async () => {
  const disk = await openDisk()
  await expect(disk.stat('/a\0b')).rejects.toThrow(TypeError)
})

test('S25: looking at 10,000 files stays well under 200 ms, and syncs overlap with the loop', async () => {
  const disk = await openDisk()
  const dir = freshDir()
  for (let at = 0; at < 10_000; at++) writeFileSync(join(dir, `file-${at}`), '')
  const best = { listMs: Infinity, statMs: Infinity }
  for (let round = 0; round < 3; round++) {
    const start = performance.now()
    const entries = (await disk.list(dir)) ?? []
    const listed = performance.now()
    for (const entry of entries) await disk.stat(`${dir}/${entry.name}`)
    best.listMs = Math.min(best.listMs, listed - start)
    best.statMs = Math.min(best.statMs, performance.now() - listed)
  }
  expect(best.listMs + best.statMs).toBeLessThan(200)

  const file = await disk.open(`${dir}/file-1`, 'edit')
  await file.write([Buffer.alloc(4 << 20, 1)], 0)
  let turns = 0
  const sync = file.sync().then(() => 'done')
  const turn = () => new Promise<string>((resolve) => setImmediate(() => resolve(`turn ${++turns}`)))
  while ((await Promise.race([sync, turn()])) !== 'done');
  expect(turns).toBeGreaterThan(0)
  await file.close()
})
