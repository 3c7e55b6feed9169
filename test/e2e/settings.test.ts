/** Settings and names as people meet them: what is wrong in a file is told, by whichever command meets it. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Machine } from './machine.ts'
import { begin, expectDone, expectTrouble, inside, linkOf, make, removeAll } from './trouble.ts'

let master: Machine
beforeAll(async () => {
  master = make('master')
  master.write('memories/notes.md', 'learned\n')
  master.write('sessions/2025/one.jsonl', '{}\n')
  master.write('.credentials.json', '{}\n')
  master.write('mine.txt', 'mine\n')
  await begin(master)
})
afterAll(removeAll)

const statusOf = async (machine: Machine) => (await machine.stemma('status', '--json')).json()
const warningsOf = async () => {
  const { warnings } = await statusOf(master)
  return Array.isArray(warnings) ? warnings.map(({ kind, why }) => `${kind}: ${why}`) : []
}
const settings = (text: string) => writeFileSync(join(master.stemmaHome, 'settings.toml'), text)

describe('S32: settings.toml under a running master', () => {
  test('S31: what could be included is listed, what never travels is not', async () => {
    expect((await statusOf(master))['unlisted']).toEqual(['.credentials.json', 'memories/', 'mine.txt'])
    const words = (await master.stemma('master', 'status')).stdout
    expect(words).toContain(
      'Not synced, unless settings.toml includes it:\n  .credentials.json\n  memories/\n',
    )
    settings('[selection]\ninclude = ["memories/", ".credentials.json"]\n')
    expectDone(await master.stemma('master', 'rebuild'))
    expect((await statusOf(master))['unlisted']).toEqual(['mine.txt'])
  })

  test('what is wrong in it is told by status, while the old ones are in force', async () => {
    settings('[selection\n')
    expect(await warningsOf()).toEqual([
      expect.stringMatching(/^bad-settings: Line 1 of .*settings\.toml is not TOML: .* in force until/),
    ])
    expect((await master.stemma('status')).stdout).toContain('settings.toml is not TOML')
    await expectTrouble(master, ['master', 'rebuild'], 'bad-settings')
    settings('[selection]\ninclude = ["sessions/"]\n')
    expect(await warningsOf()).toEqual([expect.stringContaining('sessions/ never travels')])
    const message = await expectTrouble(master, ['master', 'rebuild'], 'bad-settings')
    expect(message).toContain('sessions/ never travels: transcripts of sessions')
  })

  test('so is what changed, and who has to be told', async () => {
    settings('[selection]\ninclude = ["mine.txt"]\n[link]\nport = 17000\n')
    expect(await warningsOf()).toEqual([
      expect.stringMatching(/^old-settings: \[selection\] .*`stemma master rebuild`/),
      expect.stringMatching(/^old-settings: \[link\] .*`stemma master serve`/),
    ])
    expectDone(await master.stemma('master', 'rebuild'))
    expect(await warningsOf()).toEqual([expect.stringContaining('[link]')])
    settings('[selection]\ninclude = ["mine.txt"]\n')
    expect(await warningsOf()).toEqual([])
  })
})

test('S57: a local.toml that makes no sense is told by every command, and not to be removed', async () => {
  const follower = make('edited')
  expectDone(await follower.stemma('follower', 'join', await linkOf(master), '--yes', '--no-hook'))
  const file = join(follower.stemmaHome, 'local.toml')
  const before = readFileSync(file, 'utf8')
  for (const [text, part] of [
    [`${before}extra = 1\n`, 'a key that this version does not know: extra'],
    [before.replace(/^fingerprint.*$/m, 'fingerprint = "abc"'), 'The key fingerprint in'],
    ['role = follower\n', 'Line 1 of'],
    ['', 'The key role in'],
  ] as const) {
    writeFileSync(file, text)
    for (const command of ['status', 'sync', 'conflicts'])
      expect(await expectTrouble(inside(follower), [command], 'bad-local')).toContain(part)
  }
  await expectTrouble(follower, ['sync'], 'bad-local')
  writeFileSync(file, before)
  expectDone(await follower.stemma('sync'))
  appendFileSync(join(follower.stemmaHome, 'settings.toml'), 'nonsense = 1\n')
  for (const command of ['status', 'sync'])
    expect(await expectTrouble(follower, [command], 'bad-settings')).toContain('nonsense')
})

describe('S14: the name of a machine', () => {
  const listed = async (id: unknown) => {
    const { followers } = (await master.stemma('master', 'followers', '--json')).json()
    return Array.isArray(followers) ? followers.find((row) => row.id === id)?.name : undefined
  }
  const join = async (machine: Machine, ...more: string[]) =>
    machine.stemma('follower', 'join', await linkOf(master), '--yes', '--no-hook', ...more)

  test('is what the join said, and stays', async () => {
    const machine = make('named')
    expectDone(await join(machine, '--name', 'laptop'))
    const status = await statusOf(machine)
    expect([status['name'], await listed(status['id'])]).toEqual(['laptop', 'laptop'])
    expect((await machine.stemma('status')).stdout).toMatch(/this machine +laptop\nid +[0-9a-f]{12}\n/)
    const again = await join(machine, '--name', 'desk')
    expectDone(again)
    expect(again.stdout).toContain('knows this machine as laptop already; that name stays')
    expect(await listed(status['id'])).toBe('laptop')
  })

  test.each(['', 'two\nlines', 'x'.repeat(65)])('is not %j', async (name) => {
    const machine = make('nameless')
    const run = await join(machine, '--name', name)
    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining('--name needs a')])
  })

  test('S60: another address keeps what the first join said', async () => {
    const machine = make('moved')
    const link = await linkOf(master)
    const words = ['follower', 'join', '--yes', '--no-hook', '--trust-hooks', '--name', 'tower']
    expectDone(await machine.stemma(...words, link))
    expectDone(await machine.stemma('follower', 'join', '--yes', link.replace('127.0.0.1', 'localhost')))
    const local = readFileSync(`${machine.stemmaHome}/local.toml`, 'utf8')
    for (const line of ['hook = false', 'trust_hooks = true', 'name = "tower"']) expect(local).toContain(line)
    expect(local).toMatch(/wss:\/\/localhost:/)
    expect(machine.read('hooks.json')).toBeNull()
  })
})
