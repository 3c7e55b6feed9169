/** Sessions of the real Codex, as stemma sees them. What `engine/codex/session.ts` and `observe.ts` rest on. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { observeSessions } from '../../engine/codex/observe.ts'
import { findSessions, type Session } from '../../engine/codex/session.ts'
import { openDisk } from '../../engine/disk/real.ts'
import { startAppServer } from './app-server.ts'
import { codexBinary, codexEnv, describeCodex, runCodexExec, writeCodexConfig } from './codex.ts'
import { daemonsOf, endDaemon } from './daemon.ts'
import { type FakeModel, startModel } from './model.ts'
import { openTerminal, type Terminal, terminalMissing } from './terminal.ts'

const onLinux = process.platform === 'linux'

describeCodex('sessions of the real Codex CLI', () => {
  let model: FakeModel
  let root: string
  let home: string
  let project: string
  const children: ChildProcess[] = []
  beforeEach(async () => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'stemma-sessions-')))
    home = join(root, '.codex')
    project = join(`${home}.user`, 'project')
    mkdirSync(project, { recursive: true })
    model = await startModel()
    writeCodexConfig(home, model.baseUrl)
    const config = join(home, 'config.toml')
    const trusted = `[projects."${project}"]\ntrust_level = "trusted"\n`
    writeFileSync(config, `thread_unload_delay_secs = 1\n${readFileSync(config, 'utf8')}\n${trusted}`)
  })
  afterEach(async () => {
    for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL')
    await model.close()
    rmSync(root, { recursive: true, force: true, maxRetries: 5 })
  })

  const sessions = async () => findSessions(await observeSessions(await openDisk(), home))
  const locks = async () => (await observeSessions(await openDisk(), home)).locks
  /** Waits for what no event tells: until the look says so. */
  async function until(what: string, test: (found: readonly Session[]) => boolean) {
    for (const end = Date.now() + 45_000; ; await pause(50)) {
      const found = await sessions()
      if (test(found)) return found
      if (Date.now() > end) throw new Error(`never ${what}: ${JSON.stringify(found)}`)
    }
  }
  const exec = (...args: string[]): ChildProcess => {
    const child = spawn(codexBinary(), ['exec', '--skip-git-repo-check', ...args, 'Say hello.'], {
      cwd: project,
      env: codexEnv(home),
      stdio: 'ignore',
    })
    children.push(child)
    return child
  }

  test('S10: `exec` is a session while it runs, named by process and thread, and none afterwards', async () => {
    expect(await sessions()).toEqual([])
    const release = model.hold()
    const asked = model.next()
    const child = exec()
    await asked
    const [thread] = readdirSync(join(home, 'thread-writer-locks')).filter((name) => !name.startsWith('.'))
    expect(await sessions()).toEqual([
      { pid: onLinux ? child.pid : null, thread: thread?.replace('.lock', '') },
    ])
    release()
    await once(child, 'close')
    expect(await sessions()).toEqual([])
    expect(await locks()).toEqual([])
  })

  describe.skipIf(!onLinux)('by its processes', () => {
    test('S10: one that keeps no transcript is seen by its process', async () => {
      const release = model.hold()
      const asked = model.next()
      const child = exec('--ephemeral')
      await asked
      expect(await sessions()).toEqual([{ pid: child.pid, thread: null }])
      release()
      await once(child, 'close')
      expect(await sessions()).toEqual([])
    })

    test('S10: a kill leaves a lock that nobody holds, and the next start removes it', async () => {
      model.hold()
      const asked = model.next()
      const child = exec()
      await asked
      child.kill('SIGKILL')
      await once(child, 'close')
      expect(await locks()).toMatchObject([{ holder: 'nobody' }])
      expect(await sessions()).toEqual([])
      const free = await startModel()
      writeCodexConfig(home, free.baseUrl)
      expect((await runCodexExec({ home, prompt: 'Say hello.' })).code).toBe(0)
      await free.close()
      expect(await locks()).toEqual([])
    })

    test('S10: an app server is a session only while it has a thread', async () => {
      const server = await startAppServer(home)
      expect(await sessions()).toEqual([])
      const { thread } = await server.call<{ thread: { id: string } }>('thread/start', { cwd: project })
      expect(await sessions()).toEqual([{ pid: server.pid, thread: thread.id }])
      await server.call('thread/unsubscribe', { threadId: thread.id })
      await until('without the thread', (found) => found.length === 0)
      await server.close()
    })
  })

  const noTerminal = onLinux ? terminalMissing() : 'not Linux'
  if (noTerminal !== null) process.stderr.write(`skipped: sessions in a terminal: ${noTerminal}\n`)
  describe.skipIf(noTerminal !== null)('in a terminal', () => {
    let terminal: Terminal
    const open = (...args: string[]) => {
      terminal = openTerminal({
        command: [codexBinary(), ...args],
        cwd: project,
        env: { ...codexEnv(home), TMPDIR: root },
      })
    }
    const ready = () => terminal.until('a prompt', (screen) => screen.includes('Ask Codex to do anything'))
    const quit = async () => {
      terminal.type('/quit')
      await terminal.until('the word', (screen) => screen.includes('› /quit'))
      terminal.press('Enter')
      await terminal.ended()
    }
    const daemons = () => daemonsOf(home)
    afterEach(() => {
      terminal.close()
      endDaemon(home)
    })

    test('S10: a TUI is a session from its first screen to its end', async () => {
      open('--no-daemon')
      await ready()
      expect(await sessions()).toMatchObject([{ pid: terminal.pid }])
      await quit()
      expect(await sessions()).toEqual([])
    })

    test('S10: the daemon that a TUI leaves behind is none', async () => {
      open()
      // The first one copies Codex into the home, and shows its prompt while it does.
      await until('a thread of the daemon', (found) => found.some(({ pid }) => pid === daemons()[0]))
      await ready()
      const pids = (await sessions()).map((session) => session.pid)
      expect(pids.sort()).toEqual([daemons()[0], terminal.pid].sort())
      await quit()
      // It lets go of the thread a while after its last screen is gone: `thread_unload_delay_secs`.
      await until('the daemon alone', (left) => left.length === 0)
      for (const pid of daemons()) expect(process.kill(pid, 0)).toBe(true)
      expect(daemons()).toHaveLength(2)
    })
  })
})
