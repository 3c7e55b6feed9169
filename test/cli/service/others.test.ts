/** Installing and removing services of other systems, with service managers that are stand-ins. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { define } from '../../../cli/command.ts'
import type { Context } from '../../../cli/context.ts'
import { run } from '../../../cli/run.ts'
import { install, outline, uninstall } from '../../../cli/service/install.ts'
import type { Service } from '../../../cli/service/service.ts'
import { systemClock, systemIds } from '../../../engine/env/system.ts'
import { exitCodes } from '../../../schemas/code.ts'
import { lentMs } from '../../../schemas/limits.ts'
import { serviceLookMs } from '../../../schemas/limits-cli.ts'
import { acquireLock } from '../../../transport/control/lock.ts'
import { world } from '../world.ts'
import { Fakes } from './fakes.ts'

let root: string
let fakes: Fakes
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stemma-service-'))
  fakes = new Fakes(join(root, 'fakes'), join(root, '.config/systemd/user'))
})
afterEach(() => {
  fakes.close()
  rmSync(root, { recursive: true, force: true })
})

const stemmaHome = () => join(root, '.stemma')

describe.skipIf(process.platform === 'win32')('S54: the other systems, by stand-ins alone', () => {
  /** A clock that has no patience: nothing that is started here serves. */
  const within = async (work: (context: Context) => Promise<void>) => {
    const command = define({
      args: [],
      options: {},
      examples: [],
      async run(context) {
        let ms = 0
        const clock = { ...context.clock, monotonic: () => (ms += 10_000), wait: async () => {} }
        await work({ ...context, clock })
        return exitCodes.done
      },
    })
    const bare = world({
      env: {
        HOME: root,
        PATH: `${fakes.bin}:/usr/bin:/bin`,
        STEMMA_HOME: stemmaHome(),
        CODEX_HOME: join(root, '.codex'),
      },
    })
    const at = { ...bare, uid: process.getuid?.() ?? null }
    const code = await run(['go'], at, [{ path: 'go', summary: 'Goes', load: async () => command }])
    return [code, bare.err.text]
  }
  const service = (system: Service['system']): Service => ({
    system,
    role: 'follower',
    homeDir: root,
    configDir: join(root, '.config'),
    user: system === 'win32' ? 'DESK\\u' : '501',
    stemmaHome: stemmaHome(),
    codexHome: join(root, '.codex'),
    isLockInTmp: false,
    words: ['follower', 'watch'],
  })
  const program = { node: '/usr/bin/node', script: '/usr/lib/node_modules/stemma/dist/cli/stemma.cjs' }

  test.each([
    ['darwin', ['Library/LaunchAgents/stemma-follower.plist', '.stemma/service/stemma', '.stemma/logs']],
    [
      'win32',
      [
        '.stemma/service/follower.xml',
        '.stemma/service/follower.vbs',
        '.stemma/service/stemma.cmd',
        '.stemma/logs',
      ],
    ],
  ] as const)('%s', async (system, files) => {
    mkdirSync(stemmaHome())
    const list = join(root, 'Library/LaunchAgents/stemma-follower.plist')
    const task = join(stemmaHome(), 'service/follower.xml')
    const did = await within(async (context) => {
      const disk = await context.openDisk()
      const what = outline(service(system), program)
      expect(await install(context, disk, service(system), what)).toBe('down')
      for (const file of files) expect(existsSync(join(root, file)), file).toBe(true)
      const calls = {
        darwin: [
          'launchctl print gui/501',
          'launchctl bootout gui/501/stemma-follower',
          'launchctl print gui/501/stemma-follower',
          `launchctl bootstrap gui/501 ${list}`,
        ],
        win32: [
          'schtasks /?',
          'schtasks /end /tn stemma-follower-u',
          'schtasks /delete /tn stemma-follower-u /f',
          `schtasks /create /tn stemma-follower-u /xml ${task} /f`,
          'schtasks /run /tn stemma-follower-u',
        ],
      }
      expect(fakes.called()).toEqual(calls[system])
      writeFileSync(join(stemmaHome(), 'logs/follower.log'), 'said\n')
      expect(await uninstall(context, disk, service(system))).toEqual({
        removed: true,
        told: true,
        kept: null,
      })
      for (const file of files) expect(existsSync(join(root, file)), file).toBe(false)
      expect(readdirSync(stemmaHome())).toEqual([])
    })
    expect(did).toEqual([0, ''])
  })

  test('a task of Windows ends its script alone: what that started is asked to end', async () => {
    mkdirSync(stemmaHome())
    const did = await within(async (context) => {
      const disk = await context.openDisk()
      const claim = { home: stemmaHome(), what: 'follower watch', disk, clock: systemClock, ids: systemIds }
      const lock = await acquireLock({ ...claim, pid: context.pid, uid: context.uid, signal: context.signal })
      const asked = new Promise<void>((resolve) => {
        void lock.serve(async ({ cmd }) => {
          expect(cmd).toBe('stop')
          resolve()
          return {}
        })
      })
      const released = asked.then(() => lock.release())
      const patient = { ...context, clock: systemClock }
      await uninstall(patient, disk, service('win32'))
      await released
    })
    expect(did).toEqual([0, ''])
  })

  test('a watcher of Windows that has lent the folder is asked when it is back', async () => {
    mkdirSync(stemmaHome())
    const did = await within(async (context) => {
      const disk = await context.openDisk()
      const claim = { home: stemmaHome(), disk, clock: systemClock, ids: systemIds, uid: context.uid }
      const own = (what: string) => acquireLock({ ...claim, what, pid: context.pid, signal: context.signal })
      const borrower = await own('sync')
      const watcher = (async () => {
        await systemClock.wait(3 * serviceLookMs, context.signal)
        await borrower.release()
        await systemClock.wait(lentMs, context.signal)
        const lock = await own('follower watch')
        await new Promise<void>((resolve) => {
          void lock.serve(async ({ cmd }) => {
            expect(cmd).toBe('stop')
            resolve()
            return {}
          })
        })
        await lock.release()
        return 'asked'
      })()
      await uninstall({ ...context, clock: systemClock }, disk, service('win32'))
      expect(await Promise.race([watcher, 'not asked'])).toBe('asked')
      expect(fakes.called()).toEqual([
        'schtasks /?',
        'schtasks /end /tn stemma-follower-u',
        'schtasks /delete /tn stemma-follower-u /f',
      ])
    })
    expect(did).toEqual([0, ''])
  })

  test('one that looks at a large home first is told to be on its way', async () => {
    mkdirSync(stemmaHome())
    const did = await within(async (context) => {
      const disk = await context.openDisk()
      const claim = { home: stemmaHome(), what: 'master serve', disk, clock: systemClock, ids: systemIds }
      const what = { ...service('darwin'), role: 'master', words: ['master', 'serve'] } as const
      // It has the folder, and answers nothing but who it is.
      const lock = await acquireLock({ ...claim, pid: context.pid, uid: context.uid, signal: context.signal })
      const running = { ...outline(what, program) }
      const plan = { ...running.plan, running: null, isStoppedFirst: false }
      expect(await install(context, disk, what, { ...running, plan })).toBe('starting')
      await lock.release()
    })
    expect(did).toEqual([0, ''])
  })
})
