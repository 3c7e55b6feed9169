/** U4: a stemma folder that was broken: settings, modes, keys, locks, log, contents, an apply that was cut off. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, afterEach, expect, test } from 'vitest'
import { saveJournal } from '../../engine/apply/journal.ts'
import { sha256Hex } from '../../engine/crypto/hash.ts'
import { openDisk } from '../../engine/disk/real.ts'
import { systemIds } from '../../engine/env/system.ts'
import type { HomePath } from '../../schemas/path.ts'
import { openWard } from './ward.ts'

const ward = await openWard()
const { clinic, master, follower, at, home, found, glanced, expectMended, changed, watching } = ward
afterAll(() => clinic.close())
/** Whether a process answers is known after some seconds: they pass while the others are at work. */
const hung = await (async () => {
  const hanging = clinic.make('hanging')
  expect((await hanging.stemma('master', 'init')).code).toBe(0)
  const server = await hanging.serve()
  process.kill(server.pid, 'SIGSTOP')
  return { told: clinic.visit(hanging) }
})()
// What a test broke it has mended: the next one begins with a sound machine.
afterEach(ward.expectSound)

const dieWith = `const server = require('node:net').createServer()
server.listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
/** A socket whose process was killed. */
async function leaveSocket(path: string): Promise<void> {
  await once(spawn(process.execPath, ['-e', dieWith, path], { stdio: 'ignore' }), 'exit')
  expect(statSync(path).isSocket()).toBe(true)
}

const isRoot = process.getuid?.() === 0
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
  const wide = [
    [at('keys'), 0o755],
    [at('keys', 'node.key'), 0o640],
    [at('run'), 0o770],
  ] as const
  for (const [at, [path, mode]] of wide.entries()) {
    chmodSync(path, mode)
    const { code, ids } = await clinic.glance(follower)
    expect([code, ids]).toEqual([1, Array(at + 2).fill('wrong-mode')])
  }
  const fixed = await clinic.visit(follower, ['--fix'])
  expect([fixed.code, fixed.ids, fixed.mended]).toEqual([0, [], ['wrong-mode']])
  for (const path of [at(), ...wide.map(([path]) => path)])
    expect(statSync(path).mode & 0o777).toBe(path.endsWith('.key') ? 0o600 : 0o700)
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
  expect(await glanced()).toEqual(['stale-lock'])
  await leaveSocket(at('run', `c-${'b'.repeat(24)}.sock`))
  const halves = [at('.tmp-x'), at('log', 'new-x'), at('blobs', 'tmp-x'), at('apply', '.tmp-y')]
  for (const path of halves) writeFileSync(path, 'half')
  mkdirSync(home('.stemma-stage', 'x'), { recursive: true })
  await expectMended('leftovers', 'stale-lock')
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
  expect((await hung.told).ids).toEqual(['owner-mute'])
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
  expect(await glanced()).toEqual(['apply-cut-off'])
  const fixed = await clinic.visit(follower, ['--fix'])
  expect([fixed.ids, fixed.mended]).toEqual([[], ['apply-cut-off']])
  expect(follower.read('AGENTS.md')).toBe(now)
  expect(existsSync(stage)).toBe(false)
})

test('a sync that was killed between its first file and its last', async () => {
  const count = 300
  const publish = async (round: number) => {
    for (let one = 0; one < count; one++) master.write(`prompts/many${one}.md`, `round ${round}\n`)
    expect((await master.stemma('master', 'rebuild')).code).toBe(0)
  }
  const journal = at('apply', 'journal.json')
  let ids: readonly string[] = []
  // A kill that came too early or too late is tried again.
  for (let round = 1; round <= 10 && !ids.includes('apply-cut-off'); round++) {
    await publish(round)
    const sync = follower.launch('sync')
    let isOver = false
    const over = sync.done.finally(() => {
      isOver = true
    })
    while (!isOver && !existsSync(journal)) await new Promise((resolve) => setImmediate(resolve))
    if (!isOver) process.kill(sync.pid, 'SIGKILL')
    await over
    ids = await glanced()
  }
  expect(await found()).toEqual(ids)
  // It may have been saving something at that moment.
  expect(ids.filter((id) => id !== 'leftovers').sort()).toEqual(['apply-cut-off', 'stale-lock'])
  await expectMended(...ids)
  const all = Array.from({ length: count }, (_, one) => follower.read(`prompts/many${one}.md`))
  expect(new Set(all).size).toBe(1)
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

test('a folder that another program syncs', async () => {
  const mark = join(follower.stemmaHome, '..', '.stfolder')
  mkdirSync(mark)
  expect(await found()).toEqual(['synced-folder'])
  rmSync(mark, { recursive: true })
})

test('evidence of a fork; that of a rollback which is over', async () => {
  mkdirSync(at('evidence'), { mode: 0o700 })
  writeFileSync(at('evidence', 'rollback-0000000000000001-x.json'), '{}')
  expect(await glanced()).toEqual([])
  writeFileSync(at('evidence', 'fork-0000000000000001-x.json'), '{}')
  expect(await found()).toEqual(['forked'])
  rmSync(at('evidence'), { recursive: true })
})
