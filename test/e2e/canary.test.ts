/** Words that must not get out, through every command, the link, and what lies on both disks (S8, S9, Q4, Q5). */
import { once } from 'node:events'
import { cpSync, lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CommandRun, type Machine, makeMachine, onLoopback } from './machine.ts'
import type { Server } from './server.ts'

const words = {
  'auth.json': 'canary-of-the-login-7f3a',
  '.env': 'canary-of-the-environment-91bc',
  'config.toml': 'canary-of-the-mcp-server-55de',
  'hooks.json': 'canary-of-the-hook-e07d',
} as const
const needles = Object.values(words).flatMap((word) => [
  word,
  Buffer.from(word).toString('hex'),
  Buffer.from(word).toString('base64').slice(0, 20),
])
/** The needles that are in there. */
const found = (text: string | Buffer): string[] => needles.filter((needle) => text.includes(needle))

const homeOf = (tail: string) => ({
  'AGENTS.md': 'Speak of the zebra crossing.\n',
  'auth.json': `{"OPENAI_API_KEY":"${words['auth.json']}${tail}"}`,
  '.env': `TOKEN=${words['.env']}${tail}\n`,
  'config.toml': `model = "gpt-5"\n\n[mcp_servers.docs]\ncommand = "docs"\n\n[mcp_servers.docs.env]\nTOKEN = "${words['config.toml']}${tail}"\n`,
  'hooks.json': JSON.stringify({
    hooks: { Stop: [{ hooks: [{ type: 'command', command: `/bin/true ${words['hooks.json']}${tail}` }] }] },
  }),
})
const write = (machine: Machine, files: Readonly<Record<string, string>>) => {
  for (const [path, text] of Object.entries(files)) machine.write(path, text)
}

/** Every file below a folder, with its mode. */
function filesBelow(folder: string): { path: string; mode: number; bytes: Buffer }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const file = join(entry.parentPath, entry.name)
      return { path: relative(folder, file), mode: lstatSync(file).mode & 0o777, bytes: readFileSync(file) }
    })
}

