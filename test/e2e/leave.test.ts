/**
 * Parting from a master, whatever is damaged here: a new join brings a fresh copy, and nothing of the Codex home is lost.
 */
import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Code } from '../../schemas/code.ts'
import { until } from './patience.ts'
import type { Server } from './server.ts'
import { expectDone, expectTrouble, KeptPair, linkOf } from './trouble.ts'

const pair = new KeptPair()
const { master, follower } = pair
const at = (...names: string[]) => join(follower.stemmaHome, ...names)
const segment = () => at('log', readdirSync(at('log')).find((name) => name.endsWith('.seg')) ?? '')
const aside = () => readdirSync(at()).filter((name) => name.includes('.damaged-'))
const ownHook = () => (follower.read('hooks.json') ?? '').includes('stemma-hook')
let server: Server
let link = ''
const rejoin = () => follower.stemma('follower', 'join', link, '--yes', '--json')

beforeAll(async () => {
  await pair.make(async () => {
    master.write('config.toml', 'model = "one"\n')
    master.write('.env', 'TOKEN=1\n')
    master.write('prompts/p.md', 'canonical\n')
    master.write('hooks.json', '{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"true"}]}]}}\n')
    expectDone(await master.stemma('master', 'rebuild'))
    link = await linkOf(master)
    expectDone(await rejoin())
    // Edits of this machine, known as such and not.
    follower.write('config.toml', `mine = "here"\n${follower.read('config.toml')}`)
    expectDone(await follower.stemma('sync'))
    follower.write('own.md', 'only here\n')
    follower.write('prompts/p.md', 'edited here\n')
  })
})
beforeEach(async () => {
  server = await pair.begin()
})
afterEach(async () => {
  await server.stop()
})
afterAll(() => pair.remove())

type Damage = {
  readonly code: Code
  readonly kept: readonly string[]
  readonly isNew: boolean
  /** Another one of these is parted from in the other way as well. */
  readonly isAlike?: true
  do(): void
}
const damages: Readonly<Record<string, Damage>> = {
  'the base of the log': {
    ...{ code: 'copy-damaged', kept: ['log'], isNew: false },
    do() {
      const bytes = readFileSync(segment())
      bytes.write('XXXX', 200)
      writeFileSync(segment(), bytes)
    },
  },
  'half of the log': {
    ...{ code: 'copy-damaged', kept: ['log'], isNew: false, isAlike: true },
    do: () => truncateSync(segment(), Math.floor(statSync(segment()).size / 2)),
  },
  'no keys': {
    ...{ code: 'keys-damaged', kept: [], isNew: true, isAlike: true },
    do: () => rmSync(at('keys'), { recursive: true }),
  },
  'one key': {
    ...{ code: 'keys-damaged', kept: ['keys'], isNew: true, isAlike: true },
    do: () => writeFileSync(at('keys', 'seal.key'), 'x'),
  },
  'log and keys': {
    ...{ code: 'keys-damaged', kept: ['keys', 'log'], isNew: true },
    do() {
      writeFileSync(at('keys', 'node.key'), 'x')
      truncateSync(segment(), 100)
    },
  },
  'the ledger': {
    ...{ code: 'ledger-damaged', kept: [], isNew: false, isAlike: true },
    do: () => writeFileSync(at('apply', 'ledger.json'), '{}'),
  },
  'the journal': {
    ...{ code: 'ledger-damaged', kept: [], isNew: false, isAlike: true },
    do: () => writeFileSync(at('apply', 'journal.json'), '{}'),
  },
  'the memory of composed files': {
    ...{ code: 'ledger-damaged', kept: [], isNew: false },
    do: () => writeFileSync(at('apply', 'composed'), 'x'),
  },
}

