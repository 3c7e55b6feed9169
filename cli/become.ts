/**
 * Another program in this one's place: on the same terminal, in the same folder, and with the same end.
 * Node cannot become another program (Node 20 has no `execve`), so it stays behind it, does nothing, and waits.
 * Always holds: nothing is printed; what a terminal sends to all of its processes reaches the program once; a signal
 * that ends the program ends this process too, and is seen as such by whoever waits for it.
 */
import { spawn } from 'node:child_process'
import { isatty } from 'node:tty'
import { Fault } from '../schemas/fault.ts'
import type { Env } from './context.ts'

/** What keys and the closing of a terminal send to every process on it. */
const terminal: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGWINCH']
/** What is meant for one process. SIGUSR1 is Node's own; a stopped process is a matter of the shell. */
const single: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGUSR2']

/** @throws Fault `codex-missing` when there is no such program. Else this process ends as the program does. */
export async function become(file: string, args: readonly string[], env: Env): Promise<never> {
  const onTerminal = [0, 1, 2].some((fd) => isatty(fd))
  // From here on signals are the program's: it decides what they mean, and this process ends with it. Before it is
  // started, so that none comes too early; none is heard before the lines below are done.
  const heard = (name: NodeJS.Signals) => {
    const isShared = onTerminal && terminal.includes(name)
    if (!isShared) child.kill(name)
  }
  for (const name of [...terminal, ...single]) {
    process.removeAllListeners(name)
    process.on(name, heard)
  }
  const child = spawn(file, [...args], { env: { ...env }, stdio: 'inherit' })
  const ended = await new Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>(
    (resolve, reject) => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
      child.once('error', (error) =>
        reject(new Fault('codex-missing', `${file} cannot be started.`, { file }, error)),
      )
    },
  )
  if (ended.signal === null) process.exit(ended.code ?? 1)
  return dieBy(ended.signal)
}

/** Ends this process by a signal. */
function dieBy(signal: NodeJS.Signals): Promise<never> {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
  // It arrives in a moment; the timer keeps the process there for it.
  return new Promise(() => setInterval(() => undefined, 1_000))
}
