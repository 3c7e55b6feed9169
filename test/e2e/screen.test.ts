/** The hook under the TUI of the real Codex, in a terminal, with and without a daemon (S50–S52). */
import { mkdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { observeSessions } from '../../engine/codex/observe.ts'
import { findSessions } from '../../engine/codex/session.ts'
import { openDisk } from '../../engine/disk/real.ts'
import { codexBinary, codexEnv, describeCodex } from './codex.ts'
import { daemonsOf, endDaemon } from './daemon.ts'
import { builtCommand } from './machine.ts'
import { makePair, type Pair } from './pair.ts'
import { until } from './patience.ts'
import { openTerminal, type Terminal, terminalMissing } from './terminal.ts'

const missing = process.platform === 'linux' ? terminalMissing() : 'not Linux'
if (missing !== null) process.stderr.write(`skipped: the hook in a terminal: ${missing}\n`)

describeCodex('the screen of the real Codex', () => {
  describe.skipIf(missing !== null)('in a terminal', () => {
    let pair: Pair
    let home: string
    let project: string
    let terminal: Terminal
    beforeEach(async () => {
      pair = await makePair()
      home = realpathSync(pair.follower.codexHome)
      project = join(`${home}.user`, 'project')
      mkdirSync(project, { recursive: true })
      const config = pair.follower.read('config.toml') ?? ''
      const own = `thread_unload_delay_secs = 1\n${config}\n[projects."${project}"]\ntrust_level = "trusted"\n`
      pair.follower.write('config.toml', own)
    })
    afterEach(async () => {
      terminal.close()
      endDaemon(home)
      await pair.remove()
    })

    const open = (program: string, ...args: string[]) => {
      const env = { ...codexEnv(home), TMPDIR: dirname(home) }
      terminal = openTerminal({ command: [program, ...args], cwd: project, env })
    }
    const ready = () => terminal.until('a prompt', (screen) => screen.includes('Ask Codex to do anything'))
    const say = async (words: string) => {
      terminal.type(words)
      await terminal.until('the words', (screen) => screen.includes(words))
      terminal.press('Enter')
    }
    const quit = async () => {
      await say('/quit')
      await terminal.ended()
    }
    const sessions = async () => findSessions(await observeSessions(await openDisk(), home))
    const publish = (name: string) => pair.publishNamed(name)
    const config = () => pair.follower.read('config.toml') ?? ''
    const agents = () => pair.follower.read('AGENTS.md')

    /** From the first screen to the answer: nothing runs before the first turn, and nothing is to be seen then. */
    async function turn(name: string) {
      await publish(name)
      const before = await ready()
      expect(config()).not.toContain(name)
      const asked = pair.model.next()
      await say('hello there')
      expect((await asked).text).not.toContain(name)
      await until('the hook has synced', () => config().includes(`gpt-${name}`))
      const after = await terminal.until('the answer', (screen) => screen.includes('• done'))
      for (const screen of [before, after]) {
        expect(screen.toLowerCase()).not.toContain('stemma')
        expect(screen).not.toMatch(/hooks? need|review/i)
      }
      // The session that the hook ran in keeps what it began with.
      expect(agents()).not.toContain(name)
    }

    test('S50, S10: without a daemon the hook runs at the first turn, and the end puts in the rest', async () => {
      open(codexBinary(), '--no-daemon')
      await turn('heron')
      await quit()
      await until('the instructions are new', () => agents()?.includes('heron') === true)
    })

    test('S50, S10: with an old daemon alive it runs in that', async () => {
      open(codexBinary())
      // The first one copies Codex into the home, and shows its prompt while it does.
      await until('a thread of the daemon', async () =>
        (await sessions()).some(({ pid }) => pid !== null && pid === daemonsOf(home)[0]),
      )
      await ready()
      await quit()
      await until('the daemon alone', async () => (await sessions()).length === 0)
      terminal.close()
      const [daemon] = daemonsOf(home)
      open(codexBinary())
      await turn('osprey')
      expect(daemonsOf(home)[0]).toBe(daemon)
      await quit()
      // It lets go of the thread a while after the last screen is gone, and that is its end.
      await until('the instructions are new', () => agents()?.includes('osprey') === true)
    })

    test('N11: through `run` the very session has the news, the screen is as ever, and so is the end', async () => {
      await publish('lemur')
      const cli = builtCommand()
      const PATH = `${dirname(codexBinary())}:${process.env['PATH'] ?? ''}`
      terminal = openTerminal({
        command: [process.execPath, cli, 'run', '--', '--no-daemon'],
        cwd: project,
        env: { ...codexEnv(home), PATH, TMPDIR: dirname(home), STEMMA_HOME: pair.follower.stemmaHome },
      })
      const first = await ready()
      expect(first.toLowerCase()).not.toContain('stemma')
      const asked = pair.model.next()
      await say('hello there')
      const { text } = await asked
      expect(text).toContain('Speak of the lemur.')
      expect(text).toContain('Draws a lemur.')
      await terminal.until('the answer', (screen) => screen.includes('• done'))
      await quit()
    })
  })
})