describe('a fresh start', () => {
  const untouched = ['AGENTS.md', '.env', 'own.md', 'prompts/p.md'] as const
  const contents = () => untouched.map((path) => follower.read(path))

  const leave = 'follower leave'
  const reset = 'trust reset --yes'
  const all = Object.entries(damages).map(([what, damage]) => ({ what, damage, parting: leave }))
  const some = all.filter(({ damage }) => !damage.isAlike).map((one) => ({ ...one, parting: reset }))

  test.each([...all, ...some])(
    'Q2, S60: $what damaged, $parting, and a join',
    async ({ damage, parting }) => {
      const before = contents()
      const id = (await follower.stemma('status', '--json')).json()['id']
      damage.do()
      await expectTrouble(follower, ['sync'], damage.code, true)
      await expectTrouble(follower, ['follower', 'join', link, '--yes'], damage.code, true)
      const left = await follower.stemma(...parting.split(' '), '--json')
      expectDone(left)
      expect(aside().map((name) => name.replace(/\.damaged-.*/, ''))).toEqual(damage.kept)
      expect(
        [left.json()['kept']]
          .flat()
          .map((path) => basename(String(path)))
          .sort(),
      ).toEqual(aside())
      expect(existsSync(at('local.toml'))).toBe(false)
      expect(contents()).toEqual(before)
      if (parting === leave) {
        expect(left.json()).toMatchObject({ hook: 'removed', hookLeft: false })
        expect(ownHook()).toBe(false)
        expect(follower.read('hooks.json')).toContain('"Stop"')
      }
      expect((await rejoin()).code).toBe(3)
      const status = (await follower.stemma('status', '--json')).json()
      expect(status['id'] === id).toBe(!damage.isNew)
      expect(status['revision']).toBe((await master.stemma('status', '--json')).json()['revision'])
      const { conflicts } = (await follower.stemma('conflicts', '--json')).json()
      expect(conflicts).toMatchObject([{ path: 'prompts/p.md' }])
      expect(contents()).toEqual(before)
      const lines = (follower.read('config.toml') ?? '').split('\n')
      expect(lines.slice(0, 3).sort()).toEqual(['', 'mine = "here"', 'model = "one"'])
      expect(ownHook()).toBe(true)
      expectDone(await follower.stemma('resolve', 'prompts/p.md', '--take', 'canonical'))
      expect(follower.read('prompts/p.md')).toBe('canonical\n')
      expect((await follower.stemma('status', '--json')).json()['hook']).toMatchObject({ trusted: true })
    },
  )
})

test.each(['ledger.json', 'composed'])(
  'U4: what is said of damaged records is true: %s is moved away, and a sync goes on',
  async (name) => {
    writeFileSync(at('apply', name), 'x')
    await expectTrouble(follower, ['sync'], 'ledger-damaged')
    rmSync(at('apply', name))
    expect((await follower.stemma('sync')).code).toBe(3)
    expect(follower.read('prompts/p.md')).toBe('edited here\n')
    expect(follower.read('config.toml')).toMatch(/^mine = "here"$/m)
  },
)

test('a contact.json that is no such file counts as none', async () => {
  writeFileSync(at('contact.json'), Buffer.alloc(1 << 20))
  expect((await follower.stemma('sync')).code).toBe(3)
})

test('S19: who resets a log that cannot be read types the pinned key; silence changes nothing', async () => {
  truncateSync(segment(), 100)
  const run = await follower.stemma('trust', 'reset')
  expect([run.code, existsSync(at('local.toml')), aside()]).toEqual([2, true, []])
})

test.each(['follower leave', 'trust reset --yes'])('under a watcher, `%s` ends it well', async (words) => {
  const watcher = await follower.start('follower', 'watch', '--json')
  expectDone(await follower.stemma(...words.split(' ')))
  expect(await watcher.ended()).toBe(0)
  expect(watcher.said.map(({ event }) => event)).toEqual(expect.arrayContaining(['left', 'stopped']))
  expect(existsSync(at('log'))).toBe(false)
  expect(existsSync(at('watching'))).toBe(false)
})

test('a watcher meets a log that was damaged under it: it ends, and leaving works beside it', async () => {
  truncateSync(segment(), 100)
  const watch = follower.launch('follower', 'watch')
  const run = await watch.done
  expect([run.code, run.stderr]).toEqual([6, expect.stringContaining('`stemma follower leave`')])
  expectDone(await follower.stemma('follower', 'leave'))
  await until('it is gone', () => !existsSync(at('local.toml')))
})
