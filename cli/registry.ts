/**
 * Every command there is: its words, one line about it, and where it lies.
 * Always holds: reading this loads no command, so help and typing errors cost nothing.
 */
import type { Command } from './command.ts'

export type Entry = {
  readonly path: string
  readonly summary: string
  /** For programs: in no list, and never what somebody meant. */
  readonly hidden?: true
  load(): Promise<Command>
}

type Module = { readonly command: Command }
const entry = (path: string, summary: string, load: () => Promise<Module>): Entry => ({
  path,
  summary,
  load: async () => (await load()).command,
})

export const registry: readonly Entry[] = [
  entry('demo', 'Play a master and a follower here, and clean up', () => import('./commands/demo.ts')),
  entry('master init', 'Make this Codex home the original', () => import('./commands/master-init.ts')),
  entry('master serve', 'Publish the home and serve followers', () => import('./commands/master-serve.ts')),
  entry(
    'master install',
    'Serve always, as a service of this user',
    () => import('./commands/master-install.ts'),
  ),
  entry('master uninstall', 'Remove that service again', () => import('./commands/master-uninstall.ts')),
  entry('master link', 'Print the link for other machines', () => import('./commands/master-link.ts')),
  entry(
    'master status',
    'Show what is published and what is not',
    () => import('./commands/master-status.ts'),
  ),
  entry('master rebuild', 'Look at the whole home again', () => import('./commands/master-rebuild.ts')),
  entry('master followers', 'List the machines that follow', () => import('./commands/master-followers.ts')),
  entry('master approve', 'Let a waiting machine in', () => import('./commands/master-approve.ts')),
  entry('master revoke', 'Cut a machine off for ever', () => import('./commands/master-revoke.ts')),
  entry('master open', 'Let machines join without approval', () => import('./commands/master-open.ts')),
  entry('follower join', 'Follow a master', () => import('./commands/follower-join.ts')),
  entry(
    'follower watch',
    'Keep this home level with the master at every moment',
    () => import('./commands/follower-watch.ts'),
  ),
  entry(
    'follower install',
    'Watch always, as a service of this user',
    () => import('./commands/follower-install.ts'),
  ),
  entry('follower uninstall', 'Remove that service again', () => import('./commands/follower-uninstall.ts')),
  entry('follower leave', 'Stop following; the files stay', () => import('./commands/follower-leave.ts')),
  entry('sync', 'Fetch what is new and apply it', () => import('./commands/sync.ts')),
  entry('apply', 'Apply what was fetched already', () => import('./commands/apply.ts')),
  entry('plan', 'Show what apply would change', () => import('./commands/plan.ts')),
  entry('status', 'Show how this machine stands', () => import('./commands/status.ts')),
  entry(
    'doctor',
    'Find what is wrong here, say what to do, and mend it',
    () => import('./commands/doctor.ts'),
  ),
  entry('conflicts', 'List files that differ and wait', () => import('./commands/conflicts.ts')),
  entry('resolve', 'Settle a conflict', () => import('./commands/resolve.ts')),
  entry(
    'hook install',
    'Keep this home fresh whenever Codex starts',
    () => import('./commands/hook-install.ts'),
  ),
  entry('hook uninstall', 'Take the hook out of Codex', () => import('./commands/hook-uninstall.ts')),
  entry('hook status', 'Show whether Codex will run the hook', () => import('./commands/hook-status.ts')),
  entry('run', 'Start Codex with what is new', () => import('./commands/run.ts')),
  entry(
    'shim install',
    'Put a `codex` before the real one that brings news first',
    () => import('./commands/shim-install.ts'),
  ),
  entry('shim uninstall', 'Remove that `codex` again', () => import('./commands/shim-uninstall.ts')),
  entry('trust show', 'Show which key and log are trusted', () => import('./commands/trust-show.ts')),
  entry(
    'trust reset',
    'Forget the pinned key after a break of trust',
    () => import('./commands/trust-reset.ts'),
  ),
  entry(
    'completions',
    'Print what completes these words in a shell',
    () => import('./commands/completions.ts'),
  ),
  {
    ...entry('known', 'List names for a shell to complete', () => import('./commands/known.ts')),
    hidden: true,
  },
]
