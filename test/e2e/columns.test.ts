/** U1: what is printed at a terminal of 80 by 24: nothing is too wide, and progress leaves nothing behind. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Machine, makeMachine, onLoopback } from './machine.ts'
import type { Server } from './server.ts'
import { openTerminal, type Terminal, terminalMissing } from './terminal.ts'

const missing = process.platform === 'linux' ? terminalMissing() : 'not Linux'
if (missing !== null) process.stderr.write(`skipped: a terminal of 80 columns: ${missing}\n`)
const cli = process.env['STEMMA_CLI'] ?? join(import.meta.dirname, '..', '..', 'dist', 'cli', 'main.js')

describe.skipIf(missing !== null)('U1: at a terminal of 80 by 24', () => {
  let master: Machine
  let follower: Machine
  let server: Server
  let link: string
  let terminal: Terminal

  beforeEach(async () => {
    master = makeMachine('master')
    follower = makeMachine('follower')
    master.write('AGENTS.md', 'first\n')
    expect((await master.stemma('master', 'init')).code).toBe(0)
    server = await master.serve(...onLoopback)
    link = String((await master.stemma('master', 'link', '--json')).json()['link'])
  })
  afterEach(async () => {
    terminal.close()
    await follower.remove()
    await master.remove()
  })

  /** Runs commands of the shell, which know `stemma`; `over.` stands on the screen at the end. */
  const open = ({ stemmaHome, codexHome }: Machine, script: string) => {
    terminal = openTerminal({
      command: ['sh', '-c', `stemma() { "${process.execPath}" "${cli}" "$@"; }; ${script}; echo over.`],
      cwd: '/',
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: join(stemmaHome, '..'),
        STEMMA_HOME: stemmaHome,
        CODEX_HOME: codexHome,
        LANG: 'C.UTF-8',
      },
      columns: 80,
      rows: 24,
    })
  }
  /** All that was printed, up to the end. */
  const over = async () => {
    await terminal.until('its end', (screen) => /^over\.$/m.test(screen))
    const lines = terminal.printed()
    return lines.slice(0, lines.indexOf('over.')).map((line) => line.trimEnd())
  }
  /** Lines are as wide as they are printed, but for what has no place to be broken at: links, and keys to write down. */
  const mustFit = () => {
    for (const line of terminal.printed())
      if (!/stemma:\/\/|--fingerprint [0-9a-f]{64}|^ {2}stemma-recovery-/.test(line))
        expect([...line].length, line).toBeLessThanOrEqual(80)
  }

  test('the commands of a master fit', async () => {
    master.write('skills/bad:name/SKILL.md', 'x\n')
    master.write('memories/a.md', 'x\n')
    master.write('.env', 'TOKEN=1\n')
    expect((await follower.stemma('follower', 'join', link, '--yes')).code).toBe(0)
    open(
      master,
      'stemma; stemma master --help; stemma master serve --help; stemma master rebuild; stemma master status; ' +
        'stemma master link; stemma master followers; stemma master init; stemma master approve labtop; ' +
        'stemma trust show; stemma mastre; stemma master revoke; stemma sync',
    )
    await over()
    mustFit()
  })

  test('the commands of a follower fit, before it joins, with a conflict, and without its master', async () => {
    follower.write('AGENTS.md', 'mine\n')
    open(
      follower,
      `stemma status; stemma follower join --yes '${link}' --name 'a machine with a name that people would give to it'; ` +
        'stemma status; stemma conflicts; stemma conflicts --diff; stemma plan; stemma resolve AGENT.md --take local; ' +
        'stemma resolve AGENTS.md --take canonical; stemma sync; stemma hook status; stemma hook uninstall; ' +
        `stemma hook install; stemma shim install; stemma shim uninstall; stemma trust show; kill ${server.pid}; ` +
        'while stemma sync --timeout 5000; do :; done; stemma status; stemma follower leave',
    )
    await over()
    expect(terminal.printed().join('\n')).toContain('The master was not reached')
    mustFit()
  })

  test('a long join shows how far it is, whatever the width becomes, and leaves nothing when it is stopped', async () => {
    // More than is on its way at once: a master that is stopped has not sent all of it.
    const text = 'text '.repeat(6000)
    for (let at = 0; at < 1000; at++) master.write(`skills/s${at % 50}/${at}.md`, `${at}${text}\n`)
    expect((await master.stemma('master', 'rebuild')).code).toBe(0)
    open(follower, `trap : INT; seq 12; stemma follower join --yes '${link}'`)
    // The master is held back, so that it takes long on any machine.
    const blobs = join(follower.stemmaHome, 'blobs')
    await terminal.until('the first files', () => {
      try {
        return readdirSync(blobs, { recursive: true }).length > 20
      } catch {
        return false
      }
    })
    let shown = ''
    for (let turn = 0; !shown.includes('Fetching: ') && turn < 300; turn++) {
      process.kill(server.pid, turn % 2 === 0 ? 'SIGSTOP' : 'SIGCONT')
      await pause(turn % 2 === 0 ? 100 : 5)
      shown = terminal.screen()
    }
    process.kill(server.pid, 'SIGSTOP')
    expect(shown).toMatch(/\n12\nFetching: \d+ of 100[0-9] files, .* of .* \(\d+ %\), .*\/s$/)
    terminal.resize(40)
    terminal.press('C-c')
    const left = await over()
    process.kill(server.pid, 'SIGCONT')
    expect(left.join(' ')).toMatch(/ 12 error: Stopped by SIGINT\. Run the command again; it goes on from/)
    expect(left.join(' ')).not.toContain('Fetching')
  })

  test('nothing of it where no one looks: --json, a pipe, a dumb terminal', async () => {
    for (let at = 0; at < 500; at++) master.write(`skills/s${at % 100}/${at}.md`, `${at}\n`)
    expect((await master.stemma('master', 'rebuild')).code).toBe(0)
    open(
      follower,
      `stemma follower join --yes --json '${link}' >/dev/null; rm -r "$STEMMA_HOME" "$CODEX_HOME"; ` +
        `TERM=dumb stemma follower join --yes '${link}' >/dev/null; rm -r "$STEMMA_HOME" "$CODEX_HOME"; ` +
        `stemma follower join --yes '${link}' 2>&1 | tail -n 1`,
    )
    expect(await over()).toEqual([expect.stringMatching(/^The session hook is installed: /)])
  })
})