/** A wire between two that keeps all that passes. */
async function tap(port: number) {
  const heard: Buffer[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    const other = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [socket, other],
      [other, socket],
    ] as const) {
      sockets.push(from)
      from.on('data', (bytes: Buffer) => {
        heard.push(bytes)
        to.write(bytes)
      })
      from.on('error', () => undefined)
      from.once('close', () => to.destroy())
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    heard: () => Buffer.concat(heard),
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

describe('Q5: canaries in a master’s login, environment, MCP server and hook', () => {
  const machines: Machine[] = []
  const runs: { readonly command: string; readonly run: CommandRun }[] = []
  let master: Machine
  let follower: Machine
  let other: Machine
  let server: Server
  let wire: Awaited<ReturnType<typeof tap>>
  let address: string[]

  const make = (name: string) => {
    const machine = makeMachine(name)
    machines.push(machine)
    return machine
  }
  /** In words and as JSON. */
  const both = async (machine: Machine, ...command: string[]) => {
    for (const more of [[], ['--json']]) {
      const run = await machine.stemma(...command, ...more)
      runs.push({ command: command.join(' '), run })
    }
  }
  const one = async (machine: Machine, ...command: string[]) => {
    const run = await machine.stemma(...command)
    runs.push({ command: command.join(' '), run })
    return run
  }
  const publish = async (tail: string) => {
    write(master, homeOf(tail))
    await both(master, 'master', 'rebuild')
  }

  beforeAll(async () => {
    master = make('master')
    follower = make('follower')
    other = make('other')
    write(master, homeOf('-t1'))
    await one(master, 'master', 'init')
    server = await master.serve(...onLoopback)
    await server.event('listening')
    wire = await tap(server.port)
    const { fingerprint } = (await master.stemma('master', 'link', '--json')).json()
    address = ['--master', `wss://127.0.0.1:${wire.port}`, '--fingerprint', String(fingerprint)]
    for (const machine of [follower, other]) {
      const joined = await one(machine, 'follower', 'join', ...address, '--yes', '--trust-hooks')
      expect(joined.code, joined.stderr + joined.stdout).toBe(0)
    }
  })
  afterAll(async () => {
    wire.close()
    for (const machine of machines) await machine.remove()
  })

  test('S7, S9: they arrive, in files for their owner alone', () => {
    for (const [path, word] of Object.entries(words)) {
      expect(follower.read(path), path).toContain(`${word}-t1`)
      expect(lstatSync(join(follower.codexHome, path)).mode & 0o777, path).toBe(0o600)
    }
  })

  test('they are in no output of any command, whatever happens to their files', async () => {
    await both(follower, 'status')
    await publish('-t2')
    for (const command of [['plan'], ['sync', '--dry-run'], ['sync'], ['status'], ['apply', '--now']])
      await both(follower, ...command)
    // Changed here, and on the master: a conflict in every file of them.
    const edit = (path: string, change: (text: string) => string) =>
      follower.write(path, change(follower.read(path) ?? ''))
    edit('.env', (text) => `${text}MINE=${words['.env']}-mine\n`)
    edit('config.toml', (text) => text.replace('-t2"', '-mine"'))
    edit('auth.json', (text) => text.replace('-t2', '-mine'))
    edit('hooks.json', (text) => text.replace('-t2', '-mine'))
    await publish('-t3')
    for (const command of [['sync'], ['conflicts'], ['plan'], ['status'], ['hook', 'status']])
      await both(follower, ...command)
    for (const words of [['--diff'], ['.env'], ['auth.json'], ['config.toml']])
      await both(follower, 'conflicts', ...words)
    const told = JSON.stringify((await follower.stemma('conflicts', '--json')).json())
    const conflicts = ['.env', 'auth.json', 'config.toml#mcp_servers.docs.env.TOKEN']
    for (const path of conflicts) expect(told, path).toContain(path.replace(/^.*#/, ''))
    for (const path of conflicts) await one(follower, 'resolve', path, '--take', 'canonical')
    await both(follower, 'apply')
    expect((await follower.stemma('conflicts', '--json')).json()['conflicts']).toEqual([])
    // Files that make no sense, at both ends.
    follower.write('config.toml', `${words['config.toml']} = [`)
    follower.write('hooks.json', `{"${words['hooks.json']}`)
    write(master, {
      'config.toml': `x = "${words['config.toml']}`,
      'auth.json': `{"${words['auth.json']}`,
      'hooks.json': `["${words['hooks.json']}"]`,
    })
    await both(master, 'master', 'rebuild')
    for (const command of [['sync'], ['status'], ['plan'], ['conflicts'], ['hook', 'status']])
      await both(follower, ...command)
    await publish('-t4')
    follower.erase('config.toml')
    follower.erase('hooks.json')
    await both(follower, 'sync')
    await both(follower, 'hook', 'uninstall')
    await both(follower, 'hook', 'install')
    await both(follower, 'shim', 'install')
    await both(follower, 'trust', 'show')
    for (const verb of ['status', 'link', 'followers']) await both(master, 'master', verb)
    await both(master, 'status')
    const leaks = runs.flatMap(({ command, run }) =>
      found(run.stdout + run.stderr).map((needle) => `${command}: ${needle}`),
    )
    expect(leaks).toEqual([])
    expect(runs.length).toBeGreaterThan(50)
    // Nothing of this is a bug in disguise.
    expect(runs.filter(({ run }) => /stemma hit a bug/.test(run.stderr + run.stdout))).toEqual([])
  }, 180_000)

  test('they are in no log of the master, and in no byte of the link', () => {
    expect(found(server.log + server.said.map((said) => JSON.stringify(said)).join('\n'))).toEqual([])
    expect(wire.heard().length).toBeGreaterThan(10_000)
    expect(found(wire.heard())).toEqual([])
  })

  test('S9: they are in no file of either stemma folder, but in backups for their owner alone', () => {
    const leaks = machines.flatMap(({ stemmaHome }) =>
      filesBelow(stemmaHome)
        .filter(({ bytes }) => found(bytes).length > 0)
        .filter(({ path, mode }) => !(/^backups\/[^/]+\.tar$/.test(path) && mode === 0o600))
        .map(({ path }) => `${stemmaHome}/${path}`),
    )
    expect(leaks).toEqual([])
    const backups = filesBelow(join(follower.stemmaHome, 'backups'))
    expect(backups.some(({ bytes }) => found(bytes).length > 0)).toBe(true)
    for (const { codexHome } of machines) {
      const held = filesBelow(codexHome).filter(({ bytes }) => found(bytes).length > 0)
      const names = Object.keys(words)
      expect(held.filter(({ path }) => !names.includes(path)).map(({ path }) => path)).toEqual([])
      if (codexHome !== master.codexHome) for (const { path, mode } of held) expect(mode, path).toBe(0o600)
    }
  })

  test('Q4: who is revoked gets nothing more, and what is sealed afterwards is closed to it', async () => {
    await one(other, 'sync')
    const before = (await other.stemma('status', '--json')).json()
    expect(other.read('.env')).toContain('-t4')
    expect((await one(master, 'master', 'revoke', String(before['id']), '--yes', '--json')).code).toBe(0)
    await publish('-t5')
    // The config.toml that was deleted there is a conflict still.
    expect((await follower.stemma('sync')).code).toBe(3)
    expect(follower.read('.env')).toContain('-t5')
    expect((await one(other, 'sync')).code).toBe(4)
    expect((await other.stemma('status', '--json')).json()['seq']).toBe(before['seq'])
    // A new join with the same key is refused, one with a new key waits for a person.
    expect((await one(other, 'follower', 'join', ...address, '--yes')).code).toBe(4)
    const stranger = make('stranger')
    expect((await one(stranger, 'follower', 'join', ...address, '--yes', '--timeout', '1500')).code).toBe(5)
    expect(stranger.read('.env')).toBe(null)
    // Even with all that another follower has stored: its own grant is the old one.
    for (const folder of ['log', 'blobs']) {
      rmSync(join(other.stemmaHome, folder), { recursive: true })
      cpSync(join(follower.stemmaHome, folder), join(other.stemmaHome, folder), { recursive: true })
    }
    const applied = await one(other, 'apply', '--json')
    expect(applied.code).not.toBe(0)
    expect(applied.stdout).toContain('.env')
    for (const path of Object.keys(words)) expect(other.read(path), path).not.toContain('-t5')
    expect(other.read('.env')).toContain('-t4')
    expect(found(runs.map(({ run }) => run.stdout + run.stderr).join('\n'))).toEqual([])
  })
})
