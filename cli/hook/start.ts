/**
 * Starts a command that outlives whoever started it: in a session of its own, with nothing of ours open, and without what
 * the user tells Node for programs of their own.
 */
import { spawn } from 'node:child_process'
import type { Env } from '../context.ts'
import { nodeVariables } from '../shim/command.ts'
import type { Job } from './freshen.ts'

export type JobPlace = {
  /** The command's main.js, and the bundle of the hook. */
  readonly main: string
  readonly hook: string
  readonly env: Env
  readonly stemmaHome: string
  readonly codexHome: string
  /** The session that has ended, though its process is still there. */
  readonly ended: string | null
}

export function startJob(place: JobPlace, job: Job): { readonly ended: Promise<void> } {
  const { main, hook, env, stemmaHome, codexHome, ended } = place
  const words = {
    sync: [main, 'sync', '--json'],
    apply: [main, 'apply', '--json', ...(ended === null ? [] : ['--ended', ended])],
    work: [hook, 'work', stemmaHome, codexHome],
  }[job]
  const child = spawn(process.execPath, words, {
    cwd: stemmaHome,
    env: { ...withoutNode(env), STEMMA_HOME: stemmaHome, CODEX_HOME: codexHome },
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

/** On Windows a name is the same in capitals and in small letters. */
const withoutNode = (env: Env): Env =>
  Object.fromEntries(
    Object.entries(env).filter(([name]) => !nodeVariables.some((one) => one === name.toUpperCase())),
  )
