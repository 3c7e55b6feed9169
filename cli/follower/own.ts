/**
 * Our own hooks come and go: `hook install`, `hook uninstall`, and what `follower join` says of them.
 * Always holds: what is said was looked at after it was done.
 */
import { hooksPath } from '../../engine/compose/kind.ts'
import { type ExitCode, exitCodes } from '../../schemas/code.ts'
import type { FollowerLocal } from '../../schemas/settings.ts'
import type { Context } from '../context.ts'
import type { FollowerDesk } from './desk.ts'
import { type HookStatus, hookStatus, tellSkipped } from './hook.ts'
import { bringUp, positionOf } from './sync.ts'
import { tellApplied } from './tell.ts'

/** Two entries in one file: people who look into it find what they were told of. */
const ownEntries = 'two hooks of stemma in hooks.json, approved in config.toml'

/** Puts our hooks in or takes them out, as `local` says, and brings the home up to date with it. */
export async function changeHook(desk: FollowerDesk, local: FollowerLocal): Promise<ExitCode> {
  const { context } = desk
  const before = await hookStatus(desk)
  await desk.setLocal(local)
  const result = await bringUp(desk)
  const hook = await hookStatus(desk)
  const wanted = local.hook === true
  const isLeft = result.left.some(({ path }) => path === hooksPath)
  if (!context.json)
    context.out.flow(0, isLeft ? unchanged : wanted ? installed(hook) : removed(before, hook))
  const exit = tellApplied(context, result, positionOf(desk), { hook })
  if (!context.json && wanted && hook.installed !== hook.trusted) tellSkipped(context, hook)
  // Conflicts are not what was asked about.
  return exit === exitCodes.conflicts && hook.installed === wanted ? exitCodes.done : exit
}

export function tellInstalled({ out }: Context, { installed: isThere }: HookStatus): void {
  if (isThere)
    out.flow(0, `The session hook is installed: ${ownEntries} (\`stemma hook uninstall\` removes it).`)
}

const unchanged = 'The session hook is as it was: hooks.json could not be changed.'

function installed(hook: HookStatus): string {
  if (!hook.installed) return unchanged
  return `The session hook is installed${hook.trusted ? `: ${ownEntries}` : ', but Codex will skip it'}.`
}

function removed(before: HookStatus, now: HookStatus): string {
  if (now.installed) return unchanged
  return before.installed ? 'The session hook is removed.' : 'There was no hook to remove.'
}
