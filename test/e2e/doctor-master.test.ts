/** U4: a master that does not serve, serves nobody, or whose store, disk or system is in trouble. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { sha256Hex } from '../../engine/crypto/hash.ts'
import { Clinic, snapshot } from './clinic.ts'
import { type Machine, onLoopback } from './machine.ts'
import type { Server } from './server.ts'

const isRoot = process.getuid?.() === 0
const clinic = new Clinic()
afterAll(() => clinic.close())

/** A folder with so much room; null where nobody may mount one. */
function mountSmall(path: string, size: string): (() => void) | null {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'stemma-test', path], {
      stdio: 'pipe',
    })
    return () => execFileSync('umount', [path])
  } catch {
    return null
  }
}
const canMount = isRoot && mountSmall(clinic.folder('probe'), '64k')
if (canMount) canMount()
else process.stderr.write('skipped: a full disk: only root may mount a small one\n')

/** A user namespace has watches of its own: here none. */
const withoutWatches = [
  'unshare',
  '-Ur',
  'sh',
  '-c',
  'echo 0 >/proc/sys/user/max_inotify_instances; exec "$@"',
  'sh',
]
const canNamespace = (() => {
  try {
    execFileSync(withoutWatches[0] ?? '', [...withoutWatches.slice(1), 'true'], { stdio: 'pipe' })
    return true
  } catch {
    process.stderr.write('skipped: a system without watches: there are no user namespaces here\n')
    return false
  }
})()

/** Port 1 is one that no program has; the usual one may be that of a master of whoever runs this. */
function givePort(stemmaHome: string, port = 1): void {
  mkdirSync(stemmaHome, { recursive: true, mode: 0o700 })
  writeFileSync(join(stemmaHome, 'settings.toml'), `[link]\nport = ${port}\n`, { mode: 0o600 })
}

