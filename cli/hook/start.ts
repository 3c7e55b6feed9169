/**
 * Starts a command that outlives whoever started it: in a session of its own, with nothing of ours open.
 */
import { spawn } from 'node:child_process'
import { hookProbeMs } from '../../schemas/limits.ts'
import type { Env } from '../context.ts'
import type { Job } from './freshen.ts'

export type JobPlace = {
  /** The command's main.js. */
  readonly main: string
  readonly env: Env
  readonly stemmaHome: string
  readonly codexHome: string
  /** The session that has ended, though its process still does. */
  readonly ended: string | null
}

export function startJob(
  { main, env, stemmaHome, codexHome, ended }: JobPlace,
  job: Job,
): { readonly ended: Promise<void> } {
  const words = {
    sync: ['sync'],
    apply: ['apply', ...(ended === null ? [] : ['--ended', ended])],
    probe: ['sync', '--timeout', String(hookProbeMs)],
  }[job]
  const child = spawn(process.execPath, [main, ...words, '--json'], {
    cwd: stemmaHome,
    env: { ...env, STEMMA_HOME: stemmaHome, CODEX_HOME: codexHome },
    detached: true,
    stdio: 'ignore',
    windowsHide: true,
  })
  child.unref()
  return {
    ended: new Promise((resolve) => {
      child.once('exit', () => resolve())
      child.once('error', () => resolve())
    }),
  }
}
