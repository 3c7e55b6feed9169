/**
 * Starts a sync that outlives whoever started it: in a session of its own, with nothing of ours open.
 */
import { spawn } from 'node:child_process'
import type { Env } from '../context.ts'

/** Resolves when it has ended, however; whoever does not wait leaves it running. */
export function startSync(main: string, env: Env): Promise<void> {
  const child = spawn(process.execPath, [main, 'sync', '--json'], {
    env: { ...env },
    detached: true,
    stdio: 'ignore',
    windowsHide: true,
  })
  child.unref()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
}
