/** Owning the stemma folder from a command, and asking the command that does. */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Context } from '../../cli/context.ts'
import { askRunning, forAnyone, owning, patiently } from '../../cli/owner.ts'
import { makeWriter } from '../../cli/ui/writer.ts'
import { openDisk } from '../../engine/disk/real.ts'
import { systemClock, systemIds } from '../../engine/env/system.ts'
import { Fault } from '../../schemas/fault.ts'
import { world } from './world.ts'

const disk = await openDisk()
let root: string
let context: Context
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stemma-owner-'))
  const at = world()
  context = {
    ...at,
    homes: { stemmaHome: join(root, 'deep', '.stemma'), codexHome: join(root, '.codex') },
    out: makeWriter(at.out, {}),
    err: makeWriter(at.err, {}),
    json: false,
    progress: { tell: () => {}, end: () => {}, during: (_, work) => work },
    clock: systemClock,
    ids: systemIds,
    pid: process.pid,
    uid: process.getuid?.() ?? null,
    openDisk,
  }
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

test('the folder is made closed to others, owned while the work lasts, and free after a failure', async () => {
  expect(await askRunning(context, disk, { cmd: 'status' })).toBeNull()
  expect(existsSync(context.homes.stemmaHome)).toBe(false)
  const work = owning(context, 'sync', disk, async () => {
    if (!disk.windows) expect(statSync(context.homes.stemmaHome).mode & 0o777).toBe(0o700)
    const second = owning(context, 'apply', disk, async () => 'never')
    await expect(second).rejects.toMatchObject({ code: 'locked', facts: { what: 'sync' } })
    throw new Fault('disk-full', 'No space.')
  })
  await expect(work).rejects.toMatchObject({ code: 'disk-full' })
  expect(await owning(context, 'apply', disk, async () => 'done')).toBe('done')
})

test('what the owner refuses is thrown, what it answers is given', async () => {
  await owning(context, 'master serve', disk, async (lock) => {
    const served = lock.serve(async (request) => {
      if (request.cmd === 'approve') throw new Fault('unknown-follower', 'Nobody waits.', { waiting: 0 })
      if (request.cmd === 'open') throw new Error('bug: a stone')
      return { did: request.cmd }
    })
    const stopped = expect(served).rejects.toThrow('a stone')
    expect(await askRunning(context, disk, { cmd: 'rebuild' }, 1_000)).toEqual({ ok: { did: 'rebuild' } })
    await expect(askRunning(context, disk, { cmd: 'approve', follower: 'x' })).rejects.toMatchObject({
      code: 'unknown-follower',
      facts: { waiting: 0 },
    })
    await expect(askRunning(context, disk, { cmd: 'open' })).rejects.toThrow('bug')
    await stopped
  })
})

test('S54: a master that is only starting is waited for, and one that never takes commands is reported', async () => {
  await owning(context, 'master serve', disk, async (lock) => {
    let waited = 0
    const at = (wait: () => void, lateBy = 0): Context => ({
      ...context,
      clock: {
        ...systemClock,
        monotonic: () => systemClock.monotonic() + (waited > 0 ? lateBy : 0),
        wait: async (ms, signal) => {
          waited++
          wait()
          await systemClock.wait(ms, signal)
        },
      },
    })
    const ask = (asking: Context) =>
      patiently(asking, () => askRunning(asking, disk, { cmd: 'status' }), forAnyone)
    const tired = ask(at(() => {}, 60_000))
    await expect(tired).rejects.toMatchObject({ code: 'locked', facts: { what: 'master serve' } })
    expect(waited).toBe(1)
    waited = 0
    const begin = () => void lock.serve(async ({ cmd }) => ({ did: cmd }))
    expect(await ask(at(begin))).toEqual({ ok: { did: 'status' } })
    expect(waited).toBe(1)
  })
})
