/** The two settings files, the stemma folder itself, and a Codex home that is not there. */
import { codes } from '../../../schemas/code.ts'
import { type Check, fault, warning } from '../finding.ts'

const titles: Readonly<Record<string, string>> = {
  'bad-local': 'The file local.toml cannot be read.',
  'bad-settings': 'The file settings.toml cannot be read.',
}

export const settings: Check = ({ settings: all, place, uid }) => {
  const slips = all.flatMap(({ code, message, hint }) => {
    const title = titles[code]
    return title === undefined ? [] : [fault(code, { title, means: message, todo: hint })]
  })
  const closed = all.find(({ code }) => !(code in titles))
  // What belongs to another user is told as such.
  const isForeign = place.owned.some((one) => uid !== null && one.uid !== null && one.uid !== uid)
  if (closed === undefined || isForeign) return slips
  const { message, hint } = closed
  return [
    ...slips,
    fault('folder-closed', { title: 'The stemma folder cannot be read.', means: message, todo: hint }),
  ]
}

export const codexHome: Check = ({ role, codexHome: path, codex }) => {
  if (codex.hasHome) return []
  const words = {
    title: 'There is no Codex home.',
    means: `${path} is missing or is no folder.`,
    todo: 'Start Codex once so that it makes its home, or point CODEX_HOME at the right folder.',
  }
  return [role === 'none' ? warning('home-missing', words) : fault('home-missing', words)]
}

export const otherHome: Check = ({ keeps, stemmaHome, codexHome: path }) =>
  keeps === null
    ? []
    : [
        fault('other-home', {
          title: 'The stemma folder keeps another Codex home.',
          means: `${stemmaHome} keeps ${keeps}, not ${path}. No command works on the two together; nothing else was judged.`,
          todo: codes['other-home'].hint,
        }),
      ]
