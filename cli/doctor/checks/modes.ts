/** Who may enter the stemma folder: its owner, and nobody else. */
import { basename } from 'node:path'
import { type Check, fault, fixable, warning } from '../finding.ts'

export const owner: Check = ({ place, uid, stemmaHome }) => {
  const foreign = place.owned.filter((one) => uid !== null && one.uid !== null && one.uid !== uid)
  const [first] = foreign
  if (!first) return []
  return [
    fault('wrong-owner', {
      title: 'Part of the stemma folder belongs to another user.',
      means: `${first.path} belongs to user ${first.uid}, this is user ${uid}. Nothing can be locked or kept secret there.`,
      todo: `Run stemma as the user whose folder it is (never with sudo), or give it back: chown -R ${uid} ${stemmaHome}`,
    }),
  ]
}

export const modes: Check = ({ place, uid }) => {
  if (!place.hasModes) return []
  const wide = place.owned.filter(({ mode }) => (mode & 0o077) !== 0)
  return wide.map(({ path, mode, wanted, uid: whose }) => {
    const isKey = path.endsWith('.key') || basename(path) === 'keys'
    const words = {
      title: isKey ? 'Keys are open to other users.' : 'The stemma folder is open to other users.',
      means: `${path} has mode ${octal(mode)}.${isKey ? ' Keys are not used like that.' : ''}`,
      todo: isKey
        ? `Run: chmod ${octal(wanted)} ${path}. If somebody else may have read it, make new keys.`
        : `Run: chmod ${octal(wanted)} ${path}.`,
    }
    // What lies in the folder is closed by itself, as long as nobody else may put another in its place.
    const isMild = path === place.realStemma && (mode & 0o022) === 0
    const finding = isMild ? warning('wrong-mode', words) : fault('wrong-mode', words)
    return whose === uid ? fixable(finding) : finding
  })
}

const octal = (mode: number): string => mode.toString(8).padStart(4, '0')
