/**
 * The session hook as Codex runs it, and the pull of the shim: `node stemma-hook.cjs MOMENT STEMMA_HOME CODEX_HOME`.
 * Bundled into one file, so that it starts in the time that node itself needs.
 * Always holds: nothing on standard output, exit 0, whatever happens (what a hook prints enters the session).
 */
import { dirname, join } from 'node:path'
import { openDisk } from '../../engine/disk/real.ts'
import { clockBy } from '../../engine/env/system-clock.ts'
import { isAlive } from './alive.ts'
import { freshen } from './freshen.ts'

/** The usual source of this would have Node load a module, which takes a millisecond. */
const clock = clockBy(() => Number(process.hrtime.bigint()) / 1e6)

process.on('uncaughtException', () => process.exit(0)).on('unhandledRejection', () => process.exit(0))

async function main([moment, stemmaHome = '', codexHome = '']: readonly string[]): Promise<void> {
  if (moment !== 'before' && moment !== 'start' && moment !== 'work' && moment !== 'end') return
  const hook = process.argv[1] ?? ''
  // The bundle lies beside the folder of the command.
  const main = join(dirname(hook), 'cli', 'main.js')
  const world = { disk: await openDisk(), clock, stemmaHome, pid: process.pid, isAlive }
  await freshen(world, moment, async (job) => {
    const { startJob } = await import('./start.ts')
    const ended = moment === 'end' ? await endedSession() : null
    return startJob({ main, hook, env: process.env, stemmaHome, codexHome, ended }, job)
  })
}

async function endedSession(): Promise<string | null> {
  const { readSession } = await import('./payload.ts')
  return readSession(process.stdin)
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  () => process.exit(0),
)
