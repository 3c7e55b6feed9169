/** What is stored: keys, log, contents, evidence, the records of apply. */
import { doctorNamesMax } from '../../../schemas/limits-cli.ts'
import { counted } from '../../ui/amount.ts'
import { type Check, fault, fixable, warning } from '../finding.ts'

export const keys: Check = ({ stored }) => {
  const told = stored?.keys
  // Open modes are told as such.
  if (!told || told.code === 'keys-exposed') return []
  return [fault('keys-damaged', { title: 'The keys cannot be used.', means: told.message, todo: told.hint })]
}

export const log: Check = ({ stored, role }) => {
  const told = stored?.log
  if (!told) return []
  const isOld = told.code === 'upgrade-needed'
  const afresh =
    'Nothing of your Codex home is lost: `stemma follower leave`, then join again for a fresh copy.'
  const restore =
    'It is kept read-only as it is. Restore the stemma folder from a backup, and let a follower bring it up to date; do not delete it.'
  return [
    fault(isOld ? 'upgrade-needed' : 'log-damaged', {
      title: isOld ? 'The log is newer than this stemma.' : 'The log is damaged.',
      means: told.message,
      todo: isOld || !told.code.startsWith('log-') ? told.hint : role === 'master' ? restore : afresh,
    }),
  ]
}

export const contents: Check = ({ stored, role, survey }) => {
  const missing = stored?.missing ?? []
  const damaged = stored?.damaged ?? []
  if (missing.length + damaged.length === 0) return []
  const parts = [
    ...(missing.length > 0 ? [`${counted(missing.length, 'content')} missing`] : []),
    ...(damaged.length > 0 ? [`${counted(damaged.length, 'content')} damaged`] : []),
  ]
  const isFree = survey !== null && survey.owner === null
  const again =
    role === 'master'
      ? 'they are read from the Codex home again, as far as it has them, and what changed there is published'
      : 'damaged ones are set aside and all of them fetched from the master again'
  const finding = fault('contents-damaged', {
    title: 'Stored contents are missing or damaged.',
    means: `Of what the log names, ${parts.join(' and ')}. ${role === 'master' ? 'Followers cannot fetch them.' : 'Nothing is applied until they are here.'}`,
    todo:
      isFree || role === 'follower'
        ? `\`stemma doctor --fix\`: ${again}.`
        : 'Stop `stemma master serve`, run `stemma doctor --fix`, and start it again.',
  })
  return [isFree || role === 'follower' ? fixable(finding) : finding]
}

export const fork: Check = ({ stored, role }) => {
  if (!stored?.fork) return []
  return [
    fault('forked', {
      title: 'The history was found forked.',
      means:
        role === 'master'
          ? `A follower holds another history with this master's signature; nothing is published. See ${stored.fork}.`
          : `The master showed another history than this machine holds; nothing is taken from it. See ${stored.fork}.`,
      todo: 'Find out which one is genuine; then `stemma trust reset`.',
    }),
  ]
}

export const cutOff: Check = ({ stored }) =>
  stored?.cutOff
    ? [
        fixable(
          fault('apply-cut-off', {
            title: 'An apply was cut off.',
            means: 'Part of the files is new, part is old. The rest waits, stored and complete.',
            todo: '`stemma doctor --fix` or `stemma apply` carries it out.',
          }),
        ),
      ]
    : []

export const records: Check = ({ stored }) =>
  stored?.records
    ? [
        fault('ledger-damaged', {
          title: 'The records of what was applied are damaged.',
          means: stored.records.message,
          todo: stored.records.hint,
        }),
      ]
    : []

export const leftovers: Check = ({ leftovers: all, stored, codexHome }) => {
  // What an apply staged that waits to be carried out is no leftover.
  const found = stored?.cutOff ? all.filter((path) => !path.startsWith(codexHome)) : all
  if (found.length === 0) return []
  const more = found.length - doctorNamesMax
  const named = found.slice(0, doctorNamesMax).join(', ')
  return [
    fixable(
      warning('leftovers', {
        title: 'An interrupted save left something behind.',
        means: `Half-written, and nothing reads it: ${named}${more > 0 ? ` and ${more} more` : ''}.`,
        todo: '`stemma doctor --fix` removes it, and so does the next command that works there.',
      }),
    ),
  ]
}
