/** U4: a service that is installed and does not do its work, under the real systemd of a user. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { masterStatus } from '../../schemas/report.ts'
import { v } from '../../schemas/shape.ts'
import { freePort } from '../cli/service/fakes.ts'
import { Clinic } from './clinic.ts'
import { type Machine, onLoopback } from './machine.ts'
import { until } from './patience.ts'
import { startUserSystemd, systemdMissing, type UserSystemd } from './user-systemd.ts'

const missing = systemdMissing()
if (missing !== null) process.stderr.write(`skipped: the doctor beside a real systemd: ${missing}\n`)

describe.skipIf(missing !== null)('a service', () => {
  const clinic = new Clinic()
  let systemd: UserSystemd
  let master: Machine
  let unit = ''
  let port = 0
  const name = () => unit.split('/').at(-1) ?? ''
  beforeAll(async () => {
    const home = dirname(clinic.make('user').stemmaHome)
    systemd = await startUserSystemd(home)
    master = clinic.make('master', systemd.env, systemd.inside)
    master.write('AGENTS.md', 'one\n')
    expect((await master.stemma('master', 'init')).code).toBe(0)
    port = await freePort()
    const installed = await master.stemma('master', 'install', ...onLoopback, '--port', `${port}`)
    expect(installed.code, installed.stderr).toBe(0)
    const units = join(home, '.config/systemd/user')
    unit = join(units, readdirSync(units).find((one) => one.endsWith('.service')) ?? '')
  })
  afterAll(async () => {
    await systemd?.stop()
    await clinic.close()
  })

  const beside = (...words: string[]) => {
    const [program = '', ...args] = [...systemd.inside, ...words]
    return spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, ...systemd.env } })
  }
  const systemctl = (...words: string[]) => expect(beside('systemctl', '--user', ...words).stderr).toBe('')
  const visit = async (...words: string[]) => {
    const told = JSON.parse((await master.stemma('doctor', '--json', ...words)).stdout)
    return {
      ids: told.findings.map(({ id }: { id: string }) => id),
      mended: told.mended.map(({ id }: { id: string }) => id),
      means: told.findings.map(({ means }: { means: string }) => means).join(' '),
    }
  }
  /** The process that serves; null when none does, or it cannot say so yet. */
  const serving = async () => {
    const told = await master.stemma('status', '--json')
    return told.code === 0 ? v.parse(masterStatus, told.json()).serving : null
  }
  const isServing = async () => (await serving()) !== null
  const found = async () => (await visit()).ids
  const isInState = (state: string) => () =>
    new RegExp(`^SubState=(?:${state})$`, 'm').test(
      beside('systemctl', '--user', 'show', '--property=SubState', name()).stdout,
    )
  // What a test broke it has mended: the next one begins with a sound machine.
  afterEach(async () => {
    await until('it serves', isServing)
    expect(await found()).toEqual([])
  })

  test('that was stopped; that does not start by itself', async () => {
    systemctl('stop', name())
    expect(await found()).toEqual(['service-stopped'])
    systemctl('disable', '--quiet', name())
    systemctl('start', name())
    await until('it serves', isServing)
    expect(await found()).toEqual(['service-disabled'])
    systemctl('enable', '--quiet', name())
  })

  test('that has failed for good: its settings are wrong', async () => {
    const file = join(master.stemmaHome, 'settings.toml')
    writeFileSync(file, 'bogus = 1\n', { mode: 0o600 })
    beside('systemctl', '--user', 'restart', name())
    await until('it has failed', isInState('failed'))
    const { ids, means } = await visit()
    expect(ids).toEqual(['bad-settings', 'service-failed'])
    expect(means).toContain('with status 2')
    rmSync(file)
    systemctl('restart', name())
  })

  test('whose port another program has', async () => {
    systemctl('stop', name())
    const other = createServer().listen(port, '127.0.0.1')
    await once(other, 'listening')
    beside('systemctl', '--user', 'restart', name())
    await until('it ends again and again', isInState('auto-restart'))
    expect(await found()).toEqual(['port-taken'])
    other.close()
    await once(other, 'close')
    systemctl('restart', name())
  })

  test('that runs by hand instead', async () => {
    systemctl('stop', name())
    const byHand = await master.serve(...onLoopback)
    expect(await found()).toEqual(['service-stopped'])
    beside('kill', `${(await serving())?.pid}`)
    await byHand.ended()
    systemctl('start', name())
  })

  test('whose Node and whose launcher are gone: mended, and started again', async () => {
    const launcher = join(master.stemmaHome, 'service', 'stemma')
    const text = readFileSync(launcher, 'utf8')
    writeFileSync(launcher, text.replace(process.execPath, '/gone/bin/node'))
    const { ids, mended } = await visit('--fix')
    expect([ids, mended]).toEqual([[], ['launcher-broken']])
    expect(readFileSync(launcher, 'utf8')).toBe(text)
    rmSync(launcher)
    expect(await found()).toEqual(['launcher-broken'])
    beside('systemctl', '--user', 'restart', name())
    // Each shell has a status of its own for it.
    await until('it has ended', isInState('failed|auto-restart'))
    expect(await visit('--fix')).toMatchObject({ ids: [], mended: ['launcher-broken'] })
  })

  test('of another version; that systemd gives no namespace', async () => {
    const text = readFileSync(unit, 'utf8')
    writeFileSync(unit, text.replace('UMask=0077\n', ''))
    expect(await found()).toEqual(['service-changed'])
    writeFileSync(unit, text)
    const dropIn = `${unit}.d`
    mkdirSync(dropIn)
    const away = join(dirname(master.stemmaHome), 'away')
    writeFileSync(join(dropIn, 'own.conf'), `[Service]\nReadWritePaths=${away}\n`)
    systemctl('daemon-reload')
    beside('systemctl', '--user', 'restart', name())
    await until('it ends again and again', isInState('auto-restart'))
    const { ids, means } = await visit()
    expect(ids).toEqual(['service-restarting'])
    expect(means).toContain('status 226')
    // As it is told there what to do.
    writeFileSync(join(dropIn, 'told.conf'), '[Service]\nProtectSystem=no\nReadWritePaths=\n')
    systemctl('daemon-reload')
    systemctl('restart', name())
    await until('it serves', isServing)
    expect(await found()).toEqual([])
    rmSync(dropIn, { recursive: true })
    systemctl('daemon-reload')
  })

  test('whose manager does not answer', async () => {
    const { ids } = await clinic.visit(master, [], { ...systemd.env, XDG_RUNTIME_DIR: '/nowhere' })
    expect(ids).toEqual(['service-unknown'])
  })
})
