/** What people are asked at a terminal, and what their answers do. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { builtCommand, type Machine } from './machine.ts'
import { openTerminal, type Terminal, terminalMissing } from './terminal.ts'
import { begin, expectDone, KeptPair, linkOf, make, removeAll } from './trouble.ts'

const missing = process.platform === 'linux' ? terminalMissing() : 'not Linux'
if (missing !== null) process.stderr.write(`skipped: questions at a terminal: ${missing}\n`)

describe.skipIf(missing !== null)('a question at a terminal', () => {
  let pair: KeptPair
  let master: Machine
  let follower: Machine
  let terminal: Terminal
  let link: string

  beforeAll(async () => {
    pair = new KeptPair()
    master = pair.master
    follower = pair.follower
    follower.write('RTK.md', 'mine\n')
    await pair.make(async () => {
      link = await linkOf(master)
    })
  })
  beforeEach(async () => {
    await pair.begin()
  })
  afterEach(async () => {
    terminal.close()
    await removeAll()
  })
  afterAll(() => pair.remove())

  /** Runs a command in a terminal; its exit code stands on the screen at the end. */
  const open = (machine: Machine, ...args: string[]) => {
    const cli = builtCommand()
    const script = 'node=$1; shift; "$node" "$@"; echo "exit $?."'
    const { stemmaHome, codexHome } = machine
    terminal = openTerminal({
      command: ['sh', '-c', script, 'sh', process.execPath, cli, ...args],
      cwd: '/',
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: join(stemmaHome, '..'),
        STEMMA_HOME: stemmaHome,
        CODEX_HOME: codexHome,
        LANG: 'C.UTF-8',
      },
    })
  }
  const question = () => terminal.until('a question', (screen) => /\[(?:Y\/n|y\/N)\]/.test(screen))
  const end = async () =>
    (await terminal.until('its end', (screen) => /exit \d+\./.test(screen))).replaceAll('\n', '')
  const statusOf = async (machine: Machine) => machine.stemma('status', '--json')

  test.each(['n', 'perhaps', 'C-d', 'C-c'])(
    'S18: a join that is answered with %s is none',
    async (answer) => {
      open(follower, 'follower', 'join', link)
      const asked = await question()
      const { fingerprint } = (await master.stemma('master', 'link', '--json')).json()
      expect(asked).toContain(String(fingerprint))
      expect(asked).toContain('+ AGENTS.md')
      if (!answer.startsWith('C-')) terminal.type(answer)
      terminal.press(answer.startsWith('C-') ? answer : 'Enter')
      const said = await end()
      expect(said).toContain('exit 1.')
      if (answer !== 'C-c') expect(said).toContain('error: Not joined: nothing was written')
      expect(follower.read('AGENTS.md')).toBeNull()
      for (const name of ['local.toml', 'log', 'contact.json', 'card.json'])
        expect(existsSync(join(follower.stemmaHome, name)), name).toBe(false)
      const status = await statusOf(follower)
      expect(status.code).toBe(1)
      expect(JSON.parse(status.stdout)).toMatchObject({ error: { code: 'not-initialised' } })
      // The way in is as it was.
      const again = await follower.stemma('follower', 'join', link, '--yes')
      expect(again.code, again.stderr).toBe(0)
      expect(follower.read('AGENTS.md')).toBe('first\n')
    },
  )

  test('S18: Enter alone is the answer that the question names first', async () => {
    open(follower, 'follower', 'join', link)
    const asked = await question()
    expect(asked).toContain('+ AGENTS.md (new)')
    expect(asked).toContain('adds two hooks of its own to hooks.json')
    terminal.press('Enter')
    const said = await end()
    expect(said).toContain('exit 0.')
    expect(said).toContain('The session hook is installed')
    expect(follower.read('AGENTS.md')).toBe('first\n')
    expect(follower.read('RTK.md')).toBe('mine\n')
  })

  test('S21: without a link it asks for one, and Enter alone is none', async () => {
    const { stderr } = await follower.stemma('follower', 'join')
    expect(stderr).toContain('A link is needed')
    open(follower, 'follower', 'join')
    await terminal.until('the question', (screen) => screen.includes('Link of the master'))
    terminal.press('Enter')
    expect(await end()).toContain('exit 2.')
    terminal.close()
    open(follower, 'follower', 'join')
    await terminal.until('the question', (screen) => screen.includes('Link of the master'))
    terminal.type(link)
    terminal.press('Enter')
    await question()
    terminal.press('Enter')
    expect(await end()).toContain('exit 0.')
    expect(follower.read('AGENTS.md')).toBe('first\n')
  })

  test('S60: a master that moved is followed at its new address; who says no follows the old one as before', async () => {
    const joined = await follower.stemma('follower', 'join', link, '--yes')
    expect(joined.code, joined.stderr).toBe(0)
    const before = (await statusOf(follower)).json()['master']
    master.write('AGENTS.md', 'second\n')
    expect((await master.stemma('master', 'rebuild')).code).toBe(0)
    open(follower, 'follower', 'join', link.replace('127.0.0.1', 'localhost'))
    await question()
    terminal.type('n')
    terminal.press('Enter')
    const said = await end()
    expect(said).toContain('exit 1.')
    expect(said).toContain('follows wss://127.0.0.1')
    expect((await statusOf(follower)).json()['master']).toEqual(before)
    expect(follower.read('AGENTS.md')).toBe('first\n')
    const moved = await follower.stemma('follower', 'join', link.replace('127.0.0.1', 'localhost'), '--yes')
    expect(moved.code, moved.stderr).toBe(0)
    expect((await statusOf(follower)).json()['master']).toMatchObject({ host: 'localhost' })
    expect(follower.read('AGENTS.md')).toBe('second\n')
  })

  test('S19: another master takes the place of the first after one question, which silence does not answer', async () => {
    expect((await follower.stemma('follower', 'join', link, '--yes')).code).toBe(0)
    const before = (await statusOf(follower)).json()['master']
    const other = make('other')
    await begin(other)
    other.write('AGENTS.md', 'of another\n')
    expectDone(await other.stemma('master', 'rebuild'))
    const second = await linkOf(other)
    open(follower, 'follower', 'join', second)
    await question()
    terminal.press('Enter')
    expect(await end()).toContain('exit 1.')
    expect((await statusOf(follower)).json()['master']).toEqual(before)
    terminal.close()
    open(follower, 'follower', 'join', second)
    await question()
    terminal.type('y')
    terminal.press('Enter')
    expect(await end()).toContain('exit 0.')
    expect(follower.read('AGENTS.md')).toBe('of another\n')
  })

  test('S19: a reset that is not confirmed changes nothing', async () => {
    expect((await follower.stemma('follower', 'join', link, '--yes')).code).toBe(0)
    open(follower, 'trust', 'reset')
    await terminal.until('a question', (screen) => screen.includes('Type'))
    terminal.type('yes')
    terminal.press('Enter')
    const said = await end()
    expect(said).toContain('exit 1.')
    expect(said).toContain('nothing was changed')
    expect((await statusOf(follower)).code).toBe(0)
    const silent = await follower.stemma('trust', 'reset', '--json')
    expect(JSON.parse(silent.stdout)).toMatchObject({ error: { code: 'usage' } })
  })

  test('Q4: a machine is cut off after a question that says which, and not by a few letters of its id', async () => {
    expect((await follower.stemma('follower', 'join', link, '--yes')).code).toBe(0)
    const id = String((await statusOf(follower)).json()['id'])
    const stateOf = async () => {
      const { followers } = (await master.stemma('master', 'followers', '--json')).json()
      return Array.isArray(followers) ? followers.map(({ state }) => state) : []
    }
    const short = await master.stemma('master', 'revoke', id.slice(0, 7), '--yes')
    expect([short.code, short.stderr]).toEqual([2, expect.stringContaining('is too short')])
    const silent = await master.stemma('master', 'revoke', id.slice(0, 8))
    expect([silent.code, silent.stderr]).toEqual([2, expect.stringContaining('`--yes` does it without')])
    open(master, 'master', 'revoke', id.slice(0, 8))
    const asked = await question()
    expect(asked.replaceAll('\n', '')).toMatch(/Cut .+ \([0-9a-f]{12}, linux, joined .*\) off for ever\?/)
    terminal.press('Enter')
    const said = await end()
    expect(said).toContain('was not cut off.')
    expect(said).toContain('exit 1.')
    expect(await stateOf()).toEqual(['enrolled'])
    terminal.close()
    open(master, 'master', 'revoke', id.slice(0, 8))
    await question()
    terminal.type('y')
    terminal.press('Enter')
    expect(await end()).toContain('exit 0.')
    expect(await stateOf()).toEqual(['revoked'])
    // Once more changes nothing, and asks nothing.
    expect((await master.stemma('master', 'revoke', id)).code).toBe(0)
  })
})
