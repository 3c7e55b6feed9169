/**
 * What waits for the end of a session: what Codex would take up from the second turn on, and another login (S10,
 * `docs/CODEX.md`). Pure.
 * Always holds: a fresh token of the account that is signed in does not wait, since it is what keeps a session alive;
 * all that waits goes in together, twelve hours after the first of it at the latest.
 */
import { stagedMaxMs } from '../../schemas/limits.ts'
import type { HomePath } from '../../schemas/path.ts'
import { readAuth } from '../codex/auth.ts'

export const authPath = 'auth.json'

/** Would a session in progress notice a change of this path? `login`: what becomes of auth.json. */
export const isNoticed = (path: HomePath, login: 'same' | 'other'): boolean =>
  path === authPath ? login === 'other' : /^(?:AGENTS[^/]*\.md|skills\/.*)$/.test(path)

/** `same`: Codex goes on with the new file in mid-session, as it does for one ChatGPT account only. */
export function compareLogins(local: string | null, canonical: string | null): 'same' | 'other' {
  const [before, after] = [local, canonical].map((text) => (text === null ? null : readAuth(text)))
  return before?.kind === 'chatgpt' &&
    after?.kind === 'chatgpt' &&
    before.account !== null &&
    before.account === after.account
    ? 'same'
    : 'other'
}

/** Has it waited long enough? A clock that was set back starts the time anew. */
export const isOverdue = (sinceMs: number | null, nowMs: number): boolean =>
  sinceMs !== null && nowMs - sinceMs >= stagedMaxMs
