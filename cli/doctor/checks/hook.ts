/** The session hook of a follower: there, whole, for these homes, and approved; and what if there is none. */
import { type Check, type Finding, fault, fixable, warning } from '../finding.ts'

const events = ['SessionStart', 'SessionEnd'] as const
const again = '`stemma doctor --fix` or `stemma hook install` puts it right.'

export const hook: Check = ({ hooks, config, watching, shim }) => {
  if (hooks === null) return []
  const { isWanted, fault: broken, isOff, own } = hooks
  if (broken !== null)
    return [
      fault('hooks-refused', {
        title: 'Codex runs no hook: it refuses hooks.json.',
        means: `hooks.json: ${broken}.`,
        todo: 'Correct the file, or remove it and run `stemma sync`.',
      }),
    ]
  if (!isWanted && own.length === 0) {
    const isFresh = watching !== null || shim !== null
    return isFresh ? [] : [nothingFresh]
  }
  if (isWanted && events.some((event) => !own.some((one) => one.event === event))) return [missing]
  const moved = own.find(({ gone, isForHere }) => (gone?.length ?? 0) > 0 || !isForHere)
  if (moved)
    return [
      fixable(
        fault('hook-moved', {
          title: 'The session hook leads nowhere.',
          means: moved.isForHere
            ? `It names what is no longer there: ${moved.gone?.join(' and ')}.`
            : 'It works on another STEMMA_HOME or CODEX_HOME than these.',
          todo: again,
        }),
      ),
    ]
  // Where Codex does not start, what it would make of each hook says nothing.
  if (config.some(({ path }) => path === 'config.toml')) return []
  if (isOff) return [off]
  return judgeTrust(own.map(({ status }) => status))
}

function judgeTrust(all: readonly ('trusted' | 'untrusted' | 'modified' | 'disabled')[]): Finding[] {
  if (all.includes('disabled'))
    return [
      fault('hook-disabled', {
        title: 'Codex skips the session hook: it is disabled.',
        means: 'config.toml has enabled = false for it, under [hooks.state].',
        todo: 'Enable it in Codex, or take it out with `stemma hook uninstall`.',
      }),
    ]
  if (all.includes('modified')) return [skipped('modified', 'changed since it was approved')]
  return all.includes('untrusted') ? [skipped('untrusted', 'not approved')] : []
}

const skipped = (status: string, why: string): Finding =>
  fixable(
    fault(`hook-${status}`, {
      title: `Codex skips the session hook: it is ${why}.`,
      means: 'Codex says nothing of it in `codex exec`. This home gets old.',
      todo: `${again} Or approve it in Codex.`,
    }),
  )

const missing: Finding = fixable(
  fault('hook-missing', {
    title: 'The session hook is not installed.',
    means: 'This machine should have it (local.toml), but hooks.json has it no longer. This home gets old.',
    todo: again,
  }),
)
const nothingFresh: Finding = warning('nothing-fresh', {
  title: 'Nothing brings news by itself.',
  means: 'There is no session hook, no shim and no `stemma follower watch`.',
  todo: 'Run `stemma sync` yourself, or `stemma hook install`.',
})
const off: Finding = fault('hooks-off', {
  title: 'Codex runs no hook: hooks are switched off.',
  means: 'config.toml has hooks = false under [features].',
  todo: 'Remove that line, or take the hook out with `stemma hook uninstall`.',
})
