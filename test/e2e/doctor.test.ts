/** U4: `stemma doctor` on real homes that were broken: each fault is found, and no other one is reported. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { saveJournal } from '../../engine/apply/journal.ts'
import { sha256Hex } from '../../engine/crypto/hash.ts'
import { openDisk } from '../../engine/disk/real.ts'
import { systemIds } from '../../engine/env/system.ts'
import type { HomePath } from '../../schemas/path.ts'
import { Clinic, snapshot } from './clinic.ts'
import { codexBinary, describeCodex } from './codex.ts'
import { type Machine, onLoopback } from './machine.ts'
import { until } from './patience.ts'
import type { Server } from './server.ts'

const isRoot = process.getuid?.() === 0
const clinic = new Clinic()
afterAll(() => clinic.close())

const dieWith = `const server = require('node:net').createServer()
server.listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
/** A socket whose process was killed. */
async function leaveSocket(path: string): Promise<void> {
  await once(spawn(process.execPath, ['-e', dieWith, path], { stdio: 'ignore' }), 'exit')
  expect(statSync(path).isSocket()).toBe(true)
}

describe('a follower', () => {
  let master: Machine
  let follower: Machine
  let server: Server
  let link: string

  beforeAll(async () => {
    master = clinic.make('master')
    follower = clinic.make('follower')
    master.write('AGENTS.md', 'first\n')
    master.write('config.toml', 'model = "one"\n')
    for (let at = 0; at < 3; at++) master.write(`prompts/p${at}.md`, `prompt ${at}\n`)
    expect((await master.stemma('master', 'init')).code).toBe(0)
    server = await master.serve(...onLoopback)
    link = String((await master.stemma('master', 'link', '--json')).json()['link'])
    const joined = await follower.stemma('follower', 'join', link, '--yes')
    expect(joined.code, joined.stderr).toBe(0)
  })
  const at = (...names: string[]) => join(follower.stemmaHome, ...names)
  const home = (...names: string[]) => join(follower.codexHome, ...names)
  const found = async (env: Readonly<Record<string, string>> = {}) =>
    (await clinic.visit(follower, [], env)).ids
  /** A watcher that has given its word. */
  async function watching(): Promise<Server> {
    const watcher = await follower.start('follower', 'watch', '--json')
    await watcher.event('connected')
    await until('the word of the watcher', () => existsSync(at('watching')))
    return watcher
  }
  /** Found and mended, and nothing is left of it. */
  async function expectMended(...ids: string[]): Promise<void> {
    const before = await clinic.visit(follower)
    expect([...before.ids].sort()).toEqual([...ids].sort())
    expect(before.findings.filter(({ fixable }) => !fixable)).toEqual([])
    const fixed = await clinic.visit(follower, ['--fix'])
    expect(fixed.ids, fixed.stdout).toEqual([])
    expect([...fixed.mended].sort(), fixed.stdout).toEqual([...ids].sort())
    expect(fixed.code).toBe(0)
  }
  /** Changes a file for as long as `work` takes. */
  async function changed(file: string, change: (text: string) => string, work: () => Promise<void>) {
    const before = readFileSync(file)
    writeFileSync(file, change(before.toString()))
    try {
      await work()
    } finally {
      writeFileSync(file, before)
    }
  }
  // What a test broke it has mended: the next one begins with a sound machine.
  afterEach(async () => {
    expect(await found()).toEqual([])
  })

  test('is sound, in words and as JSON; nothing was touched', async () => {
    const before = [snapshot(follower.stemmaHome), snapshot(follower.codexHome)]
    const said = await clinic.call(follower, [])
    expect([said.code, said.stdout, said.stderr]).toEqual([0, 'This follower is sound.\n', ''])
    const told = await clinic.visit(follower, ['--fix'])
    expect(JSON.parse(told.stdout)).toEqual({
      ...{ role: 'follower', sound: true, faults: 0, warnings: 0 },
      ...{ findings: [], mended: [], unmended: [] },
    })
    expect([snapshot(follower.stemmaHome), snapshot(follower.codexHome)]).toEqual(before)
  })

  test('with a sound watcher: nothing is reported, and it goes on', async () => {
    const watcher = await watching()
    expect(await found()).toEqual([])
    const { seq } = (await master.stemma('status', '--json')).json()
    master.write('AGENTS.md', 'second\n')
    await watcher.event('applied', (said) => Number(said['seq']) > Number(seq))
    expect(follower.read('AGENTS.md')).toBe('second\n')
    expect(await watcher.stop()).toBe(0)
  })

  test('hook: missing, not approved, changed since, leading nowhere, for another home', async () => {
    follower.erase('hooks.json')
    await expectMended('hook-missing')
    const config = follower.read('config.toml') ?? ''
    follower.write('config.toml', config.split('[hooks.state')[0] ?? '')
    await expectMended('hook-untrusted')
    follower.write('config.toml', config.replace(/"sha256:[0-9a-f]{8}/, '"sha256:00000000'))
    await expectMended('hook-modified')
    const hooks = follower.read('hooks.json') ?? ''
    follower.write('hooks.json', hooks.replaceAll('stemma-hook.cjs', 'gone/stemma-hook.cjs'))
    await expectMended('hook-moved')
    follower.write('hooks.json', hooks.replaceAll(process.execPath, '/gone/bin/node'))
    await expectMended('hook-moved')
    follower.write('hooks.json', hooks.replaceAll(follower.codexHome, '/elsewhere/.codex'))
    await expectMended('hook-moved')
  })

  test('hook: disabled by the user, hooks switched off, a hooks.json that Codex refuses', async () => {
    await changed(
      home('config.toml'),
      (text) => text.replace('trusted_hash', 'enabled = false\ntrusted_hash'),
      async () => expect(await found()).toEqual(['hook-disabled']),
    )
    await changed(
      home('config.toml'),
      (text) => `${text}\n[features]\nhooks = false\n`,
      async () => expect(await found()).toEqual(['hooks-off']),
    )
    await changed(
      home('hooks.json'),
      () => '{"hooks": 3}',
      async () => expect(await found()).toEqual(['hooks-refused']),
    )
  })

  test('a config.toml that is no TOML, or that Codex refuses: told without what it says', async () => {
    await changed(
      home('config.toml'),
      (text) => `${text}\ntoken = "sk-canary-1\n`,
      async () => {
        const told = await clinic.visit(follower)
        expect(told.ids).toEqual(['config-refused'])
        expect(told.stdout).not.toContain('canary')
      },
    )
    await changed(
      home('config.toml'),
      (text) => `approval_policy = ["sk-canary-2"]\n${text}`,
      async () => {
        const told = await clinic.visit(follower)
        expect(told.ids).toEqual(['config-refused'])
        expect(told.stdout).not.toContain('canary')
      },
    )
    follower.write('lab.config.toml', 'profile = [')
    expect(await found()).toEqual(['config-refused'])
    follower.erase('lab.config.toml')
  })

  test('settings that cannot be read', async () => {
    writeFileSync(at('settings.toml'), 'nome = "x"\n', { mode: 0o600 })
    expect(await found()).toEqual(['bad-settings'])
    unlinkSync(at('settings.toml'))
    await changed(
      at('local.toml'),
      (text) => text.replace('role', 'rule'),
      async () => {
        const told = await clinic.visit(follower)
        expect([told.code, told.ids]).toEqual([1, ['bad-local']])
      },
    )
  })

  test('folder, keys and sockets open to others', async () => {
    chmodSync(at(), 0o755)
    const mild = await clinic.visit(follower)
    expect([mild.code, mild.ids]).toEqual([0, ['wrong-mode']])
    await expectMended('wrong-mode')
    for (const [path, mode] of [
      [at('keys'), 0o755],
      [at('keys', 'node.key'), 0o640],
      [at('run'), 0o770],
    ] as const) {
      chmodSync(path, mode)
      await expectMended('wrong-mode')
      expect(statSync(path).mode & 0o777).toBe(path.endsWith('.key') ? 0o600 : 0o700)
    }
  })

  test.runIf(isRoot)('keys of another user', async () => {
    chownSync(at('keys', 'seal.key'), 65_534, 65_534)
    expect(await found()).toEqual(['wrong-owner'])
    chownSync(at('keys', 'seal.key'), 0, 0)
  })

  test('damaged keys', async () => {
    await changed(
      at('keys', 'seal.key'),
      (text) => text.replace('public ', 'public 0'),
      async () => expect(await found()).toEqual(['keys-damaged']),
    )
  })

  test('what killed processes left: a lock, half a save, a watcher', async () => {
    await leaveSocket(at('run', `w-${'a'.repeat(24)}.sock`))
    await expectMended('stale-lock')
    await leaveSocket(at('run', `c-${'b'.repeat(24)}.sock`))
    await expectMended('stale-lock')
    const halves = [at('.tmp-x'), at('log', 'new-x'), at('blobs', 'tmp-x'), at('apply', '.tmp-y')]
    for (const path of halves) writeFileSync(path, 'half')
    mkdirSync(home('.stemma-stage', 'x'), { recursive: true })
    await expectMended('leftovers')
    for (const path of [...halves, home('.stemma-stage')]) expect(existsSync(path)).toBe(false)
    const watcher = await watching()
    await watcher.kill()
    await expectMended('stale-lock', 'watch-stale')
  })

  test('a watcher that hangs', async () => {
    const watcher = await watching()
    // Its word is over, though its process is there.
    writeFileSync(at('watching'), `${watcher.pid} ${Date.now() - 60_000}`)
    expect(await found()).toEqual(['watch-silent'])
    expect(await watcher.stop()).toBe(0)
  })

  test('a process that has the folder and does not answer', async () => {
    const watcher = await watching()
    process.kill(watcher.pid, 'SIGSTOP')
    expect(await found()).toEqual(['owner-mute'])
    process.kill(watcher.pid, 'SIGCONT')
    expect(await watcher.stop()).toBe(0)
  })

  test('in the middle of a storm of changes nothing is taken for a fault', async () => {
    const watcher = await watching()
    for (let round = 1; round <= 4; round++) {
      for (let at = 0; at < 60; at++) master.write(`prompts/storm${at}.md`, `round ${round}\n`)
      const [mine, theirs] = await Promise.all([found(), clinic.visit(master)])
      expect([mine, theirs.ids]).toEqual([[], []])
    }
    await until('the last change', () => follower.read('prompts/storm59.md') === 'round 4\n')
    expect(await watcher.stop()).toBe(0)
  })

  test('an apply that was cut off is carried out', async () => {
    const [now, then] = [follower.read('AGENTS.md') ?? '', 'as it was\n']
    const stage = home('.stemma-stage')
    const hash = (text: string) => sha256Hex(Buffer.from(text))
    follower.write('AGENTS.md', then)
    mkdirSync(join(stage, 'cut'), { recursive: true })
    writeFileSync(join(stage, 'cut', '0'), now)
    const step = {
      act: 'replace',
      path: 'AGENTS.md' as HomePath,
      from: { exec: false, hash: hash(then) },
      to: { exec: false, hash: hash(now) },
    } as const
    await saveJournal(await openDisk(), systemIds, at('apply', 'journal.json'), {
      tx: 'cut',
      folders: [],
      steps: [step],
    })
    const before = await clinic.visit(follower)
    expect(before.ids).toEqual(['apply-cut-off'])
    const fixed = await clinic.visit(follower, ['--fix'])
    expect([fixed.ids, fixed.mended]).toEqual([[], ['apply-cut-off']])
    expect(follower.read('AGENTS.md')).toBe(now)
    expect(existsSync(stage)).toBe(false)
  })

  test('records of apply that cannot be believed', async () => {
    await changed(
      at('apply', 'ledger.json'),
      (text) => text.replace('rows', 'raws'),
      async () => expect(await found()).toEqual(['ledger-damaged']),
    )
  })

  test('a log that is damaged in the middle, or of a version to come', async () => {
    const [segment = ''] = readdirSync(at('log')).filter((name) => name.endsWith('.seg'))
    const bytes = readFileSync(at('log', segment))
    const broken = Buffer.from(bytes)
    broken[200] = (broken[200] ?? 0) ^ 1
    writeFileSync(at('log', segment), broken)
    const told = await clinic.visit(follower, ['--fix'])
    expect([told.code, told.ids]).toEqual([1, ['log-damaged']])
    expect(readFileSync(at('log', segment)).equals(broken)).toBe(true)
    const newer = Buffer.from(bytes)
    newer.writeUInt16BE(9, 8)
    newer.writeUInt32BE(crc32(newer.subarray(0, 60)), 60)
    writeFileSync(at('log', segment), newer)
    expect(await found()).toEqual(['upgrade-needed'])
    writeFileSync(at('log', segment), bytes)
  })

  test('contents that are missing or damaged are fetched again', async () => {
    const blob = at('blobs', sha256Hex(Buffer.from('prompt 1\n')))
    rmSync(blob)
    await expectMended('contents-damaged')
    writeFileSync(blob, 'prompt 2\n')
    await expectMended('contents-damaged')
    expect(readFileSync(blob, 'utf8')).toBe('prompt 1\n')
  })

  test('conflicts', async () => {
    await changed(
      home('prompts', 'p0.md'),
      () => 'mine\n',
      async () => expect(await found()).toEqual(['conflicts']),
    )
  })

  test('a login that can be refreshed here', async () => {
    const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString('base64url')
    const token = `${part({ alg: 'none' })}.${part({ exp: 4_000_000_000 })}.x`
    const login = (refresh: string) =>
      JSON.stringify({ tokens: { id_token: token, access_token: token, refresh_token: refresh } })
    follower.write('auth.json', login(''))
    expect(await found()).toEqual([])
    follower.write('auth.json', login('canary-refresh'))
    const told = await clinic.visit(follower)
    expect([told.code, told.ids]).toEqual([0, ['login-refreshes']])
    expect(told.stdout).not.toContain('canary')
    follower.erase('auth.json')
  })

  test('Codex: missing, of another version, not starting', async () => {
    expect(await found({ PATH: clinic.folder('empty') })).toEqual(['codex-missing'])
    clinic.sayVersion('0.170.1')
    expect(await found()).toEqual(['codex-unknown'])
    clinic.sayVersion('broken')
    expect(await found()).toEqual(['codex-broken'])
    clinic.sayVersion('0.169.3')
  })

  test('the shim: not on PATH, behind another codex, leading nowhere', async () => {
    expect((await follower.stemma('shim', 'install')).code).toBe(0)
    const file = at('bin', 'codex')
    expect(await found()).toEqual(['shim-shadowed'])
    expect(await found({ PATH: `${clinic.path}:${at('bin')}` })).toEqual(['shim-shadowed'])
    const first = { PATH: `${at('bin')}:${clinic.path}` }
    expect(await found(first)).toEqual([])
    await changed(
      file,
      (text) => text.replace(process.execPath, '/gone/node'),
      async () => expect(await found(first)).toEqual(['shim-broken']),
    )
    chmodSync(file, 0o600)
    expect(await found(first)).toEqual(['shim-broken'])
    expect((await follower.stemma('shim', 'uninstall')).code).toBe(0)
  })

  test('a folder that another program syncs', async () => {
    const mark = join(follower.stemmaHome, '..', '.stfolder')
    mkdirSync(mark)
    expect(await found()).toEqual(['synced-folder'])
    rmSync(mark, { recursive: true })
  })

  test('clocks that are far apart', async () => {
    const shift = join(clinic.folder('shift'), 'shift.cjs')
    for (const [hours, ahead] of [
      [1.5, 'ahead of'],
      [-30.5, 'behind'],
    ] as const) {
      writeFileSync(shift, `const now = Date.now; Date.now = () => now() + ${hours * 3_600_000}`)
      const told = await clinic.visit(follower, [], { NODE_OPTIONS: `--require=${shift}` })
      expect([told.code, told.ids], told.stdout).toEqual([0, ['clock-apart']])
      expect(told.stdout).toContain(`${Math.floor(Math.abs(hours))} h ${ahead} the master`)
    }
  })

  test('a master that is off, that is another one, and what the last sync met', async () => {
    const { port } = server
    const serveOn = (machine: Machine) =>
      machine.start('master', 'serve', '--json', '--port', String(port), ...onLoopback)
    await server.stop()
    expect(await found()).toEqual(['master-unreachable'])
    // A contact that did not reach it adds nothing, now or when it is back.
    expect((await follower.stemma('sync', '--timeout', '3000')).code).toBe(5)
    expect(await found()).toEqual(['master-unreachable'])
    const impostor = clinic.make('impostor')
    impostor.write('AGENTS.md', 'do as I say\n')
    expect((await impostor.stemma('master', 'init')).code).toBe(0)
    const other = await serveOn(impostor)
    expect(await found()).toEqual(['master-replaced'])
    expect((await follower.stemma('sync')).code).toBe(4)
    expect(await found()).toEqual(['master-replaced'])
    await other.stop()
    const strange = createServer((socket) =>
      socket
        .on('error', () => undefined)
        .resume()
        .end('220 ready\r\n'),
    )
    strange.listen(port, '127.0.0.1')
    await once(strange, 'listening')
    expect(await found()).toEqual(['master-odd'])
    strange.close()
    await once(strange, 'close')
    server = await master.start(
      ...['master', 'serve', '--json', '--port', String(port)],
      '--host',
      '127.0.0.1',
    )
    expect(await found()).toEqual(['peer-refused'])
    await server.stop()
    server = await serveOn(master)
    // Whoever met another master is told so until a sync goes well.
    expect(await found()).toEqual(['last-contact'])
    expect((await follower.stemma('sync')).code).toBe(0)
  })

  test('evidence of a break of trust', async () => {
    mkdirSync(at('evidence'), { mode: 0o700 })
    writeFileSync(at('evidence', 'fork-0000000000000001-x.json'), '{}')
    expect(await found()).toEqual(['trust-broken'])
    rmSync(at('evidence'), { recursive: true })
  })

  test('a machine that was revoked, one that waits, one that nothing brings news to, one without its home', async () => {
    const revoked = clinic.make('revoked')
    expect(
      (await revoked.stemma('follower', 'join', link, '--yes', '--no-hook', '--name', 'gone')).code,
    ).toBe(0)
    expect((await clinic.visit(revoked)).ids).toEqual(['nothing-fresh'])
    expect((await revoked.stemma('hook', 'install')).code).toBe(0)
    expect((await clinic.visit(revoked)).ids).toEqual([])
    expect((await master.stemma('master', 'revoke', 'gone', '--yes')).code).toBe(0)
    expect((await clinic.visit(revoked)).ids).toEqual(['revoked'])
    const waiting = clinic.make('waiting')
    const join = ['follower', 'join', link, '--yes', '--timeout', '3000']
    expect((await waiting.stemma(...join)).code).toBe(5)
    // It follows nobody before it is let in.
    expect((await clinic.visit(waiting)).ids).toEqual([])
    renameSync(home(), `${home()}.away`)
    expect(await found()).toContain('home-missing')
    renameSync(`${home()}.away`, home())
    expect((await master.stemma('master', 'open')).code).toBe(0)
  })
})

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

describe('a master', () => {
  let master: Machine
  let server: Server | null = null
  beforeAll(async () => {
    master = clinic.make('served')
    master.write('AGENTS.md', 'first\n')
    master.write('config.toml', 'model = "one"\n')
    expect((await master.stemma('master', 'init')).code).toBe(0)
  })
  const at = (...names: string[]) => join(master.stemmaHome, ...names)
  const found = async (words: readonly string[] = []) => (await clinic.visit(master, words)).ids
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
    const port = typeof address === 'object' ? address?.port : null
    writeFileSync(at('settings.toml'), `[link]\nport = ${port}\n`, { mode: 0o600 })
    expect(await found()).toEqual(['port-taken'])
    other.close()
    await once(other, 'close')
    expect(await found()).toEqual(['serve-stopped'])
    rmSync(at('settings.toml'))
  })

  test('that nobody on a tailnet can reach', async () => {
    await serve('--host', '127.0.0.1')
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
    expect(await found()).toEqual([])
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
    expect(await found()).toEqual(['trust-broken', 'serve-stopped'])
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
    expect((await synced.stemma('master', 'init')).code).toBe(0)
    const told = JSON.parse((await synced.stemma('doctor', '--json')).stdout)
    expect(told.findings.map(({ id }: { id: string }) => id)).toEqual(['synced-folder', 'serve-stopped'])
  })
})

