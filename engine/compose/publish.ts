/**
 * What a master publishes of a secret file: never what belongs to one machine, never a refresh token (S29, S43, A5).
 * Always holds: everything else keeps its bytes; a file that cannot be read as what it is, is not published.
 */
import { isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'
import { foldName, type HomePath } from '../../schemas/path.ts'
import type { Platform } from '../../schemas/shape.ts'
import type { PlainSecret } from '../canon/scan.ts'
import { emptyRefresh } from '../codex/auth.ts'
import { canonicalOf } from '../merge/canonical.ts'
import { approvedHooks, withApproved } from './approved.ts'
import { publishedHooks } from './hooks.ts'
import { configPath, hooksPath, isConfig, textOf } from './kind.ts'

export function publishable(path: HomePath, plain: Buffer): Buffer | Refusal {
  if (!isConfig(path) && path !== hooksPath && !isLogin(path)) return plain
  const text = textOf(plain)
  if (text === null) return refuse('bad-config', 'it is not UTF-8 text')
  const published = transform(path, text)
  return isRefusal(published) ? published : Buffer.from(published)
}

/**
 * All of them in the form in which they travel, and why some have none. hooks.json goes with the approvals that
 * config.toml has for it.
 */
export function publishables(
  found: readonly PlainSecret[],
  platform: Platform,
): {
  readonly secrets: readonly PlainSecret[]
  readonly refused: readonly { readonly path: HomePath; readonly refusal: Refusal }[]
} {
  const secrets: PlainSecret[] = []
  const refused: { path: HomePath; refusal: Refusal }[] = []
  for (const secret of found) {
    const plain = publishable(secret.path, secret.plain)
    if (isRefusal(plain)) refused.push({ path: secret.path, refusal: plain })
    else if (secret.path !== hooksPath) secrets.push({ ...secret, plain })
    else secrets.push({ ...secret, plain: withApprovals(plain, found, platform) })
  }
  return { secrets, refused }
}

function withApprovals(plain: Buffer, found: readonly PlainSecret[], platform: Platform): Buffer {
  const [hooks, config] = [hooksPath, configPath].map((path) => {
    const secret = found.find((one) => one.path === path)
    return (secret && textOf(secret.plain)) ?? ''
  })
  return Buffer.from(withApproved(plain.toString(), approvedHooks(hooks ?? '', config ?? '', platform)))
}

function transform(path: HomePath, text: string): string | Refusal {
  if (isConfig(path)) {
    const canonical = canonicalOf(text)
    return isRefusal(canonical) ? canonical : canonical.text
  }
  if (path === hooksPath) return publishedHooks(text)
  return emptyRefresh(text) ?? refuse('bad-config', 'it is not a login that Codex could read')
}

/** Codex's own login, and those that it keeps for MCP servers. */
const isLogin = (path: string): boolean =>
  ['auth.json', '.credentials.json'].includes(foldName(path.slice(path.lastIndexOf('/') + 1)))
