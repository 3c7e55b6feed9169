/** The command as it is installed: the launcher before `main.ts`. */
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { version } from '../../schemas/version.ts'
import { type Compiled, compile } from '../compiled.ts'

let compiled: Compiled
let folder: string

beforeAll(async () => {
  compiled = await compile('cli/stemma.cts')
  folder = dirname(compiled.at('cli/main.ts'))
  // Only Linux lists the threads of a process.
  writeFileSync(
    join(folder, 'probe.cjs'),
    `process.on('exit', () => {
      const threads = process.platform === 'linux' ? require('node:fs').readdirSync('/proc/self/task').length : null
      require('node:fs').writeFileSync('probed.json', JSON.stringify({ threads, size: process.env.UV_THREADPOOL_SIZE ?? null }))
    })`,
  )
})
afterAll(() => compiled?.remove())

function probe(env: Record<string, string>): { said: string; threads: number | null; size: string | null } {
  const args = ['--require', './probe.cjs', 'stemma.cjs', '--version']
  const { UV_THREADPOOL_SIZE: _, ...rest } = process.env
  const said = execFileSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...rest, ...env },
  })
  return { said, ...JSON.parse(readFileSync(join(folder, 'probed.json'), 'utf8')) }
}

test('many syncs may be under way at once, and processes that stemma starts do not inherit that', () => {
  const { said, threads, size } = probe({})
  expect(said).toBe(`${version}\n`)
  expect(size).toBe(null)
  if (threads !== null) expect(threads).toBeGreaterThanOrEqual(32)
})

test('a size that the user chose stays', () => {
  const { threads, size } = probe({ UV_THREADPOOL_SIZE: '2' })
  expect(size).toBe('2')
  if (threads !== null) expect(threads).toBeLessThan(32)
})

test.runIf(existsSync('/dev/full'))('U2: an output that takes nothing is one line and the end', () => {
  const full = openSync('/dev/full', 'w')
  const ended = spawnSync(process.execPath, ['stemma.cjs', '--version'], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', full, 'pipe'],
    timeout: 30_000,
  })
  closeSync(full)
  expect(ended.status).toBe(1)
  expect(ended.stderr).toBe('error: The output could not be written (ENOSPC).\n')
})
