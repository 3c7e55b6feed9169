/**
 * A Codex home has one stemma folder: a follower in the home of a master would be published, and two followers would undo
 * each other's work. The folders that are known are the usual one and those that a hook of ours in this home names.
 */
import { join } from 'node:path'
import { readHooksFile } from '../engine/codex/hook.ts'
import { isOwnCommand } from '../engine/compose/hooks.ts'
import { hooksPath } from '../engine/compose/kind.ts'
import type { Disk } from '../engine/disk/disk.ts'
import { readFile } from '../engine/disk/save.ts'
import { loadLocal } from '../engine/settings/file.ts'
import type { Homes } from '../engine/settings/homes.ts'
import { isSameHome } from '../engine/settings/kept.ts'
import { Fault } from '../schemas/fault.ts'
import { secretBytesMax } from '../schemas/limits.ts'
import type { Context } from './context.ts'
import { attempt } from './doctor/looks/attempt.ts'
import { readHookCommand } from './doctor/words.ts'
import { thisPlatform } from './name.ts'

/** @throws Fault `home-taken` when another stemma folder is known to keep the Codex home. */
export async function mustBeUntaken({ homes, homeDir }: Context, disk: Disk): Promise<void> {
  const { stemmaHome, codexHome } = homes
  const usual = { stemmaHome: join(homeDir, '.stemma'), codexHome: join(homeDir, '.codex') }
  for (const other of [usual, ...(await hooked(disk, codexHome))]) {
    if (await isSameHome(disk, other.stemmaHome, stemmaHome)) continue
    const { got, told } = await attempt(() => loadLocal(disk, other.stemmaHome))
    if (got === null && told === null) continue
    // Where its local.toml does not say (of an older version, or damaged) it keeps what it would by default.
    if (!(await isSameHome(disk, got?.home ?? other.codexHome, codexHome))) continue
    throw new Fault('home-taken', `${other.stemmaHome} keeps the Codex home ${codexHome} already.`, {
      stemmaHome: other.stemmaHome,
      home: codexHome,
    })
  }
}

/** What our hooks in a home were made for. */
async function hooked(disk: Disk, codexHome: string): Promise<readonly Homes[]> {
  const { got } = await attempt(() => readFile(disk, join(codexHome, hooksPath), secretBytesMax))
  const { hooks } = readHooksFile(got?.toString() ?? '{}', thisPlatform())
  return hooks.flatMap(({ command }) => {
    const words = command !== null && isOwnCommand(command) ? readHookCommand(command) : null
    return words === null ? [] : [words]
  })
}
