/** The command as a process: exit codes, streams, pipes that close, and what it loads. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { version } from '../../schemas/version.ts'
import { type Compiled, compile } from '../compiled.ts'

let compiled: Compiled
beforeAll(async () => {
  compiled = await compile('cli/main.ts')
})
afterAll(() => compiled.remove())

type Ended = { readonly code: number | null; readonly out: string; readonly err: string }
async function stemma(args: readonly string[], closeOut = false): Promise<Ended> {
  const child = spawn(process.execPath, [compiled.at('cli/main.ts'), ...args], {
    env: { HOME: '/nowhere', PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (closeOut) child.stdout.destroy()
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
    expect(await stemma(['--help'], true)).toEqual({ code: 0, out: '', err: '' })
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
