/** What a LaunchAgent says is bounded: its first words, read as launchd reads them, run by real shells on the real disk. */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { agentPlan } from '../../../cli/service/agent.ts'
import { lastLogFile, launcherFile, logFile, type Service } from '../../../cli/service/service.ts'
import { serviceLogBytesMax } from '../../../schemas/limits-cli.ts'
import { plainService } from './services.ts'

const shells = ['/bin/sh', 'bash', 'dash', 'zsh', 'ksh', 'busybox'].filter(
  (name) => !spawnSync(name, ['-c', ':']).error,
)

describe.skipIf(process.platform === 'win32').each(shells)('S54: the log of a service, with %s', (shell) => {
  let root: string
  let service: Service
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), `stemma it's "100%" $HOME é \\ `))
    service = { ...plainService('darwin'), stemmaHome: join(root, 's') }
    mkdirSync(dirname(logFile(service)), { recursive: true })
    mkdirSync(dirname(launcherFile(service)))
    writeFileSync(launcherFile(service), `printf '[%s]' "$$" "$@"; echo; echo wrong >&2; exit 6\n`)
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' }
  /** As launchd: the log is there, and open at its end. */
  const start = () => {
    const text = agentPlan(service).files[0].text
    const list = text.slice(text.indexOf('<array>'), text.indexOf('</array>'))
    const words = [...list.matchAll(/<string>(.*)<\/string>/g)].map(([, word = '']) =>
      word.replace(/&(\w+);/g, (all, name: string) => entities[name] ?? all),
    )
    const log = openSync(logFile(service), 'a', 0o600)
    try {
      const args = [...(shell === 'busybox' ? ['sh'] : []), ...words.slice(1)]
      const { status, pid } = spawnSync(shell, args, { stdio: ['ignore', log, log] })
      return { status, said: `[${pid}]${service.words.map((word) => `[${word}]`).join('')}\nwrong\n` }
    } finally {
      closeSync(log)
    }
  }
  const read = (file: string) => readFileSync(file, 'utf8')

  test('a short one goes on, and the first one is begun', () => {
    const first = start()
    const second = start()
    expect([first.status, second.status]).toEqual([6, 6])
    expect(read(logFile(service))).toBe(first.said + second.said)
    expect(readdirSync(dirname(logFile(service)))).toEqual(['master.log'])
  })

  test('a long one is put aside whole, in the place of the one before it', () => {
    const long = 'x'.repeat(serviceLogBytesMax)
    writeFileSync(logFile(service), long)
    const { said } = start()
    expect(read(logFile(service)) === long + said).toBe(true)
    writeFileSync(lastLogFile(service), 'older')
    const next = start()
    expect([next.status, read(logFile(service))]).toEqual([6, next.said])
    expect(read(lastLogFile(service)) === long + said).toBe(true)
  })

  test('one that cannot be put aside keeps nobody from the start', () => {
    writeFileSync(logFile(service), 'x'.repeat(serviceLogBytesMax + 1))
    mkdirSync(join(lastLogFile(service), 'master.log'), { recursive: true })
    const { status } = start()
    expect([status, read(logFile(service)).endsWith('wrong\n')]).toEqual([6, true])
  })
})
