/**
 * The SessionStart hook as Codex runs it: `node stemma-hook.cjs`. Bundled into one file, so that it starts in the time
 * that node itself needs.
 * Always holds: nothing on standard output, exit 0, whatever happens (what a hook prints enters the session).
 */
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { openDisk } from '../../engine/disk/real.ts'
import { systemClock, systemIds } from '../../engine/env/system.ts'
import { findHomes } from '../../engine/settings/homes.ts'
import { freshen } from './freshen.ts'
import { startSync } from './start.ts'

process.on('uncaughtException', () => process.exit(0)).on('unhandledRejection', () => process.exit(0))

async function main(): Promise<void> {
  const { stemmaHome } = findHomes(process.env, homedir(), process.cwd())
  const world = { disk: await openDisk(), clock: systemClock, ids: systemIds, stemmaHome }
  // The bundle lies beside the folder of the command.
  await freshen(world, () => startSync(join(dirname(process.argv[1] ?? ''), 'cli', 'main.js'), process.env))
}

main().then(
  () => process.exit(0),
  () => process.exit(0),
)
