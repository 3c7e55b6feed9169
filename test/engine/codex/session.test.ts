/** What counts as a session, and what `/proc` says of one; real Codex processes are in `test/e2e/session.test.ts`. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { observeSessions } from '../../../engine/codex/observe.ts'
import { findSessions, isSession } from '../../../engine/codex/session.ts'
import type { Disk } from '../../../engine/disk/disk.ts'
import { openDisk } from '../../../engine/disk/real.ts'

describe('S10: the decision', () => {
  test('a thread that somebody writes is a session, whoever it is', () => {
    const locks = [
      { thread: 'a', holder: { pid: 1 } },
      { thread: 'b', holder: 'unseen' },
      { thread: 'c', holder: 'unknown' },
      { thread: 'd', holder: 'nobody' },
    ] as const
    const daemon = { pid: 1, args: ['app-server', '--listen', 'unix://', '--managed-daemon'] }
    expect(findSessions({ locks, processes: [daemon] })).toEqual([
      { thread: 'a', pid: 1 },
      { thread: 'b', pid: null },
      { thread: 'c', pid: null },
    ])
    expect(findSessions({ locks: [], processes: [daemon] })).toEqual([])
    expect(findSessions({ locks: [], processes: null })).toEqual([])
  })

  test('a session that has ended counts no more, its process neither; another thread of that process does', () => {
    const processes = [
      { pid: 1, args: ['exec', 'hi'] },
      { pid: 2, args: ['exec', 'ho'] },
    ]
    const a = { thread: 'a', holder: { pid: 1 } }
    expect(findSessions({ locks: [a], processes: processes.slice(0, 1) }, 'a')).toEqual([])
    expect(findSessions({ locks: [a], processes }, 'a')).toEqual([{ thread: null, pid: 2 }])
    expect(findSessions({ locks: [a, { thread: 'b', holder: { pid: 1 } }], processes: null }, 'a')).toEqual([
      { thread: 'b', pid: 1 },
    ])
    expect(findSessions({ locks: [{ thread: 'a', holder: 'unknown' }], processes: null }, 'a')).toEqual([])
  })

  test('one session is told once, and one without a transcript by its process', () => {
    const processes = [
      { pid: 1, args: ['exec', 'hi'] },
      { pid: 2, args: ['exec', '--ephemeral', 'hi'] },
    ]
    expect(findSessions({ locks: [{ thread: 'a', holder: { pid: 1 } }], processes })).toEqual([
      { thread: 'a', pid: 1 },
      { thread: null, pid: 2 },
    ])
  })

  test('the first subcommand decides', () => {
    const talks = [[], ['fix the app-server'], ['-m', 'x', 'exec', 'login'], ['e', 'x'], ['resume', '--last']]
    const silent = [
      ['app-server', 'daemon', 'pid-update-loop'],
      ['-c', 'a=1', 'login'],
      ['--version'],
      ['mcp', 'list'],
    ]
    expect(talks.map(isSession)).toEqual(talks.map(() => true))
    expect(silent.map(isSession)).toEqual(silent.map(() => false))
  })
})

describe('S10: the look at a home', () => {
  let root: string
  let home: string
  let proc: string
  let disk: Disk
  const thread = '01a1f877-6c21-7c73-a4c7-eebdfd22bf21'
  beforeEach(async () => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'stemma-session-')))
    home = join(root, '.codex')
    proc = join(root, 'proc')
    mkdirSync(join(home, 'thread-writer-locks'), { recursive: true })
    mkdirSync(proc)
    writeFileSync(join(home, 'thread-writer-locks', '.coordination.lock'), '')
    disk = await openDisk()
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  const lockFile = () => join(home, 'thread-writer-locks', `${thread}.lock`)
  const run = (pid: number, args: string[], env: Record<string, string>, exe = '/usr/bin/codex') => {
    mkdirSync(join(proc, String(pid)))
    writeFileSync(join(proc, String(pid), 'cmdline'), [exe, ...args, ''].join('\0'))
    const pairs = Object.entries(env).map(([key, value]) => `${key}=${value}\0`)
    writeFileSync(join(proc, String(pid), 'environ'), pairs.join(''))
    symlinkSync(exe, join(proc, String(pid), 'exe'))
    symlinkSync(root, join(proc, String(pid), 'cwd'))
  }
  const look = () => observeSessions(disk, home, proc)

  test('a lock is held by whom the system says', async () => {
    writeFileSync(lockFile(), '')
    expect((await look()).locks).toEqual([{ thread, holder: 'unknown' }])
    const line = (more: string) =>
      writeFileSync(join(proc, 'locks'), `1: FLOCK  ADVISORY  WRITE 7 fe:00:1 0 EOF\n${more}\n`)
    const { ino } = statSync(lockFile(), { bigint: true })
    line(`2: FLOCK  ADVISORY  WRITE 3091 fe:00:${ino} 0 EOF`)
    expect((await look()).locks).toEqual([{ thread, holder: { pid: 3091 } }])
    line(`2: FLOCK  ADVISORY  WRITE 0 fe:00:${ino} 0 EOF`)
    expect((await look()).locks).toEqual([{ thread, holder: 'unseen' }])
    line(`2: -> FLOCK  ADVISORY  WRITE 3091 fe:00:${ino} 0 EOF`)
    expect((await look()).locks).toEqual([{ thread, holder: 'nobody' }])
  })

  test('processes: of Codex, of this home by whatever spelling, and no others', async () => {
    symlinkSync(home, join(root, 'other-name'))
    run(10, ['exec', 'a b'], { HOME: root })
    run(11, [], { HOME: '/nowhere', CODEX_HOME: join(root, 'other-name') }, '/x/codex (deleted)')
    run(12, [], { CODEX_HOME: '.codex' }, '/x/codex-x86_64-unknown-linux-musl')
    run(13, [], { HOME: root, CODEX_HOME: '' })
    run(20, [], { HOME: root, CODEX_HOME: join(root, 'missing') })
    run(21, [], { HOME: root }, '/usr/bin/codex-auth')
    run(22, [], { HOME: root }, '/usr/bin/node')
    run(23, [], {})
    mkdirSync(join(proc, '24'))
    expect((await look()).processes).toEqual([
      { pid: 10, args: ['exec', 'a b'] },
      { pid: 11, args: [] },
      { pid: 12, args: [] },
      { pid: 13, args: [] },
    ])
  })

  test('where there is no process file system nothing is known of processes', async () => {
    expect((await look()).processes).toBeNull()
    expect(await observeSessions(disk, home, join(root, 'missing'))).toEqual({ locks: [], processes: null })
    expect(await observeSessions(disk, join(root, 'missing'), proc)).toEqual({ locks: [], processes: [] })
  })
})
