/** The two settings files, and a Codex home that is not there. */
import { type Check, fault, warning } from '../finding.ts'

export const settings: Check = ({ settings: told }) =>
  told.map(({ code, message, hint }) =>
    fault(code, {
      title:
        code === 'bad-local'
          ? 'The file local.toml cannot be read.'
          : 'The file settings.toml cannot be read.',
      means: message,
      todo: hint,
    }),
  )

export const codexHome: Check = ({ role, codexHome: path, codex }) => {
  if (codex.hasHome) return []
  const words = {
    title: 'There is no Codex home.',
    means: `${path} is missing or is no folder.`,
    todo: 'Start Codex once so that it makes its home, or point CODEX_HOME at the right folder.',
  }
  return [role === 'none' ? warning('home-missing', words) : fault('home-missing', words)]
}
