/** The commands of our own hooks: this very installation, for these two folders, all by absolute paths. */
import type { OwnHooks } from '../../engine/compose/hooks.ts'
import type { Homes } from '../../engine/settings/homes.ts'
import { hookScript } from '../built.ts'
import { thisPlatform } from '../name.ts'
import { hookCommand } from '../shim/command.ts'

export function ownHooks({ stemmaHome, codexHome }: Homes): OwnHooks {
  const platform = thisPlatform()
  const of = (moment: string, behind: boolean) =>
    hookCommand({
      platform,
      node: process.execPath,
      script: hookScript,
      args: [moment, stemmaHome, codexHome],
      behind,
    })
  // The session that starts waits for a shell, not for Node. cmd.exe cannot leave anything behind: Node does it there.
  const start = platform === 'win32' ? of('start', false) : of('work', true)
  return { SessionStart: start, SessionEnd: of('end', false) }
}
