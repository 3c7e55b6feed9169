/** Which machine a person means. */

import { Fault } from '../../schemas/fault.ts'
import { idLettersMin } from '../../schemas/limits.ts'
import type { FollowerReport } from '../../schemas/report.ts'
import { isName } from '../../schemas/shape.ts'
import { suggest } from '../ui/suggest.ts'

/**
 * The one follower that a whole id, the beginning of an id, or a whole name means. A whole id always means that machine;
 * anything shorter must fit one alone: a machine may have taken the beginning of another's id for its name.
 */
export function findFollower(all: readonly FollowerReport[], words: string): FollowerReport {
  const facts = { follower: words }
  const id = words.toLowerCase()
  const exact = all.find((row) => row.id === id)
  if (exact) return exact
  const begun = id === '' ? [] : all.filter((row) => row.id.startsWith(id))
  const found = all.filter((row) => row.name === words || (id.length >= idLettersMin && begun.includes(row)))
  const [one, ...more] = found
  if (!one && begun.length > 0)
    throw new Fault(
      'unknown-follower',
      `${words} is too short: give ${idLettersMin} characters of an id.`,
      facts,
    )
  const near = suggest(
    words,
    all.map((row) => row.name),
  )
  const guess = near === null ? '.' : `; did you mean ${near}?`
  if (!one) throw new Fault('unknown-follower', `No follower is called ${words}${guess}`, facts)
  if (more.length > 0)
    throw new Fault(
      'unknown-follower',
      `${found.length} followers are called ${words}; use the whole id.`,
      facts,
    )
  return one
}

/** What can be asked for at all: nothing longer than a name or an id, and nothing that hides. */
export function mustBeName(words: string): string {
  if (!isName(words))
    throw new Fault('unknown-follower', 'That is neither the name nor the id of a follower.')
  return words
}