describe('a master', () => {
  let master: Machine
  let server: Server | null = null
  beforeAll(async () => {
    master = clinic.make('served')
    givePort(master.stemmaHome)
    master.write('AGENTS.md', 'first\n')
    master.write('config.toml', 'model = "one"\n')
    expect((await master.stemma('master', 'init')).code).toBe(0)
  })
  const at = (...names: string[]) => join(master.stemmaHome, ...names)
  const found = async (words: readonly string[] = []) => (await clinic.visit(master, words)).ids
  const glanced = async () => (await clinic.glance(master)).ids
  const serve = async (...words: string[]) => {
    server = await master.start('master', 'serve', '--json', '--port', '0', ...words)
    await server.event('listening')
  }
  const stop = async () => {
    await server?.stop()
    server = null
  }
  afterEach(stop)

  test('that serves is sound; nothing was touched', async () => {
    await serve(...onLoopback)
    const before = [snapshot(master.stemmaHome), snapshot(master.codexHome)]
    const said = await clinic.call(master, [])
    expect([said.code, said.stdout, said.stderr]).toEqual([0, 'This master is sound.\n', ''])
    expect(await found(['--fix'])).toEqual([])
    expect([snapshot(master.stemmaHome), snapshot(master.codexHome)]).toEqual(before)
  })

  test('that does not serve; whose port another program has', async () => {
    const told = await clinic.visit(master, ['--fix'])
    expect([told.code, told.ids]).toEqual([1, ['serve-stopped']])
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const address = other.address()
    givePort(master.stemmaHome, (typeof address === 'object' && address?.port) || 0)
    expect(await found()).toEqual(['port-taken'])
    other.close()
    await once(other, 'close')
    expect(await glanced()).toEqual(['serve-stopped'])
    givePort(master.stemmaHome)
  })

  test('that nobody on a tailnet can reach', async () => {
    await serve('--host', '127.0.0.1')
    await server?.event('not-on-tailnet')
    expect(await found()).toEqual(['not-on-tailnet'])
  })

  test('that publishes nothing: its files are gone', async () => {
    await serve(...onLoopback)
    renameSync(join(master.codexHome, 'AGENTS.md'), at('AGENTS.md'))
    renameSync(join(master.codexHome, 'config.toml'), at('config.toml'))
    await server?.event('trouble')
    expect(await found()).toEqual(['paused'])
    for (const name of ['AGENTS.md', 'config.toml']) renameSync(at(name), join(master.codexHome, name))
    await server?.event('resumed')
    expect(await glanced()).toEqual([])
  })

  test('whose config Codex refuses', async () => {
    await serve(...onLoopback)
    master.write('config.toml', 'model = 1\n')
    expect(await found()).toEqual(['config-refused'])
    master.write('config.toml', 'model = "one"\n')
  })

  test('whose contents are missing or damaged: read again while it does not serve', async () => {
    const blob = at('blobs', sha256Hex(Buffer.from('first\n')))
    await serve(...onLoopback)
    writeFileSync(blob, 'forst\n')
    const served = await clinic.visit(master, ['--fix'])
    expect([served.ids, served.mended]).toEqual([['contents-damaged'], []])
    await stop()
    const fixed = await clinic.visit(master, ['--fix'])
    expect([fixed.ids, fixed.mended], fixed.stdout).toEqual([['serve-stopped'], ['contents-damaged']])
    expect(readFileSync(blob, 'utf8')).toBe('first\n')
    for (const name of readdirSync(at('blobs'))) rmSync(at('blobs', name))
    expect(await found(['--fix'])).toEqual(['serve-stopped'])
    expect(readFileSync(blob, 'utf8')).toBe('first\n')
  })

  test('with a damaged log, with the keys of another, with evidence of a fork', async () => {
    const [segment = ''] = readdirSync(at('log')).filter((name) => name.endsWith('.seg'))
    const bytes = readFileSync(at('log', segment))
    const broken = Buffer.from(bytes)
    broken[100] = (broken[100] ?? 0) ^ 1
    writeFileSync(at('log', segment), broken)
    expect(await found(['--fix'])).toEqual(['log-damaged', 'serve-stopped'])
    writeFileSync(at('log', segment), bytes)
    const other = clinic.make('other')
    other.write('AGENTS.md', 'other\n')
    expect((await other.stemma('master', 'init')).code).toBe(0)
    renameSync(at('keys'), at('kept'))
    cpSync(join(other.stemmaHome, 'keys'), at('keys'), { recursive: true })
    chmodSync(at('keys'), 0o700)
    expect(await found()).toEqual(['keys-damaged', 'serve-stopped'])
    rmSync(at('keys'), { recursive: true })
    renameSync(at('kept'), at('keys'))
    mkdirSync(at('evidence'), { mode: 0o700 })
    writeFileSync(at('evidence', 'fork-0000000000000001-x.json'), '{}')
    expect(await found()).toEqual(['forked', 'serve-stopped'])
    rmSync(at('evidence'), { recursive: true })
  })

  test.runIf(canMount !== null && canMount !== false)('whose disk is nearly full, or full', async () => {
    const small = clinic.make('small')
    small.write('AGENTS.md', 'first\n')
    mkdirSync(small.stemmaHome, { mode: 0o700 })
    for (const [room, id] of [
      ['64m', 'disk-low'],
      ['8m', 'disk-full'],
    ] as const) {
      const away = mountSmall(small.stemmaHome, room)
      givePort(small.stemmaHome)
      expect((await small.stemma('master', 'init')).code).toBe(0)
      const ids = (await clinic.visit(small)).ids
      away?.()
      expect(ids).toContain(id)
      expect(ids.filter((one) => one !== 'serve-stopped')).toEqual([id])
    }
  })

  test.runIf(canNamespace)('that the system gives no watches', async () => {
    const blind = clinic.make('blind', {}, withoutWatches)
    blind.write('AGENTS.md', 'first\n')
    expect((await blind.stemma('master', 'init')).code).toBe(0)
    const polling = await blind.serve(...onLoopback)
    await polling.event('polling')
    // Asked from inside, where the limit is known, and from outside.
    const inside = await blind.stemma('doctor', '--json')
    expect(JSON.parse(inside.stdout).findings).toMatchObject([{ id: 'few-watches', level: 'warning' }])
    expect((await clinic.visit(blind)).ids).toEqual(['few-watches'])
    await polling.stop()
  })

  test('in a folder of Dropbox', async () => {
    const folder = join(clinic.folder('Dropbox'), '.stemma')
    const synced = clinic.make('synced', { STEMMA_HOME: folder })
    synced.write('AGENTS.md', 'first\n')
    givePort(folder)
    expect((await synced.stemma('master', 'init')).code).toBe(0)
    const told = JSON.parse((await synced.stemma('doctor', '--json')).stdout)
    expect(told.findings.map(({ id }: { id: string }) => id)).toEqual(['synced-folder', 'serve-stopped'])
  })
})
