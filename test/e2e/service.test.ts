/** Services under the real systemd of a user. What it is told elsewhere is in `test/cli/service`. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { v } from '../../schemas/shape.ts'
import { freePort } from '../cli/service/fakes.ts'
import { type Machine, makeMachine, onLoopback } from './machine.ts'
import { until } from './patience.ts'
import { startUserSystemd, systemdMissing, type UserSystemd } from './user-systemd.ts'

const missing = systemdMissing()
if (missing !== null) process.stderr.write(`skipped: services under a real systemd: ${missing}\n`)

const installed = v.object({ service: v.string(), files: v.array(v.string()) })
const masterTold = v.object({
  seq: v.number(),
  serving: v.nullable(v.object({ pid: v.number(), port: v.number() })),
  service: v.nullable(v.object({ installed: v.boolean(), running: v.boolean() })),
})

describe.skipIf(missing !== null)('S54: a real systemd', () => {
  const machines: Machine[] = []
  let systemd: UserSystemd | null = null
  let home = ''
  beforeEach(async () => {
    const user = makeMachine('user')
    machines.push(user)
    home = dirname(user.stemmaHome)
    systemd = await startUserSystemd(home)
  })
  afterEach(async () => {
    await systemd?.stop()
    for (const machine of machines.splice(0)) await machine.remove()
  })

  /** A machine beside the manager, with folders that are not where stemma looks by itself. */
  const make = (name: string, isBeside = true): Machine => {
    const machine = isBeside ? makeMachine(name, systemd?.inside, systemd?.env) : makeMachine(name)
    machines.push(machine)
    return machine
  }
  const makeMaster = async (name: string, isBeside = true): Promise<Machine> => {
    const master = make(name, isBeside)
    master.write('AGENTS.md', 'one\n')
    expect((await master.stemma('master', 'init')).code).toBe(0)
    return master
  }
  const beside = (...words: string[]) => {
    const [program = '', ...args] = [...(systemd?.inside ?? []), ...words]
    return spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, ...systemd?.env } })
  }
  const told = async (machine: Machine, ...words: string[]) => {
    const run = await machine.stemma(...words, '--json')
    expect(
      run.code,
      run.stdout + run.stderr + beside('systemctl', '--user', 'status', 'stemma-*').stdout,
    ).toBe(0)
    return run.json()
  }
  const statusOf = async (master: Machine) => v.parse(masterTold, await told(master, 'status'))
  const serving = async (master: Machine) => {
    const { serving } = await statusOf(master)
    return serving ?? { pid: 0, port: 0 }
  }
  const unitsLeft = () => (existsSync(join(home, '.config')) ? readdirSync(join(home, '.config')) : [])

  test('a master serves, comes back after a kill, is upgraded in place, and leaves nothing', async () => {
    const master = await makeMaster('it\'s 100% "new" $HOME \\ é & <b>')
    const [first, second] = [await freePort(), await freePort()]
    const install = (port: number) => told(master, 'master', 'install', ...onLoopback, '--port', `${port}`)
    const { service, files } = v.parse(installed, await install(first))
    const before = await statusOf(master)
    expect(before).toMatchObject({ service: { installed: true, running: true }, serving: { port: first } })

    const pid = before.serving?.pid ?? 0
    const kernel = beside('cat', `/proc/${pid}/status`).stdout
    expect(kernel).toMatch(/^NoNewPrivs:\t1$/m)
    expect(kernel).toMatch(/^Seccomp:\t2$/m)
    expect(kernel).toMatch(/^Umask:\t0077$/m)
    const write = (folder: string) =>
      beside('nsenter', '--target', `${pid}`, '--mount', 'touch', join(folder, 'probe')).stderr
    expect(write(master.codexHome)).toContain('Read-only file system')
    expect(write(master.stemmaHome)).toBe('')

    master.write('AGENTS.md', 'two\n')
    await until('the change is published', async () => (await statusOf(master)).seq > before.seq)

    beside('kill', '-9', `${pid}`)
    await until('it serves again', async () => ![0, pid].includes((await serving(master)).pid))

    await install(second)
    expect(await serving(master)).toMatchObject({ port: second })
    expect(readFileSync(files[1] ?? '', 'utf8')).not.toContain(`--port ${first}`)

    // What no other start can mend is not started again.
    writeFileSync(join(master.stemmaHome, 'settings.toml'), 'bogus = 1\n')
    beside('systemctl', '--user', 'restart', service)
    const state = () =>
      beside('systemctl', '--user', 'show', service, '--property=ActiveState,ExecMainStatus').stdout
    await until('it has failed for good', () => /ActiveState=failed/.test(state()))
    expect(state()).toContain('ExecMainStatus=2')
    rmSync(join(master.stemmaHome, 'settings.toml'))
    expect((await statusOf(master)).service).toEqual({ installed: true, running: false })

    const gone = { service, removed: true, told: true, kept: null }
    expect(await told(master, 'master', 'uninstall')).toEqual(gone)
    expect((await statusOf(master)).service).toEqual({ installed: false, running: false })
    expect([unitsLeft(), existsSync(join(master.stemmaHome, 'service'))]).toEqual([[], false])
    expect(beside('systemctl', '--user', 'list-units', '--all', 'stemma-*').stdout).toContain(
      '0 loaded units',
    )
    expect(await told(master, 'master', 'uninstall')).toEqual({ ...gone, removed: false })
  })

  test('its lock may lie in /tmp; what runs by hand comes first', async () => {
    const master = await makeMaster('x'.repeat(90))
    const byHand = await master.serve(...onLoopback)
    const refused = await master.stemma('master', 'install', '--json', ...onLoopback)
    expect([refused.code, JSON.parse(refused.stdout).error.code]).toEqual([1, 'locked'])
    expect([unitsLeft(), existsSync(join(master.stemmaHome, 'service'))]).toEqual([[], false])
    beside('kill', `${(await serving(master)).pid}`)
    await byHand.ended()
    const port = await freePort()
    await told(master, 'master', 'install', ...onLoopback, '--port', `${port}`)
    const { seq } = await statusOf(master)
    master.write('AGENTS.md', 'two\n')
    await until('the change is published', async () => (await statusOf(master)).seq > seq)
  })

  test('S22: a follower watches, and leaves with its service', async () => {
    const master = await makeMaster('master', false)
    const server = await master.serve(...onLoopback)
    const { fingerprint } = server.said[0] ?? {}
    const follower = make("it's following")
    const link = ['--master', `wss://127.0.0.1:${server.port}`, '--fingerprint', String(fingerprint)]
    await told(follower, 'follower', 'join', ...link, '--yes', '--no-hook')
    expect(await told(follower, 'follower', 'install')).toMatchObject({ installed: true, running: true })
    expect(await told(follower, 'status')).toMatchObject({ service: { installed: true, running: true } })
    master.write('AGENTS.md', 'two\n')
    await until('the change is in place', () => follower.read('AGENTS.md') === 'two\n')
    expect(await told(follower, 'follower', 'leave')).toMatchObject({ service: 'removed' })
    expect([unitsLeft(), existsSync(join(follower.stemmaHome, 'service'))]).toEqual([[], false])
    await server.stop()
  })
})
