/** U4: who lives in a stemma folder, asked without claiming it. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDisk } from '../../../engine/disk/real.ts'
import { systemClock as clock, systemIds as ids } from '../../../engine/env/system.ts'
import { acquireLock } from '../../../transport/control/lock.ts'
import { nobody, survey } from '../../../transport/control/survey.ts'

const disk = await openDisk()
const uid = process.getuid?.() ?? null
let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'stemma-survey-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))
const look = () => survey(home, { disk, clock, uid })

test('nobody, an owner, and nobody again', async () => {
  expect(await look()).toEqual(nobody)
  expect(existsSync(join(home, 'run'))).toBe(false)
  const { signal } = new AbortController()
  const lock = await acquireLock({ home, what: 'a test', disk, clock, ids, pid: process.pid, uid, signal })
  expect(await look()).toEqual({ owner: { pid: process.pid, what: 'a test' }, dead: [] })
  await lock.release()
  expect(await look()).toEqual(nobody)
  expect(await survey(join(home, 'none'), { disk, clock, uid })).toEqual(nobody)
})

test('sockets of the dead are named and stay', async () => {
  const { signal } = new AbortController()
  const lock = await acquireLock({ home, what: 'a test', disk, clock, ids, pid: process.pid, uid, signal })
  const dead = ['c-', 'w-'].map((stage) => join(home, 'run', `${stage}${'0'.repeat(24)}.sock`))
  const die = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
  for (const path of dead) spawnSync(process.execPath, ['-e', die, path])
  const { owner, dead: found } = await look()
  expect([owner, found]).toEqual([{ pid: process.pid, what: 'a test' }, dead])
  expect(readdirSync(join(home, 'run'))).toHaveLength(3)
  await lock.release()
})

test('T19: a folder of sockets that others may enter is not believed', async () => {
  const { signal } = new AbortController()
  const lock = await acquireLock({ home, what: 'a test', disk, clock, ids, pid: process.pid, uid, signal })
  chmodSync(join(home, 'run'), 0o755)
  await expect(look()).rejects.toMatchObject({ code: 'disk-denied' })
  await lock.release()
})
