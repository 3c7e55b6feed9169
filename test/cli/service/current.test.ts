/** U4: whether the files of a service are those of this version, whatever options it was given. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { agentPlan } from '../../../cli/service/agent.ts'
import { isCurrent, writeFile } from '../../../cli/service/file.ts'
import type { Plan, Service } from '../../../cli/service/service.ts'
import { systemdPlan } from '../../../cli/service/systemd.ts'
import { taskPlan } from '../../../cli/service/task.ts'
import { openDisk } from '../../../engine/disk/real.ts'
import { makeDirs } from '../../../engine/disk/tree.ts'
import { systemIds } from '../../../engine/env/system.ts'
import { oddService, plainService } from './services.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stemma-current-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const plans = { linux: systemdPlan, darwin: agentPlan, win32: taskPlan } as const

test.each(['linux', 'darwin', 'win32'] as const)('%s', async (system) => {
  const disk = await openDisk()
  const planOf = (service: Service): Plan => plans[system](service)
  for (const make of [plainService, oddService]) {
    const now = { ...make(system), words: ['master', 'serve'] }
    const { files, optionLine } = planOf(now)
    const given = planOf({ ...now, words: ['master', 'serve', '--allow', '10.0.0.0/8', '--port', '1'] })
    // Written where this system can hold them, and judged there.
    const here = files.map((file, at) => ({ ...file, path: join(root, `${make.name}-${at}`) }))
    await makeDirs(disk, dirname(here[0]?.path ?? ''), 0o700)
    const judge = async () => {
      const all = await Promise.all(here.map((file) => isCurrent(disk, file, optionLine)))
      return all.every((one) => one)
    }
    const write = async (change: (text: string) => string) => {
      for (const [at, { path }] of here.entries()) {
        const { text = '', encoding = 'utf8', mode = 0o600 } = given.files[at] ?? {}
        await writeFile(disk, systemIds, { path, encoding, mode, text: change(text) })
      }
    }
    expect(await judge()).toBe(false)
    await write((text) => text)
    expect(await judge()).toBe(true)
    // Another time before it is started again, and another STEMMA_HOME in the same place.
    await write((text) => text.replace(/(RestartSec=|<integer>|WScript\.Sleep )\d+/, '$19'))
    expect(await judge()).toBe(false)
    await write((text) => `${text}\n`)
    expect(await judge()).toBe(false)
  }
})
