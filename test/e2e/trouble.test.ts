/** What goes wrong on real machines, and how it is said: one sentence, what to do next, the right exit code. */
import { chmodSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { heraldLinesMax } from '../../schemas/limits-cli.ts'
import { tailnetAddress } from '../../transport/identity/own.ts'
import { type Machine, onLoopback } from './machine.ts'
import type { Server } from './server.ts'
import { begin, expectDone, expectTrouble, inside, linkOf, make, removeAll, serveArgs } from './trouble.ts'

afterAll(removeAll)

describe('a folder that is nobody’s yet', () => {
  const empty = make('empty')
  const cases = [
    'status',
    'sync',
    'apply',
    'plan',
    'conflicts',
    'trust show',
    'trust reset',
    'follower leave',
  ]
  const mastery = [
    'serve',
    'link',
    'status',
    'rebuild',
    'followers',
    'open',
    'approve laptop',
    'revoke laptop',
  ]
  const all = [...cases, ...mastery.map((verb) => `master ${verb}`)]
  test.each(all)('S57: `%s`', async (command) => {
    await expectTrouble(inside(empty), command.split(' '), 'not-initialised')
    expect(existsSync(empty.stemmaHome)).toBe(false)
  })
  test.each(['status', 'master serve'])('S57: `%s` as a process', async (command) => {
    await expectTrouble(empty, command.split(' '), 'not-initialised', true)
    expect(existsSync(empty.stemmaHome)).toBe(false)
  })
})

describe('words that make no sense', () => {
  const machine = make('words')
  const digits = '5'.repeat(64)
  test.each([
    'nonsense',
    'master',
    'master sevre',
    'sync --tiemout 3',
    'sync --timeout soon',
    'sync --timeout 1e3',
    'sync now',
    'master serve --port 70000',
    'resolve',
    'resolve AGENTS.md --take both',
    'master approve',
    'master serve --allow everywhere',
    'master serve --allow 10.0.0.0/33',
    'master serve --host 192.168.1.5:18000',
    'master install --host 192.168.1.5:18000',
    'master link --host 192.168.1.5:18000',
    `follower join --master wss://desk:1`,
    `follower join stemma://join --master wss://desk:1 --fingerprint ${digits}`,
  ])('U2: `stemma %s`', async (line) => {
    await expectTrouble(inside(machine), line.split(' '), 'usage')
  })
  test.each(['nonsense', 'sync --timeout soon'])('U2: `stemma %s` as a process', async (line) => {
    await expectTrouble(machine, line.split(' '), 'usage', true)
  })

  const link = (host: string, port: string, fingerprint: string, more = '&v=1') =>
    `stemma://join?host=${host}&port=${port}&fingerprint=${fingerprint}${more}`
  test.each([
    'hello',
    '',
    'https://example.com/',
    'stemma://',
    'stemma://join',
    'stemma://leave?host=a&port=1',
    'stemma:join?host=a',
    link('desk', '17342', '5'.repeat(63)),
    link('desk', '17342', `${'5'.repeat(63)}g`),
    link('desk', '0', digits),
    link('desk', '65536', digits),
    link('desk', '-1', digits),
    link('', '17342', digits),
    link('desk/../etc', '17342', digits),
    link('de sk', '17342', digits),
    link('desk', '17342', digits, ''),
    'stemma://join?host=desk',
    link('192.168.1.5%3A18000', '17342', digits),
    link('desk', '17342', digits, '&v=2'),
    link('desk', '17342', digits, '&v=1&v=1'),
    link('desk', '17342', digits, '&v=1&token=abc'),
    `${link('desk', '17342', digits)}${'&'.repeat(2000)}`,
    '\u202ehello',
  ])('S17: %j as a link', async (text) => {
    await expectTrouble(inside(machine), ['follower', 'join', text], 'bad-link')
    expect(existsSync(join(machine.stemmaHome, 'local.toml'))).toBe(false)
  })
  test.each(['', '\u202ehello'])('S17: %j as a link of a process', async (text) => {
    await expectTrouble(machine, ['follower', 'join', text], 'bad-link', true)
  })

  test.each(['ftp://desk:1', 'wss://desk:99999', 'wss://user@desk:1', 'wss://desk:1/path', 'wss://', 'a b'])(
    'S17: %j as an address',
    async (address) => {
      await expectTrouble(
        inside(machine),
        ['follower', 'join', '--master', address, '--fingerprint', digits],
        'bad-link',
      )
    },
  )
})

describe('a master at work', () => {
  let master: Machine
  let follower: Machine
  let server: Server
  beforeAll(async () => {
    master = make('master')
    follower = make('follower')
    server = await begin(master)
    expectDone(await follower.stemma('follower', 'join', await linkOf(master), '--yes'))
  })
  /** After every trouble: an edit still travels. */
  async function expectWell(): Promise<void> {
    const before = Number((await master.stemma('status', '--json')).json()['seq'])
    master.write('AGENTS.md', `after entry ${before}\n`)
    await server.event('published', (said) => Number(said['seq']) > before)
    expectDone(await follower.stemma('sync'))
    expect(follower.read('AGENTS.md')).toBe(`after entry ${before}\n`)
  }

  test('S2: commands of a follower on a master, and the reverse', async () => {
    for (const command of [
      'sync',
      'apply',
      'plan',
      'conflicts',
      'follower leave',
      'resolve AGENTS.md --take local',
    ])
      await expectTrouble(inside(master), command.split(' '), 'wrong-role')
    await expectTrouble(master, ['sync'], 'wrong-role')
    await expectTrouble(follower, ['master', 'serve'], 'wrong-role')
    await expectTrouble(master, ['follower', 'join', await linkOf(master)], 'wrong-role')
    for (const verb of ['serve', 'link', 'status', 'rebuild', 'followers', 'open', 'approve a', 'revoke a'])
      await expectTrouble(inside(follower), ['master', ...verb.split(' ')], 'wrong-role')
    await expectTrouble(follower, ['master', 'init'], 'already-initialised')
    await expectTrouble(master, ['master', 'init'], 'already-initialised')
    await expectWell()
  })

  test('S1: two masters on one folder', async () => {
    const message = await expectTrouble(master, serveArgs, 'locked')
    expect(message).toContain(String(server.pid))
    await expectWell()
  })

  test('S54: commands that come at once, and while a master starts, wait for each other', async () => {
    const other = make('other')
    expectDone(await other.stemma('master', 'init'))
    const words = [['status'], ['master', 'rebuild'], ['master', 'followers'], ['trust', 'show']]
    const runs = () => Promise.all(words.map((line) => other.stemma(...line, '--json')))
    const codes = async () => (await runs()).map(({ code, stdout }) => (code === 0 ? 0 : stdout))
    const done = words.map(() => 0)
    expect(await codes()).toEqual(done)
    const [started, asked] = await Promise.all([other.serve(...onLoopback), codes()])
    expect(asked).toEqual(done)
    await started.stop()
  })

  test('U2: a port in use, and an address of somebody else', async () => {
    const other = make('other')
    expectDone(await other.stemma('master', 'init'))
    const port = ['--port', String(server.port), ...onLoopback]
    expect(await expectTrouble(other, ['master', 'serve', ...port], 'port-in-use')).toContain(
      String(server.port),
    )
    await expectTrouble(
      other,
      ['master', 'serve', '--port', '0', '--host', '203.0.113.7'],
      'address-unavailable',
    )
    await expectWell()
  })

  test('S22: a link to where nobody is', async () => {
    const free = await new Promise<number>((resolve) => {
      const probe = createServer().listen(0, '127.0.0.1', () => {
        const address = probe.address()
        const port = typeof address === 'object' && address ? address.port : 0
        probe.close(() => resolve(port))
      })
    })
    const lost = make('lost')
    const link = (host: string, port: number) =>
      `stemma://join?host=${host}&port=${port}&fingerprint=${'5'.repeat(64)}&v=1`
    await expectTrouble(lost, ['follower', 'join', link('127.0.0.1', free)], 'unreachable')
    await expectTrouble(lost, ['follower', 'join', link('nobody.invalid', free)], 'unreachable')
    await expectTrouble(lost, ['sync'], 'not-initialised')
  })

  test('S19: a stale link, of a master that is no longer there', async () => {
    const link = new URL(await linkOf(master))
    link.searchParams.set('fingerprint', '5'.repeat(64))
    const late = make('late')
    const message = await expectTrouble(late, ['follower', 'join', String(link), '--yes'], 'other-key')
    expect(message).toContain('5'.repeat(64))
    expect(late.read('AGENTS.md')).toBeNull()
  })

  test('S14: a machine that nobody knows', async () => {
    await expectTrouble(master, ['master', 'revoke', 'nobody'], 'unknown-follower')
    await expectTrouble(master, ['master', 'approve', 'nobody'], 'unknown-follower')
    await expectTrouble(master, ['master', 'approve', ''], 'unknown-follower')
    await expectWell()
  })

  test('T12: a flood of connections that are turned away prints a few lines and a count', async () => {
    const other = make('flooded')
    expectDone(await other.stemma('master', 'init'))
    const closed = await other.serve('--host', '127.0.0.1')
    const knock = () =>
      new Promise<void>((resolve) => {
        const socket = connect(closed.port, '127.0.0.1', () => socket.resume())
        socket.on('error', () => undefined).once('close', () => resolve())
      })
    const knocks = 200
    for (let n = 0; n < knocks; n += 10) await Promise.all(Array.from({ length: 10 }, knock))
    expect(await closed.stop()).toBe(0)
    const refused = closed.said.filter((said) => said['event'] === 'refused')
    const withheld = closed.said.filter((said) => said['event'] === 'withheld')
    expect(refused).toHaveLength(heraldLinesMax)
    expect(withheld).toEqual([{ event: 'withheld', address: '127.0.0.1', lines: knocks - heraldLinesMax }])
  })

  const addressless = tailnetAddress() === null
  test.runIf(addressless)('S17: a link needs an address that others can reach', async () => {
    const other = make('addressless')
    expectDone(await other.stemma('master', 'init'))
    await expectTrouble(other, ['master', 'link'], 'no-address')
    expectDone(await other.stemma('master', 'link', '--host', 'desk.example.ts.net'))
  })

  test('S35: a conflict that is none', async () => {
    await expectTrouble(follower, ['resolve', 'rules/none', '--take', 'local'], 'no-conflict')
    await expectTrouble(follower, ['resolve', '../../etc/passwd', '--take', 'canonical'], 'no-conflict')
  })

  test('U2: settings with a slip name the file and the key', async () => {
    const file = join(follower.stemmaHome, 'settings.toml')
    writeFileSync(file, '[link]\nprot = 17342\n')
    expect(await expectTrouble(follower, ['sync'], 'bad-settings')).toContain('link.prot')
    writeFileSync(file, '[link\n')
    expect(await expectTrouble(follower, ['sync'], 'bad-settings')).toContain(file)
    rmSync(file)
    await expectWell()
  })

  test('T19: keys that others can read, and keys that are gone', async () => {
    const key = join(follower.stemmaHome, 'keys', 'node.key')
    chmodSync(key, 0o644)
    expect(await expectTrouble(follower, ['sync'], 'keys-exposed')).toContain('chmod 600')
    chmodSync(key, 0o600)
    renameSync(key, `${key}.away`)
    await expectTrouble(follower, ['sync'], 'keys-damaged')
    renameSync(`${key}.away`, key)
    await expectWell()
  })
})

describe('a link to another master', () => {
  test('S19: the pinned one is not replaced without a word', async () => {
    const [first, second, follower] = [make('first'), make('second'), make('torn')]
    const servers = [await begin(first), await begin(second)]
    expectDone(await follower.stemma('follower', 'join', await linkOf(first), '--yes'))
    await expectTrouble(follower, ['follower', 'join', await linkOf(second)], 'usage')
    expectDone(await follower.stemma('sync'))
    expectDone(await follower.stemma('follower', 'join', await linkOf(second), '--yes'))
    for (const server of servers) await server.stop()
  })
})
