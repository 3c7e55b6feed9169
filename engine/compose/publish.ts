/**
 * What a master publishes of a secret file: never what belongs to one machine, never a refresh token (S29, S43, A5).
 * Always holds: everything else keeps its bytes; a file that cannot be read as what it is, is not published.
 */
import { isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'
import { foldName, type HomePath } from '../../schemas/path.ts'
import type { PlainSecret } from '../canon/scan.ts'
import { emptyRefresh } from '../codex/auth.ts'
import { canonicalOf } from '../merge/canonical.ts'
import { publishedHooks } from './hooks.ts'
import { hooksPath, isConfig, textOf } from './kind.ts'

export function publishable(path: HomePath, plain: Buffer): Buffer | Refusal {
  if (!isConfig(path) && path !== hooksPath && !isLogin(path)) return plain
  const text = textOf(plain)
  if (text === null) return refuse('bad-config', `${path} is not UTF-8 text.`)
  const published = transform(path, text)
  return isRefusal(published) ? published : Buffer.from(published)
}

/** All of them in the form in which they travel, and why some have none. */
export function publishables(found: readonly PlainSecret[]): {
  readonly secrets: readonly PlainSecret[]
  readonly refused: readonly { readonly path: HomePath; readonly refusal: Refusal }[]
} {
  const secrets: PlainSecret[] = []
  const refused: { path: HomePath; refusal: Refusal }[] = []
  for (const secret of found) {
    const plain = publishable(secret.path, secret.plain)
    if (isRefusal(plain)) refused.push({ path: secret.path, refusal: plain })
    else secrets.push({ ...secret, plain })
  }
  return { secrets, refused }
}

function transform(path: HomePath, text: string): string | Refusal {
  if (isConfig(path)) {
    const canonical = canonicalOf(text)
    return isRefusal(canonical) ? canonical : canonical.text
  }
  if (path === hooksPath) return publishedHooks(text)
  return emptyRefresh(text) ?? refuse('bad-config', `${path} is not a login that Codex could read.`)
}

/** Codex's own login, and those that it keeps for MCP servers. */
const isLogin = (path: string): boolean =>
  ['auth.json', '.credentials.json'].includes(foldName(path.slice(path.lastIndexOf('/') + 1)))
