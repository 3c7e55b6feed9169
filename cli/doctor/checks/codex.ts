/** Codex itself, its config, and the shim before it. */
import { knownCodex } from '../../../schemas/config-type.ts'
import { type Check, fault, fixable, warning } from '../finding.ts'

export const codex: Check = ({ codex: { file, version } }) => {
  if (file === null)
    return [
      warning('codex-missing', {
        title: 'There is no codex on PATH.',
        means: 'The home is kept, but nothing here uses it; `stemma run` has nothing to start.',
        todo: 'Install Codex, or put the folder that holds it on PATH.',
      }),
    ]
  if (version === null)
    return [
      warning('codex-broken', {
        title: 'Codex does not start.',
        means: `${file} does not say its version.`,
        todo: 'Run `codex --version` to see why; install Codex again.',
      }),
    ]
  if (version.startsWith(`${knownCodex}.`)) return []
  return [
    warning('codex-unknown', {
      title: 'This version of Codex is another one than stemma knows.',
      means: `${file} is ${version}. What Codex accepts, and when it runs hooks, was found out with ${knownCodex}.`,
      todo: 'Look whether hooks run (`stemma hook status`), and for a newer stemma.',
    }),
  ]
}

export const config: Check = ({ config: faults, role }) =>
  faults.map(({ path, why }) =>
    fault('config-refused', {
      title: `Codex does not start with ${path === 'config.toml' ? 'this config.toml' : 'one of its profiles'}.`,
      means: `${path}: ${why}${role === 'master' ? ' It is not published like that.' : ''}`,
      todo: 'Correct that line of the file.',
    }),
  )

export const shim: Check = ({ shim: seen }) => {
  if (seen === null) return []
  const { file, gone, isExecutable, found } = seen
  if (gone.length > 0 || !isExecutable)
    return [
      fixable(
        fault('shim-broken', {
          title: 'The shim brings no news any more.',
          means:
            gone.length > 0
              ? `${file} names what is no longer there: ${gone.join(' and ')}. Codex starts without it.`
              : `${file} is not executable.`,
          todo: '`stemma doctor --fix` or `stemma shim install` writes it anew.',
        }),
      ),
    ]
  if (found === 'first') return []
  return [
    warning('shim-shadowed', {
      title: 'The shim is not the `codex` that a shell finds.',
      means:
        found === 'behind'
          ? `Another codex comes before ${file} on PATH.`
          : `The folder of ${file} is not on PATH.`,
      todo: "Put its folder first on PATH, in your shell's start file (`stemma shim install` shows the line).",
    }),
  ]
}
