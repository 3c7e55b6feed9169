/**
 * Runs the programs of a service manager.
 * Always holds: they get no terminal and no input, say what they say in English, and are given up after a while.
 */
import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { serviceStepMs, serviceTextMax } from '../../schemas/limits-cli.ts'
import type { Context } from '../context.ts'
import type { Step } from './service.ts'

export type Ran = {
  readonly ok: boolean
  readonly out: string
  /** What went wrong, in the program's own words; '' when nothing did. */
  readonly why: string
}

export async function runStep(
  context: Pick<Context, 'env' | 'uid' | 'signal'>,
  step: Step,
  timeoutMs = serviceStepMs,
): Promise<Ran> {
  const [program = '', ...args] = step.words
  return new Promise((resolve) => {
    const env = { ...reach(context), LC_ALL: 'C' }
    // Windows looks for a program in the current folder first: that is not whatever folder this was called in.
    const cwd = dirname(process.execPath)
    const bounds = { timeout: timeoutMs, maxBuffer: serviceTextMax, signal: context.signal, cwd }
    const child = execFile(program, args, { env, ...bounds, windowsHide: true }, (error, out, err) => {
      const said = err.trim() || out.trim()
      resolve({ ok: error === null, out, why: error === null ? '' : said || error.message })
    })
    child.stdin?.end()
  })
}

/** Where a user's systemd is reached: known to a login, and not to a shell that `su` or cron started. */
function reach({ env, uid }: Pick<Context, 'env' | 'uid'>): Record<string, string | undefined> {
  return uid === null || env['XDG_RUNTIME_DIR'] ? { ...env } : { ...env, XDG_RUNTIME_DIR: `/run/user/${uid}` }
}
