/** Runs `verify.py` on a log, or on many that a test made up. */
import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect } from 'vitest'

const program = fileURLToPath(new URL('verify.py', import.meta.url))

const say = (command: string, ...args: string[]): string | null => {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return null
  }
}
/** The interpreter itself: what stands on the search path may be a slow script around it. */
const python = say('python3', '-c', 'import sys; assert sys.version_info >= (3, 9); print(sys.executable)')

const openssl = /^OpenSSL (?:[3-9]|\d\d)\./.test(say('openssl', 'version') ?? '')
const required = process.env['STEMMA_REQUIRE_VERIFIER'] === '1'

/** `describe` for tests that run the verifier. Where it cannot run they are skipped with a line, or fail where required. */
export function describeVerifier(name: string, tests: () => void): void {
  const missing = python === null ? 'python3 of 3.9 or later' : openssl ? null : 'openssl of 3 or later'
  if (missing !== null && !required) process.stderr.write(`skipped: ${name}: no ${missing} here\n`)
  describe.skipIf(missing !== null && !required)(name, tests)
}

export type Verdict = { readonly code: number; readonly out: string }

/** Without what a machine adds to its Python: only its own library is needed, and that starts in half the time. */
export function verify(...args: string[]): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    execFile(
      python ?? 'python3',
      ['-I', '-S', program, ...args],
      { timeout: 60_000 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code
        if (typeof code === 'number') resolve({ code, out: `${stdout}${stderr}`.trim() })
        else reject(error)
      },
    )
  })
}

/** Segments by the number of their first entry. */
export type Segments = Readonly<Record<number, Buffer>>
export const segmentFile = (first: number): string => `${String(first).padStart(16, '0')}.seg`

/** What is meant, how it is judged, and the log itself. */
export type Case = readonly [meant: string, why: RegExp, log: Segments]

/**
 * Each log beside what the verifier says of it, a line of JSON. One process judges many, since most of its time is
 * the start.
 */
async function judge(cases: readonly Case[], code: 0 | 1) {
  const home = mkdtempSync(join(tmpdir(), 'stemma-verify-'))
  try {
    const folders = cases.map(([, , log], i) => {
      const folder = join(home, String(i))
      mkdirSync(folder)
      for (const [first, bytes] of Object.entries(log))
        writeFileSync(join(folder, segmentFile(Number(first))), bytes)
      return folder
    })
    const verdict = await verify('--json', ...folders)
    const lines = verdict.out.split('\n')
    expect(lines.length, verdict.out).toBe(cases.length)
    expect(verdict.code, verdict.out).toBe(code)
    return cases.map(([meant, why], i) => ({ meant, why, line: lines[i] ?? '' }))
  } finally {
    rmSync(home, { recursive: true })
  }
}

/** Each is refused with one sentence that says why, and not by a stumble of the verifier. */
export async function expectRefused(cases: readonly Case[]): Promise<void> {
  const sentence = /^\{"ok": false, "error": "[0-9]{16}\.seg at byte [0-9]+: .+"\}$/
  const told = await judge(cases, 1)
  expect(told.filter(({ why, line }) => !sentence.test(line) || !why.test(line))).toEqual([])
}

/** Each is taken, and `why` is found in what is said of it. */
export async function expectTaken(cases: readonly Case[]): Promise<void> {
  const told = await judge(cases, 0)
  expect(told.filter(({ why, line }) => !line.startsWith('{"ok": true, ') || !why.test(line))).toEqual([])
}
