/** A follower's home: conflicts, files that stay as they are, and a login that two machines would spend. */
import { hooksPath } from '../../../engine/compose/kind.ts'
import { doctorNamesMax } from '../../../schemas/limits-cli.ts'
import { counted } from '../../ui/amount.ts'
import { type Check, fault, warning } from '../finding.ts'

export const conflicts: Check = ({ plan }) => {
  const open = plan?.conflicts ?? []
  if (open.length === 0) return []
  const more = open.length - doctorNamesMax
  return [
    warning('conflicts', {
      title: `${counted(open.length, 'conflict')} ${open.length === 1 ? 'waits' : 'wait'} for your decision.`,
      means: `Kept as here: ${open.slice(0, doctorNamesMax).join(', ')}${more > 0 ? ` and ${more} more` : ''}.`,
      todo: 'See `stemma conflicts --diff`; settle each with `stemma resolve PATH --take canonical|local`.',
    }),
  ]
}

export const left: Check = ({ plan, config, hooks }) =>
  (plan?.left ?? [])
    // What Codex refuses is told as such.
    .filter(({ path }) => !config.some((one) => one.path === path))
    .filter(({ path }) => path !== hooksPath || !hooks?.fault)
    .map(({ path, why, hint }) =>
      fault('file-left', {
        title: 'A file cannot be brought up to date.',
        means: `${path}: ${why}`,
        todo: hint,
      }),
    )

export const planned: Check = ({ plan, stored }) =>
  plan?.fault && stored?.records === null
    ? [
        fault('home-unreadable', {
          title: 'The home cannot be compared with the log.',
          means: plan.fault.message,
          todo: plan.fault.hint,
        }),
      ]
    : []

export const login: Check = ({ login: auth }) =>
  auth?.kind === 'chatgpt' && auth.refreshes
    ? [
        warning('login-refreshes', {
          title: 'This follower can spend a refresh token of its own.',
          means:
            'auth.json has a ChatGPT login with a refresh token. If the same login is used on another machine, the first to refresh locks the other out.',
          todo: "If you signed in on this machine itself, leave it. If the file was copied here, take the master's: `stemma resolve auth.json --take canonical`, or sign in anew.",
        }),
      ]
    : []
