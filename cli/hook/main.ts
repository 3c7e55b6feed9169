/**
 * The session hook as Codex runs it, and the pull of the shim: `node stemma-hook.cjs MOMENT STEMMA_HOME CODEX_HOME`.
 * Bundled into one file, so that it starts in the time that node itself needs.
 * Always holds: nothing on standard output, exit 0, whatever happens (what a hook prints enters the session).
 */
import { dirname, join } from 'node:path'
import { openDisk } from '../../engine/disk/real.ts'
import { systemClock } from '../../engine/env/system-clock.ts'
import { freshen } from './freshen.ts'

process.on('uncaughtException', () => process.exit(0)).on('unhandledRejection', () => process.exit(0))

async function main([moment, stemmaHome = '', codexHome = '']: readonly string[]): Promise<void> {
  if (moment !== 'before' && moment !== 'start' && moment !== 'end') return
  const world = { disk: await openDisk(), clock: systemClock, stemmaHome }
  await freshen(world, moment, async (job) => {
    const [{ startJob }, { readSession }] = await Promise.all([import('./start.ts'), import('./payload.ts')])
    const ended = moment === 'end' ? await readSession(process.stdin) : null
    // The bundle lies beside the folder of the command.
    const command = join(dirname(process.argv[1] ?? ''), 'cli', 'main.js')
    return startJob({ main: command, env: process.env, stemmaHome, codexHome, ended }, job)
  })
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  () => process.exit(0),
)
