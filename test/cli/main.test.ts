/** The command as a process: exit codes, streams, pipes that close, and what it loads. */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { version } from '../../schemas/version.ts'
import { type Compiled, compile } from '../compiled.ts'

let compiled: Compiled
/** The same process around the commands of the tests. */
let staged: Compiled
beforeAll(async () => {
  compiled = await compile('cli/main.ts')
  staged = await compile('cli/main.ts', 'test/cli/commands.ts')
  const registry = "export { entries as registry } from '../test/cli/commands.js'\n"
  writeFileSync(staged.at('cli/registry.ts'), registry)
})
afterAll(() => {
  compiled.remove()
  staged.remove()
})

type Ended = { readonly code: number | null; readonly out: string; readonly err: string }
const start = (of: Compiled, args: readonly string[]) =>
  spawn(process.execPath, [of.at('cli/main.ts'), ...args], {
    env: { HOME: '/nowhere', PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
const stemma = (args: readonly string[]) => finish(start(compiled, args))

async function finish(child: ReturnType<typeof start>): Promise<Ended> {
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const code = await new Promise<number | null>((done) => child.once('close', done))
  return { code, out, err }
}

describe('U1: the process', () => {
  test('--version', async () => {
    expect(await stemma(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' })
    const manifest: { version: string } = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    )
    expect(version).toBe(manifest.version)
  })

  test('--help: plain text for a pipe, at most 80 columns', async () => {
    const { code, out, err } = await stemma(['--help'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('Usage')
    expect(out).not.toContain('\u001b')
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  test('an unknown command: exit 2, one line, no stack', async () => {
    const { code, out, err } = await stemma(['frobnicate'])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^error: There is no command `frobnicate`\. See `stemma --help`\.\n$/)
  })

  test('with --json the error is the object on standard output', async () => {
    const { code, out, err } = await stemma(['frobnicate', '--json'])
    expect({ code, err }).toEqual({ code: 2, err: '' })
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'usage' } })
  })

  test('a reader that goes away is silent', async () => {
    const child = start(compiled, ['--help'])
    child.stdout.destroy()
    expect(await finish(child)).toEqual({ code: 0, out: '', err: '' })
  })
})

describe('the process around a command', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s asks it to stop', async (signal) => {
    const child = start(staged, ['wait'])
    child.stdout.once('data', () => child.kill(signal))
    const { code, out, err } = await finish(child)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toBe('{"event":"waiting"}\n{"event":"stopped","aborted":true}\n')
  })

  test('a command that waits for nothing, and one that fails where nobody waits, are bugs with an exit code', async () => {
    const never = await finish(start(staged, ['fail', 'never']))
    expect(never).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/^error: stemma hit a bug: .*\n.*\n$/),
    })
    const late = await finish(start(staged, ['fail', 'late', '--json']))
    expect(late).toMatchObject({ code: 1, err: '' })
    expect(JSON.parse(late.out)).toMatchObject({
      error: { code: 'bug', message: 'stemma hit a bug: thrown where nobody waits.' },
    })
  })

  test('without a terminal nobody is asked', async () => {
    expect(await finish(start(staged, ['ask']))).toEqual({ code: 0, out: '{"answer":null}\n', err: '' })
  })
})

test('S51: help and typing errors load neither the engine nor the network', () => {
  const packages = new Set<string>()
  const files = new Set<string>()
  const visit = (file: string) => {
    if (files.has(file)) return
    files.add(file)
    const code = readFileSync(file, 'utf8')
    for (const [, from = ''] of code.matchAll(
      /^(?:(?:import|export|\}).* from|import) ['"]([^'"\n]+)['"];$/gm,
    )) {
      if (from.startsWith('.')) visit(join(dirname(file), from))
      else if (!from.startsWith('node:')) packages.add(from)
    }
  }
  visit(compiled.at('cli/main.ts'))
  expect([...packages].sort()).toEqual(['cac', 'picocolors'])
  expect([...files].filter((file) => /\/(?:engine|transport)\//.test(file))).toEqual([])
})