describeCodex('the real Codex', () => {
  test('says its version, and leaves nothing in the home', async () => {
    const nobody = clinic.make('codex')
    const before = snapshot(nobody.codexHome)
    const { ids } = await clinic.visit(nobody, [], { PATH: dirname(codexBinary()) })
    expect([ids, snapshot(nobody.codexHome)]).toEqual([[], before])
  })
})

describe('a machine that is neither', () => {
  test('is sound where Codex is; says what is missing where it is not', async () => {
    const nobody = clinic.make('nobody')
    const said = await clinic.call(nobody, [])
    expect([said.code, said.stdout]).toEqual([
      0,
      'This machine, which is neither master nor follower yet, is sound.\n',
    ])
    expect(existsSync(nobody.stemmaHome)).toBe(false)
    nobody.write('config.toml', 'model = 1\n')
    expect((await clinic.visit(nobody)).ids).toEqual(['config-refused'])
    rmSync(nobody.codexHome, { recursive: true })
    const bare = await clinic.visit(nobody, ['--fix'], { PATH: clinic.folder('bare') })
    expect([bare.code, bare.ids]).toEqual([0, ['home-missing', 'codex-missing']])
  })

  test('what is said to people fits 80 columns', async () => {
    const nobody = clinic.make('narrow')
    nobody.write('config.toml', 'model = 1\n')
    const { stdout, code } = await clinic.call(nobody, [])
    expect(code).toBe(1)
    const [first = '', ...below] = stdout.split('\n')
    expect(first).toBe('fault  Codex does not start with this config.toml.')
    expect(below.slice(0, 2).every((line) => line.startsWith('  '))).toBe(true)
  })
})
